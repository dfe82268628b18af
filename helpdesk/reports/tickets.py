"""One row per ticket with all that is measured of it, for who reckons with it elsewhere."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from helpdesk.access import Action, is_visible
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType, ticket_tag
from helpdesk.measures import Period, Scope, TicketFact, TicketReply
from helpdesk.measures.sources import ON_FACTS, countable
from helpdesk.people import Agent, Company, Contact, Team
from helpdesk.ratings import Rating
from helpdesk.sla import Clock, Metric
from helpdesk.statuses import Status
from helpdesk.tickets import Ticket

BATCH = 2_000
_assignee, _responder, _resolver = aliased(Agent), aliased(Agent), aliased(Agent)


def _promise(metric: Metric) -> Any:
    """Whether it was kept; None where it is not decided or nothing was promised."""
    decided = or_(Clock.met_at.is_not(None), Clock.breached_at.is_not(None))
    return (
        select(func.bool_and(Clock.breached_at.is_(None)))
        .where(Clock.ticket_id == TicketFact.id, Clock.metric == metric, decided)
        .scalar_subquery()
    )


_first = and_(TicketReply.ticket_id == TicketFact.id, TicketReply.first)
_tags = (
    select(func.string_agg(Tag.name, literal_column("', ' ORDER BY tag.name")))
    .join(ticket_tag, ticket_tag.c.tag_id == Tag.id)
    .where(ticket_tag.c.ticket_id == TicketFact.id)
    .scalar_subquery()
)
COLUMNS: dict[str, Any] = {
    "number": Ticket.number,
    "subject": Ticket.subject,
    "status": Status.name,
    "category": Ticket.category,
    "priority": TicketFact.priority,
    "type": TicketType.name,
    "tags": _tags,
    "inbox": Inbox.name,
    "channel": Inbox.channel,
    "team": Team.name,
    "assignee": _assignee.name,
    "requester": Contact.name,
    "company": Company.name,
    "created_at": TicketFact.created_at,
    "asked_at": TicketFact.asked_at,
    "first_reply_at": TicketFact.answered_at,
    "first_reply_by": _responder.name,
    "first_response_seconds": TicketReply.wait,
    "first_response_business_seconds": TicketReply.wait_hours,
    "resolved_at": TicketFact.resolved_at,
    "resolved_by": _resolver.name,
    "resolution_seconds": TicketFact.resolution,
    "resolution_business_seconds": TicketFact.resolution_hours,
    "replies": TicketFact.replies,
    "customer_messages": TicketFact.customer_messages,
    "reopens": TicketFact.reopens,
    "one_touch": TicketFact.one_touch,
    **{f"{metric}_in_time": _promise(metric) for metric in Metric},
    "rating": select(Rating.score)
    .where(Rating.ticket_id == TicketFact.id, Rating.kind == "csat")
    .scalar_subquery(),
}
"""Head → what stands below it; heads are the same in every language, as programs read them."""


def within(agent: Agent, period: Period, scope: Scope) -> Any:
    """Tickets that were created or resolved in the period, and that the agent may both count and take along."""
    during = or_(
        and_(TicketFact.created_at >= period.since, TicketFact.created_at < period.until),
        and_(TicketFact.resolved_at >= period.since, TicketFact.resolved_at < period.until),
    )
    may = is_visible(agent, Action.export)
    taken = exists().where(Ticket.id == TicketFact.id, may)
    return and_(TicketFact.removed.is_(None), during, countable(agent), taken, scope.holds(ON_FACTS))


async def rows(
    session: AsyncSession, agent: Agent, period: Period, scope: Scope
) -> AsyncIterator[Sequence[Any]]:
    """The heads, then every ticket in the order of their ids, batch after batch."""
    yield list(COLUMNS)
    after = 0
    while True:
        ids = (
            await session.scalars(
                select(TicketFact.id)
                .where(within(agent, period, scope), TicketFact.id > after)
                .order_by(TicketFact.id)
                .limit(BATCH)
            )
        ).all()
        if not ids:
            return
        for row in await session.execute(_rows(ids)):
            yield row
        after = ids[-1]


async def page(
    session: AsyncSession, agent: Agent, period: Period, scope: Scope, *, after: int, limit: int
) -> list[tuple[int, dict[str, Any]]]:
    """The same for programs: id and row, from after this id on."""
    found = within(agent, period, scope)
    ids = (
        await session.scalars(
            select(TicketFact.id).where(found, TicketFact.id > after).order_by(TicketFact.id).limit(limit)
        )
    ).all()
    kept = await session.execute(_rows(ids))
    return list(zip(ids, (dict(row._mapping) for row in kept), strict=True))


def _rows(ids: Sequence[int]) -> Select[Any]:
    return (
        select(*(column.label(name) for name, column in COLUMNS.items()))
        .select_from(TicketFact)
        .join(Ticket, Ticket.id == TicketFact.id)
        .join(Status, Status.id == Ticket.status_id)
        .join(Inbox, Inbox.id == TicketFact.inbox_id)
        .join(Contact, Contact.id == TicketFact.contact_id)
        .outerjoin(Company, Company.id == Contact.company_id)
        .outerjoin(TicketType, TicketType.id == TicketFact.type_id)
        .outerjoin(Team, Team.id == TicketFact.team_id)
        .outerjoin(_assignee, _assignee.id == TicketFact.assignee_id)
        .outerjoin(_responder, _responder.id == TicketFact.responder_id)
        .outerjoin(_resolver, _resolver.id == TicketFact.resolver_id)
        .outerjoin(TicketReply, _first)
        .where(TicketFact.id.in_(ids))
        .order_by(TicketFact.id)
    )
