"""Promises as they stood at moments of the past, and how they ended: told back from ledger and events.

What the board would have said at such a moment is weighed by the same numbers (`situation.py`). Only whose teams people
are in, and calendars, are taken as they are today.
"""

import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from helpdesk.board.risk.present import hour_of
from helpdesk.board.risk.situation import Situation, Usual, key
from helpdesk.calendars import Calendar
from helpdesk.people import Availability
from helpdesk.sla import Clock, Metric

ASKED = frozenset({Metric.first_response, Metric.next_response})
"""While one of these is open, the customer waits for an answer."""
_MINUTE = timedelta(minutes=1)


@dataclass
class Track:
    """A value that changes now and then."""

    first: Any = None
    times: list[datetime] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def changes(self, at: datetime, value: Any) -> None:
        self.times.append(at)
        self.values.append(value)

    def at(self, moment: datetime) -> Any:
        place = bisect_right(self.times, moment)
        return self.values[place - 1] if place else self.first


@dataclass(frozen=True)
class State:
    """Of a promise, from one step of its ledger to the next."""

    open: bool
    due_at: datetime | None
    late: bool = False
    active: bool = True
    """Its ticket is not settled."""


CLOSED = State(open=False, due_at=None)


@dataclass(frozen=True)
class Promise:
    clock: Clock
    ticket: "Known"
    states: Track
    """Of State; None before it began."""
    calendar: Calendar

    @property
    def is_decided(self) -> bool:
        return self.clock.ended_at is None and bool(self.clock.met_at or self.clock.breached_at)

    @property
    def span(self) -> tuple[datetime, datetime]:
        """In which it can have been open."""
        return self.clock.started_at, max([self.clock.started_at, *self.states.times])

    @property
    def took(self) -> float | None:
        """Working minutes until it was kept, late or not."""
        if self.clock.met_at is None:
            return None
        return (
            self.calendar.hours.between(self.clock.started_at, self.clock.met_at, self.clock.pauses) / _MINUTE
        )


@dataclass(frozen=True)
class Known:
    """A ticket as it was: each a Track."""

    id: int
    team: Track
    assignee: Track
    priority: Track
    type: Track
    away: Track
    """Asleep or removed: nobody's work."""


@dataclass(frozen=True)
class History:
    promises: Sequence[Promise]
    presence: Mapping[int, Track]
    """By agent: what they were."""
    members: Mapping[int, Sequence[int]]
    """By team: ids of agents."""
    until: datetime
    """When it was read."""

    def present(self, team_id: int | None, at: datetime) -> int:
        agents = self.presence if team_id is None else self.members.get(team_id, ())
        return sum(self.is_there(agent, at) for agent in agents)

    def is_there(self, agent_id: int | None, at: datetime) -> bool:
        track = self.presence.get(agent_id) if agent_id else None
        return track is not None and track.at(at) == Availability.online


@dataclass(frozen=True)
class Moment:
    """A promise as it stood, and whether it was broken in the end."""

    at: datetime
    clock_id: int
    situation: Situation
    broken: bool


def moments(
    history: History, times: Iterable[datetime], chance: random.Random | None = None, most: int = 0
) -> Iterator[Moment]:
    """Of every time all tickets' next promises of which it is known how they ended, or `most` of them by chance."""
    whens = sorted(times)
    alive: list[list[tuple[Promise, State]]] = [[] for _ in whens]
    for promise in history.promises:
        begin, end = promise.span
        last = (
            len(whens)
            if promise.states.values and promise.states.values[-1].open
            else bisect_right(whens, end)
        )
        for place in range(bisect_left(whens, begin), last):
            state = promise.states.at(whens[place])
            if state and state.open and state.active and not promise.ticket.away.at(whens[place]):
                alive[place].append((promise, state))
    for at, some in zip(whens, alive, strict=True):
        found = list(_at(history, at, some))
        yield from chance.sample(found, most) if chance and most and len(found) > most else found


def _at(history: History, at: datetime, alive: Sequence[tuple[Promise, State]]) -> Iterator[Moment]:
    following = _following(at, alive)
    queues: dict[int | None, list[datetime]] = defaultdict(list)
    for promise, due_at in following.values():
        queues[promise.ticket.team.at(at)].append(due_at)
    for queue in queues.values():
        queue.sort()
    late = _counted((one.ticket.id, one.ticket.team.at(at)) for one, state in alive if state.late)
    waiting = _counted(
        (one.ticket.id, one.ticket.assignee.at(at)) for one, _ in alive if one.clock.metric in ASKED
    )
    for promise, due_at in following.values():
        if not promise.is_decided:
            continue
        ticket = promise.ticket
        team, assignee = ticket.team.at(at), ticket.assignee.at(at)
        hours = promise.calendar.hours
        situation = Situation(
            metric=promise.clock.metric.value,
            priority=ticket.priority.at(at),
            type_id=ticket.type.at(at),
            left=hours.between(at, due_at) / _MINUTE,
            target=float(promise.clock.target or hours.between(promise.clock.started_at, due_at) / _MINUTE),
            before=bisect_left(queues[team], due_at) + late.get(team, 0),
            present=history.present(team, at),
            waiting=None if assignee is None else waiting.get(assignee, 0),
            there=history.is_there(assignee, at),
            hour=hour_of(promise.calendar, at),
        )
        yield Moment(at, promise.clock.id, situation, promise.clock.breached_at is not None)


def _following(at: datetime, alive: Iterable[tuple[Promise, State]]) -> dict[int, tuple[Promise, datetime]]:
    """By ticket, the promise that ends next of those that run and still hold."""
    found: dict[int, tuple[Promise, datetime]] = {}
    for promise, state in alive:
        if state.late or state.due_at is None or state.due_at <= at:
            continue
        known = found.get(promise.ticket.id)
        if known is None or (state.due_at, promise.clock.id) < (known[1], known[0].clock.id):
            found[promise.ticket.id] = (promise, state.due_at)
    return found


def _counted(pairs: Iterable[tuple[int, int | None]]) -> dict[int | None, int]:
    """Tickets of each; a ticket with two promises is one."""
    found: dict[int | None, int] = defaultdict(int)
    for _ticket, whose in set(pairs):
        found[whose] += 1
    return found


def usuals(promises: Iterable[Promise], before: datetime) -> dict[str, Usual]:
    """How long promises took that were kept by then."""
    took: dict[str, list[float]] = defaultdict(list)
    for one in promises:
        if one.clock.met_at is None or one.clock.met_at > before or (minutes := one.took) is None:
            continue
        metric, at = one.clock.metric.value, one.clock.met_at
        priority, type_id = one.ticket.priority.at(at), one.ticket.type.at(at)
        for name in {key(metric, priority, type_id), key(metric, priority, None), key(metric, "", None)}:
            took[name].append(minutes)
    return {name: Usual(median(each), len(each)) for name, each in took.items()}
