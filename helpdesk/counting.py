"""How many tickets stand in each queue, kept instead of counted: the cost does not grow with the desk.

Triggers write one small row for every ticket that enters or leaves a place; nobody waits for anybody. A count
is their sum. `compact` makes one row of many, in one statement, so that every reader sees either the many or
the one. What an agent may see is decided by team and assignee, which the rows have; where a rule needs more,
as for tickets that somebody follows, those few are counted as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    Text,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Exists, FromClause

from helpdesk.access import is_visible
from helpdesk.conditions.subjects import mentioned, participating
from helpdesk.database import Base
from helpdesk.participants import Participant
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.statements import once
from helpdesk.tickets import Ticket

ticket_count = Table(
    "ticket_count",
    Base.metadata,
    Column("team_id", BigInteger),
    Column("assignee_id", BigInteger),
    Column("inbox_id", BigInteger, nullable=False),
    Column("queue", Text, nullable=False),
    Column("unattended", Boolean, nullable=False),
    Column("n", BigInteger, nullable=False),
)
"""`queue` is active, snoozed, settled, spam, trash or merged."""

SLACK = 1000
"""Rows that may lie about beside the sums before they are made one."""
LOCK = 0x636F756E  # one compaction at a time
_place = (
    ticket_count.c.team_id,
    ticket_count.c.assignee_id,
    ticket_count.c.inbox_id,
    ticket_count.c.queue,
    ticket_count.c.unattended,
)


@dataclass(frozen=True)
class Tally:
    """Tickets that the agent sees, by team, inbox and queue."""

    team_id: int | None
    inbox_id: int
    queue: str
    all: int
    mine: int
    unassigned: int
    unattended: int


async def tallies(session: AsyncSession, agent: Agent) -> Sequence[Tally]:
    """Exact for the agent, in one statement."""
    return told((await rows(session, (tallied(agent), {})))[0])


def told(found: Sequence[Sequence[Any]]) -> list[Tally]:
    """Of the rows of `tallied`."""
    return [Tally(*row[:3], *map(int, row[3:])) for row in found]


@once
def tallied(agent: Agent) -> Select[Any]:
    seen = is_visible(agent)
    counted: Select[Any] | CompoundSelect[Any]
    if (kept := _on(ticket_count, seen)) is None:
        counted = _counted(seen)
    elif (by_place := _on(Ticket.__table__, seen)) is not None and _needs_more(seen):
        followed = select(Participant.ticket_id).where(Participant.agent_id == agent.id)
        besides = _counted(and_(Ticket.id.in_(followed), seen, by_place.is_not(true())))
        counted = union_all(_kept(kept), besides)
    else:
        counted = _kept(kept)
    each = union_all(counted, *_own(agent, seen)).subquery()

    def summed(condition: ColumnElement[bool] | None = None) -> ColumnElement[int]:
        n = each.c.n if condition is None else case((condition, each.c.n), else_=0)
        return func.sum(n)

    return select(
        each.c.team_id,
        each.c.inbox_id,
        each.c.queue,
        summed(),
        summed(each.c.assignee_id == agent.id),
        summed(each.c.assignee_id.is_(None)),
        summed(each.c.unattended),
    ).group_by(each.c.team_id, each.c.inbox_id, each.c.queue)


def _kept(seen: ColumnElement[bool]) -> Select[Any]:
    return select(*_place, func.sum(ticket_count.c.n).label("n")).where(seen).group_by(*_place)


def _own(agent: Agent, seen: ColumnElement[bool]) -> list[Any]:
    """Open work that mentions the agent or is followed, counted as it is: of those an agent has few."""
    return [
        select(
            null().cast(BigInteger), null().cast(BigInteger), literal(0), literal(name), false(), func.count()
        ).where(seen, Ticket.is_active, condition(agent))
        for name, condition in (("mentioned", mentioned), ("participating", participating))
    ]


def _counted(seen: ColumnElement[bool]) -> Any:
    """The same from the tickets themselves."""
    place = (
        Ticket.team_id,
        Ticket.assignee_id,
        Ticket.inbox_id,
        queue_of().label("queue"),
        or_(Ticket.first_replied_at.is_(None), Ticket.waiting_since.is_not(None)).label("unattended"),
    )
    return select(*place, func.count().label("n")).where(seen).group_by(*place)


def queue_of() -> ColumnElement[str]:
    """Where a ticket stands, in the words of the trigger."""
    return case(
        (Ticket.removed.is_not(None), func.concat(Ticket.removed, "")),
        (Ticket.settled, "settled"),
        (Ticket.snoozed_until.is_not(None), "snoozed"),
        else_="active",
    )


def _on(table: FromClause, seen: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """The rule with this table's columns and nobody following; None where it needs another column."""
    ours = Ticket.__table__.c
    unknown: list[object] = []

    def replaced(element: object, **_: object) -> object:
        if isinstance(element, Exists):
            return false()
        if isinstance(element, Column) and element.table is Ticket.__table__:
            if element.name in {ours.team_id.name, ours.assignee_id.name}:
                return table.c[element.name]
            unknown.append(element)
        return None

    found = visitors.replacement_traverse(seen, {}, replaced)
    return None if unknown else found


def _needs_more(seen: ColumnElement[bool]) -> bool:
    return any(isinstance(element, Exists) for element in visitors.iterate(seen))


async def compact(session: AsyncSession, slack: int = SLACK) -> int:
    """Make one row of each place's many, once there are enough; how many rows that saved."""
    rows, places = (
        await session.execute(
            select(func.count(), func.count(func.distinct(func.row(*_place)))).select_from(ticket_count)
        )
    ).one()
    if rows - places <= slack or not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    gone = delete(ticket_count).returning(*ticket_count.c).cte("gone")
    place = [gone.c[column.name] for column in _place]
    total = func.sum(gone.c.n)
    left = select(*place, total).group_by(*place).having(total != 0)
    await session.execute(
        insert(ticket_count).from_select([column.name for column in ticket_count.c], left).add_cte(gone)
    )
    return int(rows - places)
