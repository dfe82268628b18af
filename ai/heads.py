"""Small classifiers on top of sentence vectors: coefficients in JSON, arithmetic in numpy.

They are made by `python -m ai.training.…` from data that may be shipped on, and never unpickled.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from helpdesk.ports import Vectors

COEFFICIENTS = Path(__file__).parent / "coefficients"


class Stored(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file: weights per label, as many columns as the vectors are long."""

    model: str
    labels: list[str]
    weights: list[list[float]]
    bias: list[float]
    temperature: float
    trained_on: str
    measured: dict[str, float]


@dataclass(frozen=True)
class Head:
    """Softmax regression whose probabilities were calibrated by one temperature (Guo et al. 2017)."""

    name: str
    model: str
    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float

    @classmethod
    def read(cls, path: Path) -> Self:
        stored = msgspec.json.decode(path.read_bytes(), type=Stored)
        return cls(
            name=path.stem,
            model=stored.model,
            labels=tuple(stored.labels),
            weights=np.asarray(stored.weights, np.float32),
            bias=np.asarray(stored.bias, np.float32),
            temperature=stored.temperature,
        )

    def fits(self, embedder: str) -> bool:
        """Coefficients mean nothing on another model's vectors."""
        return self.model == embedder

    def probabilities(self, vectors: Vectors) -> NDArray[np.float32]:
        """Shape (n, labels)."""
        return softmax((vectors @ self.weights.T + self.bias) / self.temperature)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


@cache
def head(name: str) -> Head:
    return Head.read(COEFFICIENTS / f"{name}.json")
