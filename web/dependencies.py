"""What handlers are given: the transaction, who asks, the ticket they may see, a page to render."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

from litestar.connection import Request
from litestar.di import Provide
from litestar.params import FromQuery, PathParameter, SkipValidation
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, with_expression

from helpdesk import conditions, saved_views
from helpdesk.access import require, visible_tickets
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, NotFound
from helpdesk.events import Event
from helpdesk.i18n import gettext
from helpdesk.merging import root_id
from helpdesk.people import Agent, Contact
from helpdesk.search.values import vocabulary
from helpdesk.sla import Policy
from helpdesk.statements import once
from helpdesk.tickets import Ticket
from helpdesk.views import Listing, Order, Sorting, View
from web.auth import opened, permission
from web.pages import Page

LONGEST_WHERE = 8000
"""Characters of a condition in an address; what is cut off cannot be read."""
Session = SkipValidation[AsyncSession]
CurrentAgent = SkipValidation[Agent]
CurrentTicket = SkipValidation[Ticket]
CurrentDesk = SkipValidation[Desk]
ThisPage = SkipValidation[Page]
ThisListing = SkipValidation[Listing]


async def database_session(request: Request[Any, Any, Any]) -> AsyncIterator[AsyncSession]:
    """One transaction: committed when the handler has rendered, before anything is sent."""
    session = opened(request)
    yield session
    await session.commit()


async def current_agent(request: Request[Any, Any, Any]) -> Agent:
    return cast("Agent", request.user)


async def current_desk(request: Request[Any, Any, Any]) -> Desk:
    return cast("Desk", request.app.state.desk)


async def page(request: Request[Any, Any, Any]) -> Page:
    await request.app.state.signboard.refresh()
    return Page(request.app.state.pages, request)


async def visible_ticket(
    request: Request[Any, Any, Any],
    session: Session,
    agent: CurrentAgent,
    number: Annotated[int, PathParameter(ge=1, le=2**63 - 1)],
) -> Ticket:
    """The ticket of the address; locked where the request changes something.

    Raises Moved where it was merged: its number leads to the ticket that it is part of.
    """
    ticket = await opened_ticket(session, agent, number, lock=request.method != "GET")
    require(agent, permission(request), ticket)
    if ticket.merged_into_id:
        end = await root_id(session, ticket.id)
        raise Moved(number, await session.scalar(select(Ticket.number).where(Ticket.id == end)) or number)
    return ticket


async def opened_ticket(session: AsyncSession, agent: Agent, number: int, *, lock: bool = False) -> Ticket:
    """A ticket that the agent may see, with what its page shows."""
    found = await session.scalars(_opened(agent, lock=lock), {"number": number})
    if (ticket := found.unique().one_or_none()) is None:
        raise NotFound
    return ticket


@once
def _opened(agent: Agent, *, lock: bool) -> Select[Ticket]:
    query = visible_tickets(agent).where(Ticket.number == bindparam("number"))
    if lock:  # not the key: what is written elsewhere about this ticket refers to it meanwhile
        query = query.with_for_update(of=Ticket, key_share=True)
    happened = select(func.count()).where(Event.ticket_id == Ticket.id).scalar_subquery()
    return query.options(  # one statement: the collections have one to three rows
        joinedload(Ticket.contact).options(joinedload(Contact.company), joinedload(Contact.identities)),
        joinedload(Ticket.policy).joinedload(Policy.calendar),
        joinedload(Ticket.inbox),
        joinedload(Ticket.team),
        joinedload(Ticket.assignee),
        joinedload(Ticket.clocks),
        with_expression(Ticket.happened, happened),
    )


class Moved(Conflict):
    """A ticket was merged: reading goes on at the other one, and nothing is changed by the old number."""

    def __init__(self, number: int, now: int) -> None:
        words = gettext("#%(number)s was merged into #%(now)s meanwhile. Nothing was changed; go on there.")
        super().__init__(words % {"number": number, "now": now})
        self.number, self.now = number, now


async def chosen_listing(
    session: Session,
    agent: CurrentAgent,
    view: FromQuery[View] = View.mine,
    team: FromQuery[int | None] = None,
    inbox: FromQuery[int | None] = None,
    saved: FromQuery[int | None] = None,
    sort: FromQuery[Order | None] = None,
    reverse: FromQuery[bool | None] = None,
    where: FromQuery[str] = "",
) -> Listing:
    """Which tickets the address asks for, and in which order; a saved view brings its own.

    `where` is a condition as JSON, for what nobody has saved.
    """
    kept = await saved_views.one(session, agent, saved) if saved is not None else None
    usual = Sorting(Order(kept.sort), kept.reverse) if kept else Sorting()
    order = Sorting(sort, bool(reverse)) if sort else usual
    if kept is None and where:
        known = await vocabulary(session)
        wanted = conditions.parse(where[:LONGEST_WHERE], known.kinds)
        return Listing(view, sorting=order, where=wanted, words=known.describe(wanted))
    return Listing(view, team, inbox, kept, order)


DEPENDENCIES = {
    "listing": Provide(chosen_listing),
    "session": Provide(database_session),
    "agent": Provide(current_agent),
    "desk": Provide(current_desk),
    "page": Provide(page),
    "ticket": Provide(visible_ticket),
}


class Closing:
    """Gives the database session back whatever happened; what was not committed is rolled back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            if session := scope["state"].pop("database", None):
                await session.close()
