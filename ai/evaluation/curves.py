"""How much is answered, and how much of it is wrong: every threshold at once."""

from collections.abc import Sequence

import numpy as np

POINTS = 60
"""Of a curve that is kept: more cannot be seen."""
Curve = list[tuple[float, float]]


def risk_curve(chances: Sequence[float], right: Sequence[bool]) -> Curve:
    """(coverage, risk) from the surest answer to the last: coverage = answered / asked, risk = wrong / answered.

    Questions of equal chance are answered together, so the order of the rows does not matter.
    """
    if not chances:
        return []
    order = np.argsort(-np.asarray(chances), kind="stable")
    sorted_ = np.asarray(chances)[order]
    wrong = np.cumsum(~np.asarray(right, bool)[order])
    ends = np.flatnonzero(np.r_[sorted_[1:] != sorted_[:-1], True])
    n = len(sorted_)
    return [(round(float((i + 1) / n), 4), round(float(wrong[i] / (i + 1)), 4)) for i in ends]


def area(curve: Curve) -> float | None:
    """AURC: the mean risk over all coverages (El-Yaniv & Wiener 2010); 0 is perfect."""
    if not curve:
        return None
    before = [0.0, *(coverage for coverage, _ in curve[:-1])]
    return round(
        sum(risk * (coverage - start) for (coverage, risk), start in zip(curve, before, strict=True)), 4
    )


def thinned(curve: Curve, points: int = POINTS) -> Curve:
    """As many at most, evenly, the last one always."""
    if len(curve) <= points:
        return curve
    places = sorted({round(each) for each in np.linspace(0, len(curve) - 1, points)})
    return [curve[place] for place in places]


def at_coverage(chances: Sequence[float], coverage: float) -> float:
    """The threshold at which this share of them is answered."""
    return float(np.quantile(chances, 1 - coverage)) if len(chances) else 1.0
