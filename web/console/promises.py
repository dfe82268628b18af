"""Why is this due at 14:05? Every promise of a ticket, step by step."""

from typing import Any

from litestar import get
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.sla import Entry, Policy
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html
from web.promise_story import Names, why


@get("/tickets/{number:int}/promises", opt=permits(Action.read))
async def promises(ticket: Ticket, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
    directory = await Directory.load(session)
    context: dict[str, Any] = {
        "ticket": ticket,
        "why": why(ticket, await entries(session, ticket), await names(session, ticket, directory)),
    }
    if page.is_partial:
        return page("console/promises/_beside.html", **context)
    return page("console/promises/show.html", shell=await Shell.load(session, agent), **context)


async def entries(session: AsyncSession, ticket: Ticket) -> list[Entry]:
    """In the order of their times: what ran out may be written down later than what came after it."""
    query = select(Entry).where(Entry.ticket_id == ticket.id).order_by(Entry.at, Entry.id)
    return list(await session.scalars(query))


async def names(session: AsyncSession, ticket: Ticket, directory: Directory) -> Names:
    policies = dict((await session.execute(select(Policy.id, Policy.name))).tuples().all())
    return Names(directory.agents, directory.teams, policies, ticket.contact.name)
