"""The model that the search answers with: the one whose vectors are complete, while another's are being made."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding.models import FORMAT, exported
from ai.embedding.onnx import OnnxEmbedder
from ai.embedding.remote import RemoteEmbedder
from ai.providers.vectors import VectorMeter
from helpdesk.database import Sessions
from helpdesk.outbound import Policy
from helpdesk.ports import Embedder, Reranker, Vectors
from helpdesk.settings import Settings
from kb.serving import answering


async def configured(settings: Settings, *, threads: int = 1, beside: Sessions | None = None) -> Embedder:
    """The model of the settings, without torch; raises ModelNotReady until the worker has exported it. `beside`:
    where calls to another machine are put on record."""
    if settings.remote_embedding_url:
        return await RemoteEmbedder.connected(
            settings.remote_embedding_url,
            settings.remote_embedding_model,
            policy=Policy.of(settings.allow_hosts),
            key=settings.remote_embedding_key,
            meter=_meter(settings, beside) if beside else None,
        )
    return await asyncio.to_thread(OnnxEmbedder, exported(settings), threads=threads)


def _meter(settings: Settings, beside: Sessions) -> VectorMeter:
    host = urlsplit(settings.remote_embedding_url).hostname or ""
    most = settings.remote_embedding_daily_tokens or None
    return VectorMeter(beside, host, settings.remote_embedding_model, most)


class Answering:
    """Loaded with the first question, and again when another model takes over."""

    def __init__(
        self, settings: Settings, own: Embedder | None = None, *, beside: Sessions | None = None
    ) -> None:
        """`own` is what is loaded already, of the settings' own model."""
        self.settings, self._beside = settings, beside
        self._loaded = None if settings.remote_embedding_url else own
        self._loading = asyncio.Lock()

    async def embedder(self, session: AsyncSession) -> Embedder:
        """Raises ModelNotReady where there is none yet."""
        name = await answering(session)
        if self._loaded is not None and name in {None, self._loaded.name}:
            return self._loaded
        async with self._loading:
            if self._loaded is None or name not in {None, self._loaded.name}:
                self._loaded = await self._load(name)
            return self._loaded

    async def _load(self, name: str | None) -> Embedder:
        """An earlier model by the export that it left; where that is gone, the one of the settings."""
        folder = self.settings.models / f"{name}-{FORMAT}"
        if name is not None and (folder / "about.json").exists():
            return await asyncio.to_thread(OnnxEmbedder, folder)
        return await configured(self.settings, beside=self._beside)


class Served:
    """The desk's own model, which readers of letters were trained with, and for searches the one that answers."""

    def __init__(self, own: Embedder, answering: Answering, reranker: Reranker | None = None) -> None:
        """`reranker` reads again what a search finds with this."""
        self.own, self.answering, self.reranker = own, answering, reranker
        self.name, self.dimensions = own.name, own.dimensions
        self.precision = getattr(own, "precision", "fp32")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self.own.embed(texts)

    async def for_search(self, session: AsyncSession) -> Embedder:
        return await self.answering.embedder(session)
