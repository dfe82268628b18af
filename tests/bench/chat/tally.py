"""What was sent, what came, how long it took; and the figures of a span of time."""

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    took: dict[str, list[float]] = field(default_factory=dict)
    """Milliseconds, by what they are of, since the last figures."""
    kept: dict[str, list[float]] = field(default_factory=dict)
    """Those of all spans that are measured."""
    count: Counter[str] = field(default_factory=Counter)
    measuring: bool = False

    def add(self, what: str, seconds: float) -> None:
        self.took.setdefault(what, []).append(seconds * 1000)
        if self.measuring:
            self.kept.setdefault(what, []).append(seconds * 1000)

    def figures(self) -> dict[str, Any]:
        """Of the span that ends now."""
        found = {what: percentiles(values) for what, values in sorted(self.took.items())}
        self.took = {}
        return found

    def total(self) -> dict[str, Any]:
        return {what: percentiles(values) for what, values in sorted(self.kept.items())}


def percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    last = len(ordered) - 1
    at = {f"p{n}": round(ordered[min(last, math.ceil(len(ordered) * n / 100) - 1)], 1) for n in (50, 95, 99)}
    return {"n": len(ordered), **at, "most": round(ordered[-1], 1)}
