"""The model of promises: it walks through time in steps, of five minutes or fewer, and knows nothing of ours.

For every step it marks whether the calendar is open and whether the promise rested; it counts, and is done.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

STEP = timedelta(minutes=5)
STEPS = 12 * 24 * 150
RESPONSES = ("first_response", "next_response", "update")


@dataclass
class Terms:
    week: dict[str, list[list[str]]]
    zone: str
    holidays: list[str]
    targets: dict[str, dict[str, int]]
    pauses: dict[str, list[str]]

    def promises(self, metric: str) -> bool:
        return any(metric in one for one in self.targets.values())


def is_open(terms: Terms, begin: datetime, step: timedelta = STEP, steps: int = STEPS) -> Any:
    """For every step from `begin` on."""
    zone, found = ZoneInfo(terms.zone), np.zeros(steps, dtype=bool)
    spans = {
        int(day): [tuple(int(h) * 60 + int(m) for h, m in (end.split(":") for end in one)) for one in all_day]
        for day, all_day in terms.week.items()
    }
    minutes = max(step // timedelta(minutes=1), 1)
    each = max(timedelta(minutes=1) // step, 1)  # steps that show the same minute
    for number in range(0, steps, each):
        local = (begin + number // each * timedelta(minutes=minutes)).astimezone(zone)
        minute = local.hour * 60 + local.minute
        if local.date().isoformat() not in terms.holidays:
            found[number : number + each] = any(a <= minute < b for a, b in spans.get(local.weekday(), ()))
    return found


@dataclass
class Promise:
    metric: str
    start: int
    rested: Any
    rests: bool = False
    rests_from: int = 0
    late: bool = False
    met: int | None = None
    ended: bool = False
    warned: bool = False
    warns_at: int | None = None
    """When somebody is to be told; only those who care keep it."""

    @property
    def stands(self) -> bool:
        return self.met is None and not self.ended

    def copy(self) -> "Promise":
        return replace(self, rested=self.rested.copy())


@dataclass
class Model:
    terms: Terms
    open: Any
    """Whether the calendar is, for every step."""
    step: timedelta = STEP
    room: int = STEPS
    """Steps in which a promise may rest: those of which the story tells."""
    now: int = 0
    category: str = "new"
    priority: str = "normal"
    removed: str | None = None
    snoozed: bool = False
    waiting: int | None = None
    replied: int | None = None
    answered: int | None = None
    promises: list[Promise] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        return self.category == "resolved"

    def target(self, metric: str) -> int | None:
        return self.terms.targets.get(self.priority, {}).get(metric)

    def must_rest(self, metric: str) -> bool:
        resting = self.terms.pauses.get(metric, [])
        return (
            self.removed is not None
            or (self.settled and metric in RESPONSES)
            or self.category in resting
            or (self.snoozed and "snoozed" in resting)
        )

    def due(self, one: Promise) -> int | None:
        return None if one.rests else self.worked(one)

    def worked(self, one: Promise, until: int | None = None) -> int | None:
        """The step at whose beginning the target has been worked; none where it is not `until` then."""
        target = self.target(one.metric)
        if target is None:
            return None
        worked = self.open.copy()
        worked[: one.start] = False
        worked[: self.now] &= ~one.rested[: self.now]
        worked[until:] &= until is None
        found, needed = np.flatnonzero(worked), timedelta(minutes=target) // self.step
        return int(found[needed - 1]) + 1 if len(found) >= needed else None

    def look(self) -> None:
        for one in self.promises:
            if one.stands:
                self.judge(one)

    def judge(self, one: Promise) -> None:
        """Late is what was worked before now, before it was met, or before it began to rest."""
        until = one.rests_from if one.rests else self.now if one.met is None else one.met
        due = self.worked(one, until if one.rests else None)
        one.late = due is not None and due < until

    def pass_to(self, step: int) -> None:
        for one in self.promises:
            if one.rests:
                one.rested[self.now : step] = True
        self.now = step
        self.look()

    def promise(self, metric: str, start: int) -> None:
        if self.terms.promises(metric) and not any(p.metric == metric and p.stands for p in self.promises):
            self.promises.append(Promise(metric, start, np.zeros(self.room, dtype=bool)))

    def settle(self) -> None:
        for one in self.promises:
            if one.metric == "resolution":
                if one.stands and self.settled and not self.removed:
                    one.met = self.now
                elif one.met is not None and not self.settled:
                    one.rested[one.met : self.now] = True
                    one.met = None
                    self.judge(one)  # by the terms of now, before it may rest
            if one.stands:
                rests = self.must_rest(one.metric)
                if rests and not one.rests:
                    one.rests_from = self.now
                one.rests = rests
        self.look()
