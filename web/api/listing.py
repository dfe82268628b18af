"""Lists of tickets: a queue, a saved view, what somebody searched for, or a condition."""

from typing import Annotated, Any

from litestar import Controller, get, post
from litestar.params import FromQuery, QueryParameter
from msgspec import Meta
from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, saved_views
from helpdesk.access import Action, is_visible
from helpdesk.clock import now
from helpdesk.ordering import Order, Place, Sorting
from helpdesk.people import Agent
from helpdesk.search.syntax import read
from helpdesk.search.values import vocabulary
from helpdesk.statements import literally
from helpdesk.tickets import Ticket
from helpdesk.views import Listing, View
from web.api.answers import Listed
from web.api.given import BIG, MOST, PAGE, After, Given, Limit, Sent
from web.api.once import READS
from web.api.ticket_views import TicketView, viewed, views
from web.auth import permits
from web.dependencies import CurrentAgent, Session

AnId = Annotated[int | None, QueryParameter(ge=1, le=BIG)]
Search = Annotated[
    str,
    QueryParameter(max_length=500, description='As in the console: status:open tag:vip "exact words" -not'),
]
EXAMPLE = {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}


class TicketQuery(Sent):
    condition: Annotated[dict[str, Any], Meta(examples=[EXAMPLE])]
    """`where` statements, joined by `all`, `any` and `not`."""
    sort: Order = Order.last_message
    reverse: bool = False
    limit: Annotated[int, Meta(ge=1, le=MOST)] = PAGE
    after: Annotated[str, Meta(max_length=2_000)] = ""


READING = permits(Action.read) | {READS: True}


class TicketLists(Controller):
    path = "/tickets"
    opt = {"resource": "tickets"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=permits(Action.read), summary="List tickets")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        view: FromQuery[View | None] = None,
        saved_view: AnId = None,
        team: AnId = None,
        inbox: AnId = None,
        requester: AnId = None,
        q: Search = "",
        sort: FromQuery[Order | None] = None,
        reverse: Annotated[bool, QueryParameter(description="The other way round.")] = False,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[TicketView]:
        """A queue (`view`), a saved view, a search, or all of them at once; without any, all open tickets."""
        sorting = Sorting(sort or Order.last_message, reverse)
        within: list[ColumnElement[bool]] = []
        if saved_view is not None:
            saved = await saved_views.one(session, agent, saved_view)
            within.append(await conditions.compiled(session, conditions.kept(saved.wanted), agent, now()))
            sorting = sorting if sort else Sorting(Order(saved.sort), saved.reverse)
        if view is not None or not (within or q or requester):
            within.append(Listing(view or View.all).condition(agent))
        if q:
            within.append(await _searched(session, agent, q))
        for column, wanted in (
            (Ticket.team_id, team),
            (Ticket.inbox_id, inbox),
            (Ticket.contact_id, requester),
        ):
            within.append(column == wanted if wanted is not None else true())
        return await page(session, agent, and_(*within), sorting, after=after, limit=limit)

    @post("/query", opt=READING, summary="List tickets by a condition", status_code=200)
    async def query(
        self, session: Session, agent: CurrentAgent, given: Given[TicketQuery]
    ) -> Listed[TicketView]:
        """The language of saved views: any field, nested and/or/not."""
        known = await vocabulary(session)
        condition = conditions.parse(given.condition, known.kinds)
        where = await conditions.compiled(session, condition, agent, now())
        sorting = Sorting(given.sort, given.reverse)
        return await page(session, agent, where, sorting, after=given.after, limit=given.limit)


async def page(
    session: AsyncSession,
    agent: Agent,
    where: ColumnElement[bool],
    sorting: Sorting,
    *,
    after: str,
    limit: int,
) -> Listed[TicketView]:
    query = viewed().where(is_visible(agent), where)
    if after:
        query = query.where(sorting.after(Place.read(after)))
    rows = (await session.execute(query.order_by(*sorting.by()).limit(literally(limit + 1)))).all()
    more = len(rows) > limit
    return Listed(items=views(rows[:limit]), next=str(sorting.place(rows[limit - 1][0])) if more else None)


async def _searched(session: AsyncSession, agent: Agent, q: str) -> ColumnElement[bool]:
    """What was removed is found only by who asks for it."""
    known = await vocabulary(session)
    search = read(q, known.find, known.kinds)
    found: ColumnElement[bool] = await conditions.compiled(
        session, conditions.kept(search.whole), agent, now()
    )
    return found
