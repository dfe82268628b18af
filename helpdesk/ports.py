"""What the desk needs of models, said without naming any."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """Model and weights, e.g. `all-MiniLM-L6-v2@53aa5117`; vectors of different names are never compared."""
        ...

    @property
    def dimensions(self) -> int: ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimensions), rows of unit length."""
        ...


@dataclass(frozen=True)
class Scores:
    """One text's scores: label → probability, calibrated; `label` is None where the model does not know."""

    label: str | None
    confidence: float
    all: Mapping[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()  # words or examples that decided, for people


class Classifier(Protocol):
    @property
    def name(self) -> str: ...

    async def classify(self, texts: Sequence[str]) -> Sequence[Scores]: ...


@dataclass(frozen=True, kw_only=True)
class Prompt:
    system: str
    user: str
    max_tokens: int = 600
    schema: Mapping[str, Any] | None = None  # JSON schema, where structured output is wanted


class LanguageModel(Protocol):
    @property
    def name(self) -> str: ...

    def stream(self, prompt: Prompt) -> AsyncIterator[str]: ...


class Reranker(Protocol):
    @property
    def name(self) -> str: ...

    async def rerank(self, query: str, passages: Sequence[str]) -> Sequence[float]: ...
