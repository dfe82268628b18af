"""The list of tickets, and the ticket itself with everything around it."""

from typing import cast

from litestar import Controller, get
from litestar.params import FromQuery
from litestar.response import Redirect
from sqlalchemy import Table, bindparam
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import notifications, views
from helpdesk.access import Action, may
from helpdesk.people import Agent
from helpdesk.statements import once
from helpdesk.tickets import Ticket, TicketRead
from helpdesk.views import Place
from web.auth import current_session, permits
from web.console import arrivals, lists, visitors
from web.console.shell import Shell
from web.console.workplace import Draft, changed, work
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisListing, ThisPage
from web.pages import Html, Page

__all__ = ["Draft", "Tickets", "changed", "home", "work"]

BESIDE = 25
"""Rows of the list beside a ticket that was opened by its address; more is one press away."""


@get("/", opt=permits(Action.signed_in))
async def home(agent: CurrentAgent, page: ThisPage) -> Redirect:
    """On the first day its steps, afterwards the tickets."""
    steps = page.context()["first_day"] and may(agent, Action.manage_desk)
    return Redirect("/first-day" if steps else "/tickets", status_code=303)


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
        if after and page.asks_for("more"):
            listed = await views.listed(session, agent, listing, after=Place.read(after))
            columns = await lists.columns(session, listing)
            return page(
                f"console/tickets/{'_table_rows' if columns else '_rows'}.html",
                listed=listed,
                shell=Shell.of(listing),
                columns=columns,
                there=await visitors.there(session, listed.tickets),
                open_number=None,
            )
        listed, counts = await views.overview(
            session, agent, listing, after=Place.read(after) if after else None
        )
        name = "console/tickets/_list.html" if page.asks_for("list") else "console/tickets/index.html"
        return page(
            name,
            listed=listed,
            shell=Shell.of(listing, counts),
            columns=await lists.columns(session, listing),
            there=await visitors.there(session, listed.tickets),
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
        since: FromQuery[str] = "",
    ) -> Html:
        """`since`: what the page knows already, as it says itself."""
        if page.asks_for("work") and (seen := arrivals.Seen.read(since)):
            sent = await arrivals.sent_since(session, ticket, seen)
            if sent:
                answer = page(
                    "console/tickets/_arrived.html", ticket=ticket, sent=sent.messages, known=sent.seen
                )
                answer.headers["hx-reswap"] = "none"
                return answer
        context = await work(session, agent, ticket, whole=whole)
        read_until = context["read_until"]
        if read_until is None or read_until < ticket.last_message_at:
            await mark_read(session, ticket, agent)
        if (found := current_session(page.request)) and found.unread:
            found.unread = await notifications.mark_read_with(session, agent, ticket.id)  # this page's bell
        if page.asks_for("work"):
            return page("console/tickets/_work.html", **context)
        listed = await views.listed(session, agent, listing, limit=BESIDE)
        shell = await Shell.load(session, agent, listing=listing)
        return page(
            "console/tickets/show.html",
            listed=listed,
            there=await visitors.there(session, listed.tickets),
            shell=shell,
            open_number=ticket.number,
            **context,
        )


async def mark_read(session: AsyncSession, ticket: Ticket, agent: Agent) -> None:
    """Up to the newest message.

    The one thing that a GET writes: a receipt for the reader's own eyes, which nobody else can see.
    """
    read = {"ticket": ticket.id, "agent": agent.id, "until": ticket.last_message_at}
    await session.execute(_read_until(), read)


@once
def _read_until() -> Insert:
    row = insert(cast("Table", TicketRead.__table__)).values(
        ticket_id=bindparam("ticket"), agent_id=bindparam("agent"), seen_at=bindparam("until")
    )
    return row.on_conflict_do_update(
        index_elements=["agent_id", "ticket_id"],
        set_={"seen_at": row.excluded.seen_at},
        where=TicketRead.seen_at < row.excluded.seen_at,
    )


def open_number(page: Page) -> int | None:
    """Which ticket is open beside the list that asks for itself."""
    _, _, path = page.request.headers.get("hx-current-url", "").partition("/tickets/")
    digits = path.partition("?")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
