"""What is known of a promise at one moment, and the numbers that an estimate weighs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from helpdesk.sla import Metric
from helpdesk.tickets import Priority

DAY = 24 * 60.0  # minutes
_RANKS = {priority.value: rank / 3 for rank, priority in enumerate(Priority)}


@dataclass(frozen=True)
class Usual:
    """How long such promises took to be kept."""

    minutes: float
    n: int


Usuals = Mapping[str, Usual]
"""By `metric|priority|type`, `metric|priority|` and `metric||`: the most particular that has enough."""
ENOUGH = 8
"""Promises that were kept before their median says something."""


@dataclass(frozen=True)
class Situation:
    """A running promise at one moment. Times are working minutes by the ticket's calendar."""

    metric: str
    priority: str
    type_id: int | None
    left: float
    """Until it is due."""
    target: float
    """What was promised; more than nothing."""
    before: int
    """Tickets of the same team that are due earlier, or late already."""
    present: int
    """Colleagues of the team who are there."""
    waiting: int | None
    """Tickets of its assignee whose customers wait for an answer, itself included; None where nobody has it."""
    there: bool
    """Its assignee is."""
    hour: float
    """Of the day, by the calendar's clock."""

    def usual(self, usuals: Usuals) -> Usual | None:
        for type_id, priority in ((self.type_id, self.priority), (None, self.priority), (None, "")):
            if (found := usuals.get(key(self.metric, priority, type_id))) and found.n >= ENOUGH:
                return found
        return None


def key(metric: str, priority: str, type_id: int | None) -> str:
    return f"{metric}|{priority}|{type_id or ''}"


FALLING = ("left", "left to usual")
"""The more of these, the less likely it is broken: an estimate that says otherwise is not believed."""
RISING = ("passed",)
NAMES = (
    *FALLING,
    *RISING,
    "before each",
    "nobody there",
    "unassigned",
    "waiting",
    "assignee gone",
    "first response",
    "next response",
    "update",
    "priority",
    "morning",
    "noon",
)


def numbers(one: Situation, usuals: Usuals) -> dict[str, float]:
    """By the names of NAMES."""
    usual = one.usual(usuals)
    takes = usual.minutes if usual else one.target / 2
    left = max(one.left, 0.0)
    turn = 2 * math.pi * one.hour / 24
    return {
        "left": math.log1p(min(left, 60 * DAY)),
        "left to usual": math.log((left + 5) / (takes + 5)),
        "passed": min(max(1 - left / max(one.target, 1.0), 0.0), 1.0),
        "before each": math.log1p(one.before / max(one.present, 1)) if one.waiting is None else 0.0,
        "nobody there": float(one.present == 0),
        "unassigned": float(one.waiting is None),
        "waiting": math.log1p(one.waiting or 0),
        "assignee gone": float(one.waiting is not None and not one.there),
        "first response": float(one.metric == Metric.first_response),
        "next response": float(one.metric == Metric.next_response),
        "update": float(one.metric == Metric.update),
        "priority": _RANKS.get(one.priority, 1 / 3),
        "morning": math.sin(turn),
        "noon": -math.cos(turn),
    }
