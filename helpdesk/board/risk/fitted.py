"""An estimate that was learned: a logistic regression and its calibration. Plain arithmetic, no library."""

import math
from bisect import bisect_right

import msgspec

from helpdesk.board.risk.situation import Situation, Usual, Usuals, numbers


class Weight(msgspec.Struct, frozen=True):
    """Of one number: `weight` for every `scale` that it is above `mean`."""

    mean: float
    scale: float
    weight: float


class Fit(msgspec.Struct, frozen=True):
    bias: float
    weights: dict[str, Weight]
    """By the names of `situation.NAMES`; a number that is not here counts nothing."""
    knots: list[tuple[float, float]]
    """The calibration: log-odds → probability, both rising; straight lines between, level outside."""
    usuals: dict[str, tuple[float, int]]
    """Median working minutes, and of how many."""

    @property
    def usual(self) -> Usuals:
        return {name: Usual(*each) for name, each in self.usuals.items()}

    def odds(self, one: Situation) -> float:
        """Log-odds before they are calibrated."""
        known = numbers(one, self.usual)
        return self.bias + sum(
            each.weight * (known[name] - each.mean) / each.scale for name, each in self.weights.items()
        )

    def probability(self, one: Situation) -> float:
        return calibrated(self.knots, self.odds(one))


def calibrated(knots: list[tuple[float, float]], odds: float) -> float:
    """From 0 to 1; without knots the log-odds are taken at their word."""
    if not knots:
        return logistic(odds)
    place = bisect_right(knots, odds, key=lambda knot: knot[0])
    if place == 0:
        return knots[0][1]
    if place == len(knots):
        return knots[-1][1]
    (x0, y0), (x1, y1) = knots[place - 1], knots[place]
    return y0 + (y1 - y0) * (odds - x0) / (x1 - x0)


def logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-min(max(odds, -40.0), 40.0)))
