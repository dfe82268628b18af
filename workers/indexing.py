"""The index kept in step: articles, solved tickets, macros, and a second model's vectors beside the first's.

Each batch is a transaction of its own, so whoever is killed goes on where the last batch ended.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from sqlalchemy import func, select

from ai.embedding import exported
from ai.embedding.answering import Answering, configured
from ai.embedding.onnx import OnnxEmbedder
from ai.evaluation.handing import may_take_over
from ai.questions import matter
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.ports import Embedder
from kb import serving
from kb.index import Chunk, index_changed, weigh_lexemes
from kb.precedents import index_precedents
from workers.together import end

NEWS = 10  # articles of one transaction; the newest change is in the next one
LANES = 2  # transactions at once: one writes while the other embeds
LARGE = 20_000  # passages
SELDOM = 600.0  # seconds between two counts of the words of a large index
TOLD = 30.0  # seconds between two lines of the log

log = structlog.get_logger(__name__)


class Indexing:
    def __init__(self, desk: Desk, swift: Embedder) -> None:
        """`swift` is the configured model; a remote one takes its place where it is configured."""
        self.desk = desk
        self._swift = swift
        self._remote: Embedder | None = None
        self._weighed = -SELDOM
        self.answering = Answering(desk.settings, swift, beside=desk.beside)

    async def news(self) -> bool:
        """Articles that changed are made known to the model that answers; whether there were any. What a new model
        has yet to read, and a whole import, are left to `everything`: a letter does not wait for them."""
        return await self._articles(backlog=False, most=NEWS * 2)

    async def everything(self, *, between: Callable[[], Awaitable[object]] | None = None) -> bool:
        """Until the index knows all there is; whether an article was among it, or another model answers now.
        `between` is awaited after every few articles: this may take an hour, and others wait."""
        changed = await self._articles(backlog=True, between=between)
        await self._precedents()
        return await self._hand_over() or changed

    async def _articles(
        self,
        *,
        backlog: bool,
        most: int | None = None,
        between: Callable[[], Awaitable[object]] | None = None,
    ) -> bool:
        wanted = await self._wanted()
        async with committed(self.desk.sessions) as session:
            current = await serving.want(session, wanted)
        async with self.desk.sessions() as session:
            answers = None if current == wanted.name else await self.answering.embedder(session)
        done, told = 0, time.monotonic()

        async def some(model: Embedder) -> int:
            nonlocal done, told
            async with committed(self.desk.sessions) as session:
                count = await index_changed(session, model, limit=NEWS, beside=answers, backlog=backlog)
            done += count
            if time.monotonic() - told > TOLD:
                log.info("indexing", articles=done, model=wanted.name)
                told = time.monotonic()
            return count

        async def lane(model: Embedder, between: Callable[[], Awaitable[object]] | None = None) -> None:
            while not (most and done >= most) and await some(model):
                if between:
                    await between()

        if await some(wanted) == NEWS:  # more than a few: all cores may work
            model = await self._widened(wanted)
            await _all(lane(model, between), *(lane(model) for _ in range(LANES - 1)))
        await lane(wanted)  # whatever one lane held while the other looked for more
        if done:
            await self._weigh()
        return done > 0

    async def _weigh(self) -> None:
        """Counting all words of a large index takes seconds, and one more article changes nothing about them."""
        async with committed(self.desk.sessions) as session:
            passages = await session.scalar(select(func.count()).select_from(Chunk)) or 0
            if passages < LARGE or time.monotonic() - self._weighed > SELDOM:
                await weigh_lexemes(session)
                self._weighed = time.monotonic()

    async def _wanted(self) -> Embedder:
        if not self.desk.settings.remote_embedding_url:
            return self._swift
        if self._remote is None:
            self._remote = await configured(self.desk.settings, beside=self.desk.beside)
        return self._remote

    async def _widened(self, model: Embedder) -> Embedder:
        """On as many cores as there are, for as long as somebody holds it."""
        threads = min(4, os.cpu_count() or 1)
        if not isinstance(model, OnnxEmbedder) or model.threads >= threads:
            return model
        return await asyncio.to_thread(OnnxEmbedder, exported(self.desk.settings), threads=threads)

    async def _hand_over(self) -> bool:
        wanted = await self._wanted()
        took_over = False
        if await may_take_over(self.desk, wanted):
            async with committed(self.desk.sessions) as session:
                took_over = await serving.take_over(session, wanted)
        if took_over:
            log.info("another model answers now", model=wanted.name)
        while True:
            async with committed(self.desk.sessions) as session:
                if not await serving.forget_others(session):
                    return took_over

    async def _precedents(self) -> None:
        wanted = await self._wanted()
        while True:
            async with committed(self.desk.sessions) as session:
                if not await index_precedents(session, wanted, tidy=matter):
                    return


async def _all(*works: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        await end(tasks)
