"""A cross-encoder that reads question and passage together: slower than vectors and better, so it reads the best
few alone. Needs torch, so it runs in the models' process; off unless HELPDESK_RERANKER names one."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from ai.embedding.models import slug
from helpdesk.errors import Misconfigured

LONGEST = 1500  # characters of a question or a passage; these models read 512 tokens of both
BATCH = 8


class CrossEncoderReranker:
    def __init__(self, model: Any, name: str) -> None:
        self.model = model
        self.name = name

    @classmethod
    def load(cls, model: str) -> Self:
        """Raises Misconfigured where the name can be found neither here nor on a hub, or scores classes."""
        from sentence_transformers import CrossEncoder
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            loaded = CrossEncoder(model, device="cpu")
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"HELPDESK_RERANKER: {model!r} is neither a folder with a cross-encoder nor a name that can be "
                f"loaded from here ({error})."
            ) from error
        if loaded.config.num_labels != 1:
            raise Misconfigured(
                f"HELPDESK_RERANKER: {model!r} tells {loaded.config.num_labels} classes apart; "
                "a reranker has one score."
            )
        return cls(loaded, slug(model))

    async def rerank(self, query: str, passages: Sequence[str]) -> Sequence[float]:
        """Higher is better; no probabilities."""
        return await asyncio.to_thread(self._scores, query, passages)

    def _scores(self, query: str, passages: Sequence[str]) -> list[float]:
        pairs = [(query[:LONGEST], passage[:LONGEST]) for passage in passages]
        if not pairs:
            return []
        return [float(x) for x in self.model.predict(pairs, batch_size=BATCH, show_progress_bar=False)]
