"""Does the best article answer, or is it only near? Eight numbers of the search, one chance.

How near is near differs from help centre to help centre, so the numbers are not read as they are: they are compared
with what is usual there between a question and an article that does not answer it (ai/levels.py measures that, with
nobody's verdict). The same coefficients then hold at desks that they were not fitted on (docs/ai.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from typing import Self

import msgspec

from ai.heads import COEFFICIENTS
from kb.search import TITLE, Hit

FEATURES = (
    "dense",
    "title",
    "coverage",
    "lexical",
    "contrast",
    "ahead",
    "lexical_margin",
    "coverage_margin",
)
ALONE = 0.3
"""Contrast where no other article was found to compare with."""
STEEPEST = 60.0
"""exp() of more than some 700 overflows; a chance is 0 or 1 long before."""


class Usual(msgspec.Struct, frozen=True):
    """What FEATURES are where the best article does not answer, at one desk."""

    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def standard(self, values: Sequence[float]) -> list[float]:
        return [(x - mean) / sd for x, mean, sd in zip(values, self.means, self.deviations, strict=True)]


class Stored(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    features: list[str]
    usual: Usual
    """Of the help centre that it was fitted on, for desks that have too few articles for one of their own."""
    weights: list[float]
    bias: float
    neighbours: list[float]
    """Chances of neighbours there, ascending: as `Neighbourhood.chances` at a desk."""
    trained_on: str
    measured: dict[str, float]


@dataclass(frozen=True)
class Gate:
    stored: Stored

    @classmethod
    def read(cls, path: Path) -> Self:
        stored = msgspec.json.decode(path.read_bytes(), type=Stored)
        if tuple(stored.features) != FEATURES:
            raise ValueError(f"{path.name} was fitted on other features: train it again")
        return cls(stored)

    def chance(self, hits: Sequence[Hit], usual: Usual | None = None) -> float:
        """Chance that hits[0] answers the question; `usual` is the desk's own."""
        return self.chance_of(features(hits), usual) if hits else 0.0

    def chance_of(self, values: Sequence[float], usual: Usual | None = None) -> float:
        standard = (usual or self.stored.usual).standard(values)
        score = self.stored.bias + sum(w * z for w, z in zip(self.stored.weights, standard, strict=True))
        return 1 / (1 + exp(-max(-STEEPEST, min(STEEPEST, score))))


def features(hits: Sequence[Hit]) -> tuple[float, ...]:
    """In the order of FEATURES: how near the best article is, and how far ahead of the next ones."""
    best, others = hits[0], hits[1:8]
    return (
        best.dense,
        best.title_score,
        best.coverage,
        best.lexical / 10,
        contrast([hit.dense + TITLE * hit.title_score for hit in hits[:8]]),
        contrast([hit.fused for hit in hits[:8]]),
        (best.lexical - max(hit.lexical for hit in others)) / 10 if others else 0.0,
        best.coverage - max(hit.coverage for hit in others) if others else 0.0,
    )


def contrast(scores: Sequence[float]) -> float:
    """Of the first to the third and those after it: the second may well be a twin of the first."""
    behind = scores[2:]
    return scores[0] - sum(behind) / len(behind) if behind else ALONE


@cache
def gate() -> Gate:
    return Gate.read(COEFFICIENTS / "answerability.json")
