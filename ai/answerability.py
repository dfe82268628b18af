"""Does the best article answer, or is it only near? Seven numbers of the search, one calibrated chance.

Conservative on purpose: a wrong draft costs an agent more than none. A threshold that suits one help centre
does not suit the next (docs/ai.md), so a desk that has verdicts of its agents refits it.
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

FEATURES = ("dense", "title", "coverage", "lexical", "margin", "contrast", "lexical_margin")
ALONE = 0.3
"""Margin and contrast where no other article was found to compare with."""


class Stored(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    features: list[str]
    means: list[float]
    deviations: list[float]
    weights: list[float]
    bias: float
    threshold: float
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

    @property
    def threshold(self) -> float:
        return self.stored.threshold

    def chance(self, hits: Sequence[Hit]) -> float:
        """Chance that hits[0] answers the question."""
        if not hits:
            return 0.0
        return self.chance_of(features(hits))

    def chance_of(self, values: Sequence[float]) -> float:
        s = self.stored
        standard = zip(values, s.means, s.deviations, s.weights, strict=True)
        return 1 / (1 + exp(-s.bias - sum(w * (x - mean) / sd for x, mean, sd, w in standard)))


def features(hits: Sequence[Hit]) -> tuple[float, ...]:
    """In the order of FEATURES, none of them the fused score, whose scale changes with every question."""
    best, others = hits[0], hits[1:8]
    meant = [hit.dense + TITLE * hit.title_score for hit in hits[:8]]
    behind = meant[2:]
    return (
        best.dense,
        best.title_score,
        best.coverage,
        best.lexical / 10,
        meant[0] - meant[1] if others else ALONE,
        meant[0] - sum(behind) / len(behind) if behind else ALONE,
        (best.lexical - max(hit.lexical for hit in others)) / 10 if others else 0.0,
    )


@cache
def gate() -> Gate:
    return Gate.read(COEFFICIENTS / "answerability.json")
