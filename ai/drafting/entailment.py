"""A second opinion on written sentences: an entailment model by name, off unless a desk names one."""

import asyncio
from collections.abc import Sequence
from typing import Any

from ai.drafting.proving import Entailment
from helpdesk.settings import Settings


def entailment(settings: Settings) -> Entailment | None:
    """The one that HELPDESK_ENTAILMENT_MODEL names; loaded when it is asked first."""
    return NamedEntailment(settings.entailment_model) if settings.entailment_model else None


class NamedEntailment:
    """A cross-encoder with a label `entailment`, as those trained on NLI have; a folder, or a name on a hub."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._model: Any = None
        self._alone = asyncio.Lock()

    async def follows(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        async with self._alone:
            return await asyncio.to_thread(self._probabilities, list(pairs))

    def _probabilities(self, pairs: list[tuple[str, str]]) -> list[float]:
        if self._model is None:
            from sentence_transformers import CrossEncoder  # torch: only where somebody named a model

            self._model = CrossEncoder(self.name, device="cpu")
        scores = self._model.predict(pairs, apply_softmax=True, show_progress_bar=False)
        return [float(row[self._column]) for row in scores]

    @property
    def _column(self) -> int:
        """Raises LookupError where the model was not made for this."""
        labels = {str(label).lower(): int(i) for i, label in self._model.config.id2label.items()}
        if "entailment" not in labels:
            raise LookupError(f"{self.name} has no label `entailment`: name a model that was trained on NLI.")
        return labels["entailment"]
