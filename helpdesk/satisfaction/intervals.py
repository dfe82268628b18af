"""How sure a share, an average or a net promoter score is: 95 % intervals that stay honest when few have answered.

Pure functions. A share of 100 % of three answers says little; the textbook's interval (Wald) says [100 %, 100 %].
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

SURE = 0.95
Z = NormalDist().inv_cdf((1 + SURE) / 2)  # 1.96


@dataclass(frozen=True)
class Interval:
    """What `n` answers say, and between which ends the truth lies with 95 % confidence."""

    value: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int) -> Interval | None:
    """A share from 0 to 1. E. B. Wilson, "Probable inference" (1927), without continuity correction."""
    if n == 0:
        return None
    share, z2 = successes / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return _within(share, middle, half, n, (0.0, 1.0))


def mean(counts: Mapping[int, int], scale: range = range(1, 6)) -> Interval | None:
    """The average of `counts` (how often each score was given).

    Student's t, with one more answer spread evenly over the scale, so that three equal answers aren't certainty.
    """
    n = sum(counts.values())
    if n == 0:
        return None
    weights = {score: counts.get(score, 0) + 1 / len(scale) for score in scale}
    middle = sum(score * weight for score, weight in weights.items()) / (n + 1)
    variance = sum(weight * (score - middle) ** 2 for score, weight in weights.items()) / (n + 1)
    value = sum(score * count for score, count in counts.items()) / n
    return _within(
        value, middle, student(n) * math.sqrt(variance / (n + 1)), n, (float(scale[0]), float(scale[-1]))
    )


def promoter_score(promoters: int, passives: int, detractors: int) -> Interval | None:
    """The net promoter score from -100 to 100.

    The adjusted Wald interval with three more answers (B. Rocks, "Interval estimation for the Net Promoter Score",
    The American Statistician 70, 2016).
    """
    n = promoters + passives + detractors
    if n == 0:
        return None
    above, below = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    middle = above - below
    half = Z * math.sqrt((above + below - middle**2) / (n + 3))
    return _within(100 * (promoters - detractors) / n, 100 * middle, 100 * half, n, (-100.0, 100.0))


def student(degrees: int) -> float:
    """The quantile of Student's t that leaves 2.5 % above it; Abramowitz & Stegun 26.7.5 from 3 degrees on."""
    above = (1 + SURE) / 2
    if degrees == 1:
        return math.tan(math.pi * (above - 0.5))
    if degrees == 2:
        return (2 * above - 1) * math.sqrt(2 / (4 * above * (1 - above)))
    terms = (
        Z,
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return math.fsum(term / math.pow(degrees, power) for power, term in enumerate(terms))


def _within(value: float, middle: float, half: float, n: int, ends: tuple[float, float]) -> Interval:
    """Never beyond the scale, and never without what was measured."""
    low, high = max(ends[0], middle - half), min(ends[1], middle + half)
    return Interval(value, min(low, value), max(high, value), n)
