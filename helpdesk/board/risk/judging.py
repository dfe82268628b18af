"""How well an estimate did on moments that it was not learned from."""

from collections.abc import Sequence

import msgspec

BINS = 10


class Judged(msgspec.Struct, frozen=True):
    n: int
    broken: int
    """How many were, in the end."""
    brier: float
    """Mean square of what it was off by: 0 is perfect, 0.25 is a coin."""
    ece: float
    """Expected calibration error: by how much "30 %" is not three in ten, on average (ten bins of equal width)."""
    bins: list[tuple[float, float, int]]
    """Of each bin that has any: what was said on average, what was so, of how many."""


def judge(said: Sequence[float], was: Sequence[bool]) -> Judged | None:
    """None where there is nothing to judge by."""
    n = len(said)
    if n == 0:
        return None
    grouped: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for probability, broken in zip(said, was, strict=True):
        grouped[min(int(probability * BINS), BINS - 1)].append((probability, broken))
    bins = [
        (sum(p for p, _ in some) / len(some), sum(b for _, b in some) / len(some), len(some))
        for some in grouped
        if some
    ]
    return Judged(
        n,
        sum(was),
        sum((p - b) ** 2 for p, b in zip(said, was, strict=True)) / n,
        sum(abs(mean - share) * size for mean, share, size in bins) / n,
        bins,
    )
