"""What the models' process does: look at new messages, propose answers, keep the knowledge base's index.

Everything here may fail without holding up a single mail: a message that a model stumbles over is left alone,
and the rest of its batch goes on.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai import suggestions, triage
from ai.embedding import ModelNotReady, embedder, exported
from ai.embedding.sentence import SentenceEmbedderWhenNeeded
from ai.levels import measure
from ai.predictions import Classification
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Direction, Message
from helpdesk.ports import Embedder
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket
from kb.index import index_changed, weigh_lexemes
from workers.outages import is_outage

BATCH = 32  # messages that are looked at in one transaction
BEHIND = 2_000  # how far behind the newest triaged message one is still looked for: commits are out of order

log = structlog.get_logger(__name__)


class Thinking:
    def __init__(self, desk: Desk, swift: Embedder, thorough: Embedder) -> None:
        """`swift` is the int8 twin, for messages; `thorough` runs on torch, for articles. Their vectors agree."""
        self.desk, self.swift, self.thorough = desk, swift, thorough
        self._left_alone: set[int] = set()

    @classmethod
    async def ready(cls, desk: Desk) -> "Thinking":
        """The first time on a machine the twin is exported, which takes some seconds and torch."""
        try:
            exported(desk.settings)
        except ModelNotReady:
            await _export(desk.settings)
        swift = await asyncio.to_thread(embedder, desk.settings)
        return cls(desk, swift, SentenceEmbedderWhenNeeded(desk.settings.embedding_model, swift))

    async def assist(self) -> None:
        """Until every inbound message has been looked at, with the articles as they are now: what is searched
        before it is indexed is not found, and the ticket would say for good that there is no answer."""
        await self.index()
        while batch := await self._batch():
            await self._triaged([message_id for message_id, _ in batch])
            for ticket_id in dict.fromkeys(ticket_id for _, ticket_id in batch):
                await self._suggested(ticket_id)

    async def index(self) -> None:
        """Until the index knows every article as it is now."""
        changed = False
        while True:
            async with committed(self.desk.sessions) as session:
                if not await index_changed(session, self.thorough):
                    break
            changed = True
        if changed:
            async with committed(self.desk.sessions) as session:
                await weigh_lexemes(session)
                await measure(session, self.swift)

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
                await triage.triage(session, self.swift, message_ids)
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
                if ticket := await _waiting(session, ticket_id):
                    await suggestions.suggest(session, self.swift, ticket)
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
