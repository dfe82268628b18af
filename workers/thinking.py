"""What the models' process does: look at new messages, propose answers, keep the knowledge base's index.

Everything here may fail without holding up a single mail: a message that a model stumbles over is left alone,
and the rest of its batch goes on.
"""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai import suggestions
from ai.embedding import ModelNotReady, embedder, exported
from ai.embedding.answering import Served
from ai.levels import measure
from ai.predictions import Classification
from ai.reranking import CrossEncoderReranker
from ai.triage.reading import triage
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Direction, Message
from helpdesk.ports import Embedder, Reranker
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket
from workers import drafting, jobs
from workers.indexing import Indexing
from workers.outages import is_outage

BATCH = 32  # messages that are looked at in one transaction
AHEAD = 64 * BATCH  # tickets that may wait for an answer while others are triaged; an abrupt end forgets them
FEW = 8  # of them between two looks at what has come
BEHIND = 2_000  # how far behind the newest triaged message one is still looked for: commits are out of order

LONG, SELDOM = 2.0, 300.0  # seconds: what takes longer than this is done again only after that

log = structlog.get_logger(__name__)


class Thinking:
    def __init__(self, desk: Desk, model: Embedder, reranker: Reranker | None = None) -> None:
        """`model` is the int8 twin: for letters and articles alike, so that only a reranker loads torch here."""
        self.desk = desk
        self.indexing = Indexing(desk, model)
        self.swift = Served(model, self.indexing.answering, reranker)
        self._left_alone: set[int] = set()
        self._pending: dict[int, None] = {}  # triaged tickets that still wait for an answer to propose
        self._measured_until = 0.0

    @classmethod
    async def ready(cls, desk: Desk) -> "Thinking":
        """The first time on a machine the twin is exported, which takes some seconds and torch."""
        try:
            exported(desk.settings)
        except ModelNotReady:
            await _export(desk.settings)
        swift = await asyncio.to_thread(embedder, desk.settings, threads=min(2, os.cpu_count() or 1))
        named = desk.settings.reranker
        return cls(desk, swift, await asyncio.to_thread(CrossEncoderReranker.load, named) if named else None)

    async def assist(self) -> None:
        """Until every inbound message has been looked at, with the articles as they are now: what is searched
        before it is indexed is not found, and the ticket would say for good that there is no answer."""
        await self._news()
        await self._letters()

    async def _letters(self) -> None:
        """All are triaged before answers are thought of: lists, rules and people go by what triage says."""
        pending = self._pending  # kept over an outage
        while True:
            batch = await self._batch() if len(pending) < AHEAD else []
            if batch:
                await self._triaged([message_id for message_id, _ in batch])
                pending |= dict.fromkeys(ticket_id for _, ticket_id in batch)
                continue
            if not pending:
                return
            for ticket_id in list(pending)[:FEW]:
                await self._suggested(ticket_id)
                pending.pop(ticket_id, None)

    async def draft(self, ticket_id: int) -> None:
        """A rule asks: where nothing was thought of for the newest message yet."""
        await self._news()
        await self._suggested(ticket_id)

    async def index(self) -> None:
        """Until the index knows everything as it is now. Letters that come meanwhile are looked at in between."""
        if await self.indexing.everything(between=self._letters):
            await self._measure()

    async def _news(self) -> None:
        if await self.indexing.news():
            await self._measure()

    async def _measure(self) -> None:
        """A hundred questions: where they take long, one more article changes little, and letters wait."""
        began = time.monotonic()
        if began < self._measured_until:
            return
        async with committed(self.desk.sessions) as session:
            await measure(session, self.swift)
        if time.monotonic() - began > LONG:
            self._measured_until = began + SELDOM

    async def _batch(self) -> Sequence[tuple[int, int]]:
        """The next (message, ticket) ids, oldest first."""
        newest = select(func.coalesce(func.max(Classification.message_id), 0)).scalar_subquery()
        seen = select(Classification.id).where(Classification.message_id == Message.id)
        async with self.desk.sessions() as session:
            found = await session.execute(
                select(Message.id, Message.ticket_id)
                .where(
                    Message.id > newest - BEHIND,
                    Message.id.not_in(self._left_alone),
                    Message.direction == Direction.inbound,
                    Message.copy_of_id.is_(None),
                    Message.side_id.is_(None),
                    ~seen.exists(),
                )
                .order_by(Message.id)
                .limit(BATCH)
            )
            return [(message_id, ticket_id) for message_id, ticket_id in found]

    async def _triaged(self, message_ids: list[int]) -> None:
        try:
            async with committed(self.desk.sessions) as session:
                await triage(session, self.swift, message_ids)
        except Exception as error:
            if is_outage(error):
                raise
            await self._one_by_one(message_ids, error)
        await self._leave_alone(message_ids)

    async def _one_by_one(self, message_ids: list[int], error: Exception) -> None:
        if len(message_ids) == 1:
            log.error("message not triaged", message=message_ids[0], exc_info=error)
            return
        for message_id in message_ids:
            await self._triaged([message_id])

    async def _leave_alone(self, message_ids: list[int]) -> None:
        """Those that still have no classification would come again and again."""
        async with self.desk.sessions() as session:
            seen = await session.scalars(
                select(Classification.message_id).where(Classification.message_id.in_(message_ids))
            )
            self._left_alone |= set(message_ids) - set(seen)

    async def _suggested(self, ticket_id: int) -> None:
        try:
            async with committed(self.desk.sessions) as session:
                ticket = await _waiting(session, ticket_id)
                if ticket and await suggestions.suggest(session, self.swift, ticket):
                    await jobs.defer(session, await drafting.wanted(session, ticket_id))
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("nothing suggested", ticket=ticket_id)


async def _export(settings: Settings) -> None:
    """In a process that ends afterwards: exporting takes another 300 MB that would never be given back."""
    exporter = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.exporting", stdin=PIPE)
    try:
        await exporter.communicate(msgspec.json.encode(settings, enc_hook=str))
    except asyncio.CancelledError:
        exporter.kill()
        raise
    if exporter.returncode:
        raise ModelNotReady


async def _waiting(session: AsyncSession, ticket_id: int) -> Ticket | None:
    """The ticket while its last public message is the customer's."""
    return await session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, Ticket.last_direction == Direction.inbound, ~Ticket.settled)
        .with_for_update(key_share=True)  # else a reply of this very moment gets a suggestion beside it
    )
