"""Two configurations on the same questions: which is better, and how certain is that?

A question is worth 1 where it is answered from the right article, nothing where the desk stays silent, and minus
COST where what is said is wrong or answers nothing. One number then says whether a change is for the worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt
from typing import Any, Protocol

import msgspec
import numpy as np

from ai.evaluation.intervals import bootstrap

COST = 3.0
"""What a wrong answer costs, in right ones."""
COST_READ = 1.0
"""What a wrong draft costs: an agent reads it, and turns it down."""
SAME = 1e-9


class Judged(Protocol):
    """A question of a run: `EvaluationCase`, or one that was judged anew."""

    @property
    def key(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def answered(self) -> bool: ...
    @property
    def right(self) -> bool: ...


class Configuration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a measurement depends on. `more`: names and values of what others own, such as a language model."""

    embedder: str = ""
    gate: str = ""
    """A hash of the coefficients."""
    answer_risk: float = 0.0
    draft_risk: float = 0.0
    more: dict[str, str] = {}


@dataclass(frozen=True)
class Comparison:
    """`difference` is in worth a question, after minus before; both are over the same questions."""

    questions: int
    before: float
    after: float
    difference: float
    interval: tuple[float, float]
    better: int
    """Questions that only the new one does well."""
    worse: int
    p: float
    """McNemar's exact test: how likely so uneven a change would be by chance."""

    @property
    def is_worse(self) -> bool:
        return self.difference < -SAME

    @property
    def is_certain(self) -> bool:
        return self.interval[1] < 0 or self.interval[0] > 0

    def told(self) -> dict[str, Any]:
        return {
            "questions": self.questions,
            "before": round(self.before, 4),
            "after": round(self.after, 4),
            "difference": {
                "value": round(self.difference, 4),
                "interval": [round(x, 4) for x in self.interval],
            },
            "only_better": self.better,
            "only_worse": self.worse,
            "mcnemar_p": round(self.p, 4),
            "worse": self.is_worse,
        }


def worth(case: Judged, cost: float = COST) -> float:
    if not case.answered:
        return 0.0
    return 1.0 if case.right else -cost


def is_well(case: Judged) -> bool:
    """Answered rightly, or silent where nothing answers."""
    return case.answered and case.right if case.kind == "answerable" else not case.answered


def compare(before: Sequence[Judged], after: Sequence[Judged], *, cost: float = COST) -> Comparison | None:
    """On the questions that both were asked; None where there are none."""
    pairs = list(paired(by_key(before), by_key(after)))
    if not pairs:
        return None
    one, other = (np.array([worth(pair[side], cost) for pair in pairs]) for side in (0, 1))
    changes = other - one
    low, high = bootstrap(lambda drawn: float(changes[drawn].mean()), len(pairs))
    wells = [(is_well(a), is_well(b)) for a, b in pairs]
    better, worse = sum(b and not a for a, b in wells), sum(a and not b for a, b in wells)
    return Comparison(
        questions=len(pairs),
        before=float(one.mean()),
        after=float(other.mean()),
        difference=float(changes.mean()),
        interval=(low, high),
        better=better,
        worse=worse,
        p=mcnemar(better, worse),
    )


def by_key(cases: Sequence[Judged]) -> dict[tuple[str, str], Judged]:
    return {(case.key, case.kind): case for case in cases}


def paired(
    before: Mapping[tuple[str, str], Judged], after: Mapping[tuple[str, str], Judged]
) -> list[tuple[Judged, Judged]]:
    return [(before[key], after[key]) for key in before if key in after]


def mcnemar(better: int, worse: int) -> float:
    """Two-sided and exact, from the discordant pairs (McNemar 1947); 1 where nothing changed."""
    n, few = better + worse, min(better, worse)
    if n == 0:
        return 1.0
    if n > 1000:  # the normal approximation is then exact enough, and 2**n no number to divide by
        return erfc(max(0.0, abs(better - worse) - 1) / sqrt(2 * n))
    return min(1.0, float(2 * sum(comb(n, k) for k in range(few + 1)) / 2**n))
