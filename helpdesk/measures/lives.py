"""A ticket's life as it is measured: told from its messages and events alone, from scratch, the same every time.

Only what a person wrote answers a customer: not the assistant, nor a rule, nor the desk's own announcements, nor a
reply that was taken back, one that still waits for its time, or a note. A wait begins with the first of the
customer's words that nobody has answered. Resolving ends it without an answer, so that after a resolution the next
words begin a new one; where a colleague opens the ticket again unasked, the wait goes on from where it began.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from helpdesk.events import ActorKind, Kind
from helpdesk.hours import Hours
from helpdesk.measures.words import Began
from helpdesk.messages import Direction

SECOND = timedelta(seconds=1)
KINDS = (Kind.resolved, Kind.reopened, Kind.replied, Kind.reply_withdrawn)
"""Events that are read; what else happened to a ticket measures nothing."""


class Said(NamedTuple):
    """A message to or from the customer. Copies, side conversations and what has not left are none."""

    id: int
    direction: Direction
    author: ActorKind
    agent_id: int | None
    automatic: bool
    sent_at: datetime
    created_at: datetime


class Happened(NamedTuple):
    id: int
    kind: Kind
    actor: ActorKind
    actor_id: int | None
    message_id: int | None
    created_at: datetime


@dataclass(frozen=True)
class Standing:
    """As the ticket itself says that it is."""

    created_at: datetime
    settled: bool
    resolved_at: datetime | None


@dataclass
class Spell:
    began: Began
    began_at: datetime
    ended_at: datetime | None = None
    resolver_id: int | None = None
    reopened: bool = False


@dataclass(frozen=True)
class Reply:
    message_id: int
    agent_id: int | None
    asked_at: datetime | None
    replied_at: datetime
    first: bool
    wait: int | None
    wait_hours: int | None


@dataclass
class Life:
    asked_at: datetime | None = None
    customer_messages: int = 0
    spells: list[Spell] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    resolution: int | None = None
    resolution_hours: int | None = None

    @property
    def first(self) -> Reply | None:
        return next((reply for reply in self.replies if reply.first), None)

    @property
    def last(self) -> Spell:
        return self.spells[-1]

    @property
    def reopens(self) -> int:
        return sum(spell.began is Began.reopened for spell in self.spells)

    @property
    def one_touch(self) -> bool | None:
        if self.last.ended_at is None or not self.replies:
            return None
        return len(self.replies) == 1 and len(self.spells) == 1


def told(standing: Standing, said: Sequence[Said], happened: Sequence[Happened], hours: Hours | None) -> Life:
    """`hours`: None counts every hour as working time."""
    teller = _Teller(standing, hours)
    for each in _in_order(said, happened):
        if isinstance(each, Said):
            teller.hear(each)
        else:
            teller.see(each)
    return teller.ended()


def _in_order(said: Sequence[Said], happened: Sequence[Happened]) -> Iterable[Said | Happened]:
    """By time; what was said before what came of it.

    Events stand in the order of their ids, whatever the clocks of several hosts say; messages may come from imports.
    """
    times = accumulate((one.created_at for one in happened), max)
    moments: list[tuple[datetime, int, int, Said | Happened]] = [
        *((one.created_at, 0, one.id, one) for one in said),
        *((time, 1, one.id, one) for time, one in zip(times, happened, strict=True)),
    ]
    return (each for *_, each in sorted(moments, key=lambda moment: moment[:3]))


class _Teller:
    def __init__(self, standing: Standing, hours: Hours | None) -> None:
        self.standing, self.hours = standing, hours
        self.life = Life(spells=[Spell(Began.created, standing.created_at)])
        self.waits: datetime | None = None
        self.dropped: datetime | None = None  # a wait that a resolution ended
        self.spoken = False  # somebody wrote to the customer
        self.last_inbound = False
        self.before: dict[int, list[Spell]] = {}

    def hear(self, one: Said) -> None:
        if one.direction is Direction.inbound:
            self.last_inbound = True
            if not one.automatic:
                self._asked(one)
        elif not one.automatic:
            self.last_inbound = False
            if one.author is ActorKind.agent:
                self._answered(one)
            self.spoken = self.spoken or one.author is ActorKind.agent

    def _asked(self, one: Said) -> None:
        self.life.customer_messages += 1
        if self.life.asked_at is None and not self.spoken:
            self.life.asked_at = one.sent_at
        if self.waits is None:
            self.waits = one.sent_at

    def _answered(self, one: Said) -> None:
        asked, self.waits, self.dropped = self.waits, None, None
        first = asked is not None and not self.life.replies
        wait, hours = self._between(asked, one.sent_at) if asked else (None, None)
        self.life.replies.append(Reply(one.id, one.agent_id, asked, one.sent_at, first, wait, hours))

    def see(self, one: Happened) -> None:
        last = self.life.last
        match one.kind:
            case Kind.resolved if last.ended_at is None:
                last.ended_at = max(one.created_at, last.began_at)
                last.resolver_id = one.actor_id if one.actor is ActorKind.agent else None
                self.dropped, self.waits = self.waits, None
            case Kind.reopened if last.ended_at:
                self._open(Began.reopened, one.created_at)
                if self.last_inbound and one.actor is not ActorKind.contact:
                    self.waits = self.waits or self.dropped
            case Kind.replied if one.message_id:
                self.before[one.message_id] = [replace(spell) for spell in self.life.spells]
                if last.ended_at:  # to a resolved ticket: we want something of the customer again
                    self._open(Began.written, one.created_at)
            case Kind.reply_withdrawn if one.message_id in self.before:
                self.life.spells = self.before[one.message_id]

    def _open(self, how: Began, at: datetime) -> None:
        self.life.last.reopened = how is Began.reopened
        self.life.spells.append(Spell(how, at))

    def ended(self) -> Life:
        """What the ticket says has the last word: undoing a merge puts it back, an import tells of nothing."""
        last, standing = self.life.last, self.standing
        if standing.settled and last.ended_at is None:
            last.ended_at = max(standing.resolved_at or last.began_at, last.began_at)
        elif not standing.settled and last.ended_at:
            last.ended_at, last.resolver_id = None, None
        if last.ended_at:
            self._resolved()
        return self.life

    def _resolved(self) -> None:
        """The time that it lay resolved in between does not count."""
        spent = worked = 0
        for number, spell in enumerate(self.life.spells):
            began = spell.began_at
            if number == 0 and self.life.asked_at:
                began = min(began, self.life.asked_at)
            calendar, hours = self._between(began, spell.ended_at or began)
            spent, worked = spent + calendar, worked + hours
        self.life.resolution, self.life.resolution_hours = spent, worked

    def _between(self, begin: datetime, end: datetime) -> tuple[int, int]:
        spent = max(0, (end - begin) // SECOND)
        return spent, self.hours.between(begin, end) // SECOND if self.hours else spent
