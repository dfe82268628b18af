"""Questions of agents to the knowledge base: the model that reads them is loaded when the first one is asked."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import OnnxEmbedder, embedder
from helpdesk.desk import Desk
from kb.articles import AGENTS
from kb.search import Hit, search

MOST = 8
LONGEST = 500  # characters of a question
NEAR = 0.25
"""Cosine below which an article that shares no word with the question has nothing to do with it."""


class Lookup:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._embedder: OnnxEmbedder | None = None
        self._loading = asyncio.Lock()

    async def search(self, session: AsyncSession, question: str, *, locale: str = "en") -> list[Hit]:
        """Best first, what is only for colleagues included; raises ModelNotReady while the model is prepared."""
        hits = await search(
            session,
            await self._ready(),
            question[:LONGEST],
            audiences=AGENTS,
            limit=MOST,
            locale=locale,
        )
        return [hit for hit in hits if hit.reasons or hit.dense >= NEAR]

    async def _ready(self) -> OnnxEmbedder:
        async with self._loading:
            if self._embedder is None:
                self._embedder = await asyncio.to_thread(embedder, self.desk.settings)
            return self._embedder
