"""Promises as they stand now, the likeliest to be broken first, each with its reasons."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Select,
    and_,
    any_,
    bindparam,
    func,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import reach
from helpdesk.board.load import Held, seen
from helpdesk.board.risk.reasons import reasons
from helpdesk.board.risk.situation import Situation, Usuals
from helpdesk.board.scope import Scope
from helpdesk.calendars import Calendar
from helpdesk.people import Agent, Availability, Contact, Membership, Reach, Team
from helpdesk.reading import rows
from helpdesk.sla import Clock, Policy
from helpdesk.statements import AnySelect, literally, once
from helpdesk.tickets import Ticket

MOST = 300
"""Promises that are weighed: those that end next."""
SHOWN = 50
"""Of these the likeliest to be broken are told with their reasons."""
DEPTHS = (2_000, 40_000)
"""How far the queue is read."""
FEW = 20
"""So many of the reader's promises must be among them, else it is read further."""
AT = DateTime(timezone=True)
_MINUTE = timedelta(minutes=1)
_running = and_(Clock.met_at.is_(None), Clock.ended_at.is_(None), Clock.breached_at.is_(None))
"""In the words of the index; with a due time, it runs."""


class Estimate(Protocol):
    @property
    def usual(self) -> Usuals: ...

    def probability(self, one: Situation) -> float:
        """From 0 to 1."""


@dataclass(frozen=True)
class AtRisk:
    """A ticket's next promise, how likely it is broken, and why."""

    ticket_id: int
    number: int
    subject: str
    contact: str
    team: str | None
    team_colour: str | None
    assignee: str | None
    metric: str
    due_at: datetime
    risk: float
    reasons: Sequence[str]
    situation: Situation


@dataclass(frozen=True)
class Risks:
    first: Sequence[AtRisk]
    weighed: int
    """Of so many promises these are the likeliest to be broken."""


async def at_risk(
    session: AsyncSession,
    agent: Agent,
    scope: Scope,
    at: datetime,
    load: Sequence[Held],
    estimate: Estimate,
    limit: int = MOST,
) -> Risks:
    """Of the reader's tickets, the next promise of each that still holds; the riskiest first."""
    found = await situations(session, agent, scope, at, load, limit)
    weighed = [(estimate.probability(situation), row, situation) for row, situation in found]
    weighed.sort(key=lambda one: (-one[0], one[1].due_at, one[1].id))
    usual = estimate.usual
    listed = [
        AtRisk(
            ticket_id=row.id,
            number=row.number,
            subject=row.subject,
            contact=row.contact,
            team=row.team,
            team_colour=row.team_colour,
            assignee=row.assignee,
            metric=row.metric,
            due_at=row.due_at,
            risk=risk,
            reasons=reasons(situation, usual, row.team, row.assignee, queue=_knows(agent, row.team_id)),
            situation=situation,
        )
        for risk, row, situation in weighed[:SHOWN]
    ]
    return Risks(listed, len(weighed))


async def situations(
    session: AsyncSession, agent: Agent, scope: Scope, at: datetime, load: Sequence[Held], limit: int = MOST
) -> list[tuple[Any, Situation]]:
    """With the row that shows the ticket. How long a queue is, and how busy somebody, does not depend on who asks."""
    queue = await _queued(session, agent, scope, at)
    chosen = [row.clock_id for row in queue if row.seen][:limit]
    if not chosen:
        return []
    next_ones, there = await rows(session, (_shown(), {"clocks": chosen}), (_present(), {}))
    calendars = {each.id: (each.hours, hour_of(each, at)) for each in await session.scalars(select(Calendar))}
    queues: dict[int | None, list[datetime]] = {}
    for row in queue:
        queues.setdefault(row.team_id, []).append(row.due_at)
    present = {row.team_id: row.n for row in there}
    late, waiting = _busy(load)
    found = []
    for row in next_ones:
        hours, hour = calendars[row.calendar_id]
        found.append(
            (
                row,
                Situation(
                    metric=row.metric,
                    priority=row.priority,
                    type_id=row.type_id,
                    left=hours.between(at, row.due_at) / _MINUTE,
                    target=float(row.target or hours.between(row.started_at, row.due_at) / _MINUTE),
                    before=bisect_left(queues[row.team_id], row.due_at) + late.get(row.team_id, 0),
                    present=present.get(row.team_id, 0),
                    waiting=None if row.assignee_id is None else waiting.get(row.assignee_id, 0),
                    there=bool(row.there),
                    hour=hour,
                ),
            )
        )
    return found


async def _queued(session: AsyncSession, agent: Agent, scope: Scope, at: datetime) -> list[Any]:
    """The next promise of each open ticket, those that end first; further where the reader's are few among them."""
    for depth in DEPTHS:
        further = depth > DEPTHS[0] and scope.team_id is not None
        query = _queue_of_team(agent, scope) if further else _queue(agent, scope, depth)
        (found,) = await rows(session, (query, {"at": at}))
        if sum(row.seen for row in found) >= FEW or len(found) < depth // 3:
            break
    first: dict[int, Any] = {}
    for row in found:
        first.setdefault(row.ticket_id, row)
    return list(first.values())


def hour_of(calendar: Calendar, at: datetime) -> float:
    wall = at.astimezone(calendar.zone)
    return wall.hour + wall.minute / 60


def _busy(load: Sequence[Held]) -> tuple[dict[int | None, int], dict[int | None, int]]:
    """Tickets that are late, by team; and those whose customers wait, by whose they are."""
    late: dict[int | None, int] = {}
    waiting: dict[int | None, int] = {}
    for one in load:
        late[one.team_id] = late.get(one.team_id, 0) + one.all_late
        waiting[one.assignee_id] = waiting.get(one.assignee_id, 0) + one.all_waiting
    return late, waiting


def _knows(agent: Agent, team_id: int | None) -> bool:
    """Whether the reader may know how long this team's queue is."""
    return reach(agent) is Reach.all or team_id is None or team_id in agent.team_ids


@once
def _queue(agent: Agent, scope: Scope, depth: int) -> Select[Any]:
    """Promises that run and still hold, in the order in which they end.

    The index gives them in that order; what they are of is looked up for these alone.
    """
    ends = (
        select(Clock.id, Clock.ticket_id, Clock.due_at)
        .where(_running, Clock.due_at > bindparam("at", type_=AT))
        .order_by(Clock.due_at, Clock.id)
        .limit(depth)
        .cte("ends")
        .prefix_with("MATERIALIZED")
    )
    known = seen(agent, scope).label("seen")
    return (
        select(ends.c.id.label("clock_id"), ends.c.ticket_id, ends.c.due_at, Ticket.team_id, known)
        .join(Ticket, Ticket.id == ends.c.ticket_id)
        .where(Ticket.is_active)
        .order_by(ends.c.due_at, ends.c.id)
    )


@once
def _queue_of_team(agent: Agent, scope: Scope) -> AnySelect:
    """Of the scope's team alone, which may have few of all promises, or none that end soon: a queue is its team's own,
    so what stands before a promise is all here."""
    theirs = (
        select(Ticket.id, Ticket.team_id, seen(agent, scope).label("seen"))
        .where(Ticket.is_active, Ticket.team_id == scope.team_id)
        .cte("theirs")
        .prefix_with("MATERIALIZED")
    )
    each = (
        select(Clock.id.label("clock_id"), Clock.due_at)
        .where(Clock.ticket_id == theirs.c.id, _running, Clock.due_at > bindparam("at", type_=AT))
        .offset(literally(0))  # looked up for each of them: all that run are many times as much
        .lateral("each")
    )
    found = select(
        each.c.clock_id, theirs.c.id.label("ticket_id"), each.c.due_at, theirs.c.team_id, theirs.c.seen
    )
    return found.join(each, true()).order_by(each.c.due_at, each.c.clock_id)


@once
def _shown() -> Select[Any]:
    """Of these promises, what is weighed and what is shown."""
    assignee = Agent.__table__.alias("assignee")
    there = and_(assignee.c.present_at.is_not(None), assignee.c.availability == Availability.online)
    shown: list[Any] = [
        Ticket.id,
        Ticket.number,
        Ticket.subject,
        Ticket.priority,
        Ticket.type_id,
        Ticket.team_id,
        Ticket.assignee_id,
        Contact.name.label("contact"),
        Team.name.label("team"),
        Team.colour.label("team_colour"),
        assignee.c.name.label("assignee"),
        func.coalesce(there, False).label("there"),
        Clock.metric,
        Clock.due_at,
        Clock.started_at,
        Clock.target,
        Policy.calendar_id,
    ]
    return (
        select(*shown)
        .select_from(Clock)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .join(Policy, Policy.id == Clock.policy_id)
        .outerjoin(Team, Team.id == Ticket.team_id)
        .outerjoin(assignee, assignee.c.id == Ticket.assignee_id)
        .where(Clock.id == any_(bindparam("clocks", type_=ARRAY(BigInteger))))
        .order_by(Clock.due_at, Clock.id)
    )


@once
def _present() -> Select[Any]:
    """Colleagues who are there, by team; all of them where a ticket has none."""
    there = and_(Agent.active, Agent.present_at.is_not(None), Agent.availability == Availability.online)
    of_teams = (
        select(Membership.team_id, func.count().label("n"))
        .join(Agent, Agent.id == Membership.agent_id)
        .where(there)
        .group_by(Membership.team_id)
    )
    everybody = select(null().cast(BigInteger), func.count()).select_from(Agent).where(there)
    both = union_all(of_teams, everybody).subquery()
    return select(*both.c)
