"""Many ask for the same all at once: more than could come by chance after how often it was asked before."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import exp

import numpy as np

from ai.learning.findings import Found, Kind
from ai.learning.groups import groups
from ai.learning.questions import Asked

NOW = timedelta(hours=3)
NEAR = (0.4, 0.5, 0.6)
"""Looser than for gaps: people in trouble describe one outage in many ways. Where all letters of a desk are about
nearly the same, a closer look sees what a loose one takes for usual."""
LEAST = 5
"""People who wrote."""
CHANCE = 1e-4
"""So seldom would so many come at the usual pace."""
PEAK = 3.0
"""How much busier than on average an ordinary hour may be."""
HISTORY = timedelta(days=3)
"""A desk that is younger knows no usual pace."""


def incidents(asked: Asked, at: datetime) -> list[Found]:
    """The largest first; a letter belongs to one of them."""
    recent = [i for i, one in enumerate(asked.questions) if one.at >= at - NOW]
    before = [i for i, one in enumerate(asked.questions) if one.at < at - NOW]
    if len(recent) < LEAST:
        return []
    every = [one for near in NEAR for one in _sudden(asked, recent, before, near, at)]
    found: list[Found] = []
    for one in sorted(every, key=lambda one: (-one.size, one.score)):
        if all(set(one.tickets).isdisjoint(other.tickets) for other in found):
            found.append(one)
    return found


def _sudden(
    asked: Asked, recent: Sequence[int], before: Sequence[int], near: float, at: datetime
) -> Iterator[Found]:
    first = min((asked.questions[i].at for i in before), default=at - NOW)
    for members in groups(asked.vectors[recent], near):
        some = [asked.questions[recent[i]] for i in members]
        people = len({one.contact_id for one in some})
        if people < LEAST:
            continue
        middle = asked.vectors[[recent[i] for i in members]].mean(axis=0)
        middle /= np.linalg.norm(middle)
        alike = int((asked.vectors[before] @ middle >= near).sum()) if before else 0
        usual = (alike + 0.5) / max(at - NOW - first, HISTORY).total_seconds()
        chance = at_least(people, usual * PEAK * NOW.total_seconds())
        if chance < CHANCE / len(NEAR):
            tickets = [one.ticket_id for one in some]
            cost = sum(one.answers for one in some)
            yield Found(kind=Kind.incident, tickets=tickets, size=people, cost=cost, score=chance)


def at_least(n: int, expected: float) -> float:
    """Chance of n or more where `expected` are usual (Poisson)."""
    term, below = exp(-expected), 0.0
    for k in range(n):
        below += term
        term *= expected / (k + 1)
    return max(1.0 - below, 0.0)
