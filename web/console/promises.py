"""Why is this due at 14:05? Every promise of a ticket, step by step; and which policy promises, chosen by hand."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.i18n import gettext
from helpdesk.sla import Entry, Policy
from helpdesk.sla.matching import active, decide, fix
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Directory, Shell
from web.console.sorting import NotThere
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.promise_story import Names, why


@get("/tickets/{number:int}/promises", opt=permits(Action.read))
async def promises(ticket: CurrentTicket, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
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


class PolicyForm(Fields):
    policy: Annotated[str, Meta(pattern=r"^[0-9]{0,18}$")] = ""
    """Empty: by the conditions of policies."""


class Policies(Controller):
    path = "/tickets/{number:int}/policy"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        chosen = int((await read(request, PolicyForm)).policy or 0)
        policy = await session.scalar(active().where(Policy.id == chosen)) if chosen else None
        if chosen and policy is None:
            raise NotThere
        was, fixed = ticket.policy_id, ticket.policy_fixed
        fix(ticket, policy, by=agent)
        if (was, fixed) == (ticket.policy_id, ticket.policy_fixed):
            return await changed(request, page, session, agent, ticket)
        await decide(session)
        name = ticket.policy.name if ticket.policy else gettext("none")
        by_hand, by_condition = gettext("Policy by hand: %(name)s"), gettext("Policy by conditions: %(name)s")
        words = (by_hand if ticket.policy_fixed else by_condition) % {"name": name}
        undo = Undo(words, "clock", "policy", "post", {"policy": str(was) if fixed and was else ""})
        return await changed(request, page, session, agent, ticket, undoing=undo)

    @get("/choices", opt=permits(Action.change))
    async def choices(
        self, session: Session, page: ThisPage, ticket: CurrentTicket, q: FromQuery[str] = ""
    ) -> Html:
        """The active ones whose name holds what was typed, in the order in which they are asked."""
        words = " ".join(clean(q).split())[:200].lower()
        found = [policy for policy in await session.scalars(active()) if words in policy.name.lower()]
        return page("console/promises/_policy_choices.html", ticket=ticket, policies=found)
