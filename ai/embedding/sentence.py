"""Any sentence-transformers model, on torch. Only the worker's child imports this module's dependencies."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ai.embedding.models import SHIPPED, SHIPPED_SHA256, slug, source
from helpdesk.errors import Misconfigured
from helpdesk.ports import Vectors

BATCH = 8
"""Texts at once: 32 passages of 256 tokens peak at 566 MB, 8 stay far below the worker's limit."""


class SentenceEmbedder:
    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.name = name
        self.dimensions: int = model.get_embedding_dimension()
        self.precision = "fp32"

    @classmethod
    def load(cls, model: str = SHIPPED, *, threads: int | None = None) -> Self:
        """Takes 5 to 7 s. Raises Misconfigured where the name can be found neither here nor on a hub."""
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        if threads:
            torch.set_num_threads(threads)
        disable_progress_bar()
        try:
            loaded = SentenceTransformer(source(model), device="cpu")
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"HELPDESK_EMBEDDING_MODEL: {model!r} is neither a folder with a sentence-transformers model "
                f"nor a name that can be loaded from here ({error})."
            ) from error
        digest = SHIPPED_SHA256 if model == SHIPPED else fingerprint(loaded)
        return cls(loaded, f"{slug(model)}@{digest[:8]}")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await asyncio.to_thread(self._embed, texts)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        vectors = self.model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, np.float32)


def fingerprint(model: Any) -> str:
    """sha256 over all weights, whichever files they came in."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(np.ascontiguousarray(tensor.float().numpy()).data)
    return digest.hexdigest()
