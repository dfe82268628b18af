"""The list of tickets, and the ticket itself with everything around it."""

from dataclasses import dataclass, field
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromQuery
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import views
from helpdesk.access import Action, is_visible
from helpdesk.people import Agent
from helpdesk.tickets import Priority, Ticket, TicketRead
from helpdesk.views import Place
from web.auth import permits
from web.console import lists, proposals, thread, timeline
from web.console.shell import Directory, Named, Shell
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisListing, ThisPage
from web.pages import Html, Page
from web.words import priority_name

PAST = 4
BESIDE = 25
"""Rows of the list beside a ticket that was opened by its address; more is one press away."""


@get("/", opt=permits(Action.signed_in), sync_to_thread=False)
def home() -> Redirect:
    return Redirect("/tickets", status_code=303)


@dataclass(frozen=True)
class Draft:
    """What the composer starts with."""

    text: str = ""
    note: str = ""
    mode: str = "reply"
    suggestion_id: int | None = None
    news: list[Any] = field(default_factory=list)
    """Said by others since the author looked; set when sending was refused for it."""
    seen: int | None = None
    focus: bool = False


class Tickets(Controller):
    path = "/tickets"

    @get(opt=permits(Action.read))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        listing: ThisListing,
        after: FromQuery[str] = "",
    ) -> Html:
        listed = await views.listed(session, agent, listing, after=Place.read(after) if after else None)
        columns = await lists.columns(session, listing)
        if after and page.asks_for("more"):
            shell = Shell.of(listing)
            rows = "_table_rows" if columns else "_rows"
            return page(
                f"console/tickets/{rows}.html", listed=listed, shell=shell, columns=columns, open_number=None
            )
        shell = await Shell.load(session, agent, listing=listing)
        name = "console/tickets/_list.html" if page.asks_for("list") else "console/tickets/index.html"
        return page(
            name,
            listed=listed,
            shell=shell,
            columns=columns,
            open_number=open_number(page),
            oob=True,
        )

    @get("/{number:int}", opt=permits(Action.read))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        listing: ThisListing,
        whole: FromQuery[bool] = False,
    ) -> Html:
        await mark_read(session, ticket, agent)
        context = await work(session, agent, ticket, whole=whole)
        if page.asks_for("work"):
            return page("console/tickets/_work.html", **context)
        listed = await views.listed(session, agent, listing, limit=BESIDE)
        shell = await Shell.load(session, agent, listing=listing)
        return page(
            "console/tickets/show.html", listed=listed, shell=shell, open_number=ticket.number, **context
        )


async def work(
    session: AsyncSession, agent: Agent, ticket: Ticket, *, draft: Draft | None = None, whole: bool = False
) -> dict[str, Any]:
    """Everything that a ticket's panes show."""
    directory = await Directory.load(session)
    found = await thread.load(session, ticket, whole=whole)
    return {
        "ticket": ticket,
        "directory": directory,
        "thread": found,
        "told": lambda event: timeline.told(event, directory, ticket.contact.name),
        "past": await past(session, agent, ticket),
        "proposals": await proposals.load(session, ticket, found),
        "priorities": [Named(priority, priority_name(priority)) for priority in Priority],
        "draft": draft or Draft(),
        "whole": whole,
    }


async def past(session: AsyncSession, agent: Agent, ticket: Ticket) -> list[Any]:
    """The same person's other tickets, newest first, as far as this agent may know of them."""
    query = (
        select(Ticket.number, Ticket.subject, Ticket.category, Ticket.last_message_at)
        .where(is_visible(agent), Ticket.contact_id == ticket.contact_id, Ticket.id != ticket.id)
        .order_by(Ticket.last_message_at.desc())
        .limit(PAST)
    )
    return list((await session.execute(query)).all())


async def mark_read(session: AsyncSession, ticket: Ticket, agent: Agent) -> None:
    """Up to the newest message; writes only when there is something new."""
    row = insert(TicketRead).values(ticket_id=ticket.id, agent_id=agent.id, seen_at=ticket.last_message_at)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["agent_id", "ticket_id"],
            set_={"seen_at": row.excluded.seen_at},
            where=TicketRead.seen_at < row.excluded.seen_at,
        )
    )


def open_number(page: Page) -> int | None:
    """Which ticket is open beside the list that asks for itself."""
    _, _, path = page.request.headers.get("hx-current-url", "").partition("/tickets/")
    digits = path.partition("?")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


async def changed(
    request: Request[Any, Any, Any],
    page: Page,
    session: AsyncSession,
    agent: Agent,
    ticket: Ticket,
    **given: Any,
) -> Response[Any]:
    """The answer to whoever changed a ticket: its panes as they are now, or the page itself for a plain form."""
    if not page.is_partial:
        return Redirect(f"/tickets/{ticket.number}", status_code=303)
    await session.flush()
    draft = given.pop("draft", None)
    return page("console/tickets/_work.html", **await work(session, agent, ticket, draft=draft), **given)
