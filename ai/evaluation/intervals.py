"""95 % intervals, because most sets are small."""

from collections.abc import Callable, Sequence
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.959964


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Interval of a share (Wilson 1927): holds for small n and near 0 and 1, unlike the textbook one."""
    if n == 0:
        return (0.0, 1.0)
    p, z2 = hits / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (max(0.0, middle - half), min(1.0, middle + half))


def share(hits: int, n: int) -> dict[str, object]:
    low, high = wilson(hits, n)
    return {"value": round(hits / n, 4) if n else None, "n": n, "interval": [round(low, 4), round(high, 4)]}


def bootstrap(
    measure: Callable[[NDArray[np.intp]], float], n: int, *, rounds: int = 500, seed: int = 7
) -> tuple[float, float]:
    """Percentile interval of any measure over n cases; `measure` is given the drawn indices."""
    rng = np.random.default_rng(seed)
    drawn = [measure(rng.integers(0, n, n)) for _ in range(rounds)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def macro_f1(truth: ArrayLike, guess: ArrayLike, labels: Sequence[str]) -> float:
    truth_, guess_ = np.asarray(truth), np.asarray(guess)
    scores = []
    for label in labels:
        both = int(((truth_ == label) & (guess_ == label)).sum())
        total = int((truth_ == label).sum() + (guess_ == label).sum())
        scores.append(2 * both / total if total else 0.0)
    return float(np.mean(scores))


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a positive scores above a negative; ties count half (Mann-Whitney)."""
    scores = np.concatenate([positive, negative])
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = len(positive), len(negative)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m)) if n and m else 0.5
