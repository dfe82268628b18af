"""What tickets were at moments of the past, as far as their events tell: who had them, where they stood, their tags.

Events say what a thing became, most also what it was; what no event tells of is as it is now.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.events import Event, Kind
from helpdesk.labels import ticket_tag
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Removal, Ticket

BECOMES = {
    Kind.assigned: "assignee",
    Kind.team_changed: "team",
    Kind.priority_changed: "priority",
    Kind.type_changed: "type",
}
"""Events that say what one of these was and is."""
STANDS = {Kind.resolved: Category.resolved, Kind.reopened: Category.open, Kind.replied: Category.waiting}
TOLD = (
    *BECOMES,
    *STANDS,
    Kind.ticket_created,
    Kind.reply_withdrawn,
    Kind.status_changed,
    Kind.tagged,
    Kind.untagged,
    Kind.removed,
    Kind.restored,
    Kind.merged,
    Kind.unmerged,
    Kind.snoozed,
    Kind.woken,
)
SETTLING = timedelta(milliseconds=200)
"""A rule is asked when the transaction is over: what happens within this belongs to the same moment."""
FIELDS = frozenset(
    {
        "assignee",
        "team",
        "status",
        "category",
        "priority",
        "type",
        "tags",
        "removed",
        "snoozed",
        "settled",
        "active",
    }
)
"""What `State` knows."""

State = Mapping[str, Any]
"""Field → value, as conditions name them: ids, names, a frozenset of ids for `tags`, flags."""


@dataclass
class _Line:
    """One field of one ticket through time."""

    first: Any
    at: list[datetime] = field(default_factory=list)
    became: list[Any] = field(default_factory=list)

    def add(self, at: datetime, value: Any) -> None:
        self.at.append(at)
        self.became.append(value)

    @property
    def last(self) -> Any:
        return self.became[-1] if self.became else self.first

    def value(self, at: datetime) -> Any:
        place = bisect_right(self.at, at + SETTLING)
        return self.became[place - 1] if place else self.first


class History:
    """One ticket through time; `present` is what it is now."""

    def __init__(self, present: State, events: Iterable[Any]) -> None:
        self._events = list(events)
        self._lines: dict[str, _Line] = {}
        for name in BECOMES.values():
            self._lines[name] = self._told(name, present[name])
        self._lines["tags"] = self._tags(present["tags"])
        self._lines["category"], self._lines["status"] = self._standing(present)
        self._lines["removed"] = self._removed(present)
        self._lines["snoozed"] = self._snoozed(present["snoozed"])

    def at(self, instant: datetime) -> State:
        then = {name: line.value(instant) for name, line in self._lines.items()}
        then["settled"] = Category(then["category"]).is_settled
        then["active"] = not (then["settled"] or then["snoozed"] or then["removed"])
        return then

    def _told(self, name: str, present: Any) -> _Line:
        told = [event for event in self._events if BECOMES.get(event.kind) == name]
        line = _Line(told[0].data.get("was") if told else present)
        for event in told:
            line.add(event.created_at, event.data.get("now"))
        return line

    def _tags(self, present: frozenset[int]) -> _Line:
        """Backwards: what was put on later was not there before."""
        line, tags = _Line(present), present
        steps = []
        for event in reversed([e for e in self._events if e.kind in {Kind.tagged, Kind.untagged}]):
            steps.append((event.created_at, tags))
            one = frozenset({event.data.get("tag")})
            tags = tags - one if event.kind is Kind.tagged else tags | one
        line.first = tags
        for at, became in reversed(steps):
            line.add(at, became)
        return line

    def _standing(self, present: State) -> tuple[_Line, _Line]:
        """Forwards, as the verbs move it; what was never told of is new."""
        complete = any(event.kind is Kind.ticket_created for event in self._events)
        begin = Category.new if complete else Category(present["category"])
        category = _Line(begin)
        status = _Line(BUILT_IN[begin] if complete else present["status"])
        before: tuple[Any, Any] = (category.first, status.first)
        for event in self._events:
            kind, data = event.kind, event.data
            stands: Category | None = STANDS.get(kind)
            chosen = data.get("status") if kind is Kind.status_changed else None
            if kind is Kind.status_changed:
                stands = Category(data.get("now", category.last))
            elif kind is Kind.assigned and data.get("now") and category.last is Category.new:
                stands = Category.open
            elif kind is Kind.reply_withdrawn:
                stands, chosen = before
            if kind is Kind.replied:
                before = (category.last, status.last)
            if stands is not None:
                category.add(event.created_at, stands)
                status.add(event.created_at, chosen or BUILT_IN[stands])
        return category, status

    def _removed(self, present: State) -> _Line:
        """Both tickets of a merge are told of it; the source is the one that went away."""
        steps = [event for event in self._events if event.kind in {Kind.removed, Kind.restored}]
        merges = {Kind.merged, Kind.unmerged}
        steps += [e for e in self._events if e.kind in merges and e.data.get("source") == present["number"]]
        line = _Line(None if steps else present["removed"])
        for event in sorted(steps, key=lambda event: event.created_at):
            merged = Removal.merged if event.kind is Kind.merged else None
            line.add(event.created_at, event.data.get("now") if event.kind is Kind.removed else merged)
        return line

    def _snoozed(self, present: bool) -> _Line:
        steps = [event for event in self._events if event.kind in {Kind.snoozed, Kind.woken}]
        line = _Line(False if steps else present)
        for event in steps:
            line.add(event.created_at, event.kind is Kind.snoozed)
        return line


async def histories(session: AsyncSession, ticket_ids: Sequence[int]) -> dict[int, History]:
    """Three statements, however many tickets."""
    present = await session.execute(
        select(
            Ticket.id,
            Ticket.number,
            Ticket.assignee_id.label("assignee"),
            Ticket.team_id.label("team"),
            Ticket.status_id.label("status"),
            Ticket.category,
            Ticket.priority,
            Ticket.type_id.label("type"),
            Ticket.removed,
            Ticket.snoozed_until.is_not(None).label("snoozed"),
        ).where(Ticket.id.in_(ticket_ids))
    )
    tagged = await session.execute(
        select(ticket_tag.c.ticket_id, ticket_tag.c.tag_id).where(ticket_tag.c.ticket_id.in_(ticket_ids))
    )
    tags: dict[int, set[int]] = defaultdict(set)
    for ticket_id, tag_id in tagged:
        tags[ticket_id].add(tag_id)
    told = await session.execute(
        select(Event.ticket_id, Event.kind, Event.data, Event.created_at)
        .where(Event.ticket_id.in_(ticket_ids), Event.kind.in_(TOLD))
        .order_by(Event.ticket_id, Event.id)
    )
    events: dict[int, list[Any]] = defaultdict(list)
    for event in told:
        events[event.ticket_id].append(event)
    return {
        row.id: History({**row._mapping, "tags": frozenset(tags[row.id])}, events[row.id]) for row in present
    }
