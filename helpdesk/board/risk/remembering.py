"""A desk's promises of the last weeks, read from its ledger and its events into what `past.py` tells back."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.board.risk.past import CLOSED, History, Known, Promise, State, Track
from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.events import Event, Kind
from helpdesk.people import Agent, Membership
from helpdesk.sla import Clock, Entry, Policy, Step
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket

PERIOD = timedelta(days=60)
MOST = 40_000
"""Promises that are read, newest first: what a night's work and some hundred megabytes hold."""
BATCH = 2_000
_TRACKED = {
    Kind.team_changed: "team",
    Kind.assigned: "assignee",
    Kind.priority_changed: "priority",
    Kind.type_changed: "type",
}
_AWAY = {
    Kind.snoozed: True,
    Kind.removed: True,
    Kind.woken: False,
    Kind.restored: False,
    Kind.resolved: False,
}
_SETTLED = {category.value for category in Category if category.is_settled}


async def remember(session: AsyncSession, period: timedelta = PERIOD, most: int = MOST) -> History:
    """Promises that were made in the period, with all that was so around them."""
    at = now()
    calendars = {each.id: each for each in await session.scalars(select(Calendar))}
    policies = (await session.execute(select(Policy.id, Policy.calendar_id))).tuples()
    by_policy: dict[int | None, int] = {**dict(policies.all())}
    away = or_(Ticket.snoozed_until.is_not(None), Ticket.removed.is_not(None))
    found = await session.execute(
        select(Clock, Ticket.team_id, Ticket.assignee_id, Ticket.priority, Ticket.type_id, away)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(Clock.started_at > at - period, Clock.policy_id.is_not(None), Clock.target.is_not(None))
        .order_by(Clock.id.desc())
        .limit(most)
    )
    rows = [row for row in found.all() if by_policy.get(row[0].policy_id) in calendars]
    promises: list[Promise] = []
    known: dict[int, Known] = {}
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        steps = await _steps(session, [row[0].id for row in batch])
        events = await _events(session, [row[0].ticket_id for row in batch])
        for clock, *current in batch:
            if clock.ticket_id not in known:
                known[clock.ticket_id] = _known(clock.ticket_id, current, events.get(clock.ticket_id, []))
            states = _states(clock, steps.get(clock.id, []))
            calendar = calendars[by_policy[clock.policy_id]]
            promises.append(Promise(clock, known[clock.ticket_id], states, calendar))
    return History(promises, await _presence(session, at - period), await _members(session), at)


def _known(ticket_id: int, current: Sequence[Any], events: Sequence[Event]) -> Known:
    names = (*_TRACKED.values(), "away")
    tracks = {name: Track(value) for name, value in zip(names, current, strict=True)}
    for event in events:
        if (away := _AWAY.get(event.kind)) is not None:
            _change(tracks["away"], event, was=False, now=away)
        else:
            _change(tracks[_TRACKED[event.kind]], event, event.data.get("was"), event.data.get("now"))
    return Known(ticket_id, **tracks)


def _change(track: Track, event: Event, was: Any, now: Any) -> None:
    if not track.times:
        track.first = was
    track.changes(event.created_at, now)


def _states(clock: Clock, steps: Sequence[Entry]) -> Track:
    """From the ledger; of a promise that has none, such as an imported one, from the clock alone."""
    track = Track(None)
    if not steps:
        track.changes(clock.started_at, State(True, clock.due_at or clock.breached_at))
        if clock.breached_at:
            track.changes(clock.breached_at, State(True, clock.breached_at, late=True))
        if over := clock.met_at or clock.ended_at:
            track.changes(over, CLOSED)
        return track
    late, active = False, True
    for step in steps:
        if step.step in {Step.meet, Step.cancel}:
            track.changes(step.at, CLOSED)
            continue
        if step.step is Step.breach:
            late = True
        elif step.due_at and step.due_at > step.at:
            late = False
        if step.step in {Step.pause, Step.start, Step.resume, Step.unmeet}:
            active = not _rests(step)
        track.changes(step.at, State(True, step.due_at, late, active))
    return track


def _rests(step: Entry) -> bool:
    """Whether its ticket was settled then."""
    return step.data.get("category") in _SETTLED


async def _steps(session: AsyncSession, clock_ids: Sequence[int]) -> dict[int, list[Entry]]:
    of_tickets = select(Clock.ticket_id).where(Clock.id.in_(clock_ids))
    rows = await session.scalars(
        select(Entry)
        .where(Entry.ticket_id.in_(of_tickets), Entry.clock_id.in_(clock_ids))
        .order_by(Entry.at, Entry.id)
    )
    found: dict[int, list[Entry]] = defaultdict(list)
    for entry in rows:
        found[entry.clock_id].append(entry)
    return found


async def _events(session: AsyncSession, ticket_ids: Sequence[int]) -> dict[int, list[Event]]:
    rows = await session.scalars(
        select(Event)
        .where(Event.ticket_id.in_(set(ticket_ids)), Event.kind.in_([*_TRACKED, *_AWAY]))
        .order_by(Event.id)
    )
    found: dict[int, list[Event]] = defaultdict(list)
    for event in rows:
        found[event.ticket_id or 0].append(event)
    return found


async def _presence(session: AsyncSession, since: datetime) -> dict[int, Track]:
    agents = await session.scalars(select(Agent).where(Agent.active))
    tracks = {agent.id: Track(agent.presence.value) for agent in agents}
    events = await session.scalars(
        select(Event)
        .where(
            Event.kind == Kind.availability_changed,
            Event.about == Agent.__tablename__,
            Event.about_id.in_(tracks),
            Event.created_at > since,
        )
        .order_by(Event.id)
    )
    for event in events:
        _change(tracks[event.about_id or 0], event, event.data.get("was"), event.data.get("now"))
    return tracks


async def _members(session: AsyncSession) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for team_id, agent_id in await session.execute(select(Membership.team_id, Membership.agent_id)):
        found[team_id].append(agent_id)
    return found
