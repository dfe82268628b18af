"""Messages that were read become messages of tickets, several in one transaction where nothing speaks against it.

Alone, each costs a dozen statements; together they share all but two. When anything goes wrong they are stored
one by one, so that nobody's failure is anybody else's.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from channels import registry
from helpdesk import intake
from helpdesk.chat import live_name_of
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import InboundMessage, Message

TOGETHER = 16
"""In one transaction; more gains little and makes others wait."""
AT_ONCE = 2
"""Such transactions: one works while the other waits for the database."""
LIGHT = 1 << 20  # bytes of attachments of a message that is stored with others

log = structlog.get_logger(__name__)


class Surely(Protocol):
    def __call__(self, work: Callable[[AsyncSession], Awaitable[None]]) -> Awaitable[None]: ...


@dataclass(frozen=True, eq=False)
class Ready:
    kept: Kept
    inbound: InboundMessage
    stored: asyncio.Future[None]


class Storing:
    """`surely` runs its argument in one transaction, again while the database is away."""

    def __init__(self, desk: Desk, surely: Surely) -> None:
        self.desk, self._surely = desk, surely
        self._waiting: list[Ready] = []
        self._at_work: set[asyncio.Task[None]] = set()

    async def store(self, kept: Kept, inbound: InboundMessage) -> None:
        """Returns when it is a message, and raises why it is none.

        The caller sees to it that one of the same sender is stored only when this one is.
        """
        if not intake.stands_alone(inbound) or _weight(inbound) > LIGHT:
            await self._surely(lambda session: self._receive(session, [(kept, inbound)]))
            return
        ready = Ready(kept, inbound, asyncio.get_running_loop().create_future())
        self._waiting.append(ready)
        if len(self._at_work) < AT_ONCE:
            task = asyncio.create_task(self._drain())
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        await ready.stored

    def let_go(self) -> Sequence[asyncio.Task[None]]:
        """Stop; what is in hand is rolled back, and whoever waits for it is cancelled by the caller."""
        self._waiting.clear()
        for task in self._at_work:
            task.cancel()
        return list(self._at_work)

    async def _drain(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            await self._store([ready for ready in some if not ready.stored.done()])

    async def _store(self, some: Sequence[Ready]) -> None:
        try:
            await self._surely(
                lambda session: self._receive(session, [(ready.kept, ready.inbound) for ready in some])
            )
        except Exception as error:
            if len(some) > 1:
                log.warning("messages not stored together", messages=len(some), error=type(error).__name__)
                for ready in some:
                    await self._store([ready])
            elif some and not some[0].stored.done():
                some[0].stored.set_exception(error)
            return
        for ready in some:
            if not ready.stored.done():
                ready.stored.set_result(None)

    async def _receive(self, session: AsyncSession, some: Sequence[tuple[Kept, InboundMessage]]) -> None:
        inboxes = {kept.inbox_id: await session.merge(kept.inbox, load=False) for kept, _ in some}
        arrived = [(inboxes[kept.inbox_id], inbound) for kept, inbound in some]
        messages = await intake.receive_all(self.desk, session, arrived)
        done = list(zip(some, messages, strict=True))
        await intake.mark_received(
            session,
            {kept.id: message for (kept, _), message in done},
            also_said=[_writer(*each) for each, message in done if _begins_chat(each[0].inbox, message)],
        )


def _begins_chat(inbox: Inbox, message: Message) -> bool:
    """Frames hear of tickets that they know to be theirs; that there is another one, they hear by who they are."""
    return message.matched is None and registry.all()[inbox.channel].capabilities.realtime


def _writer(kept: Kept, inbound: InboundMessage) -> str:
    return live_name_of(kept.inbox_id, inbound.sender.kind, inbound.sender.address)


def _weight(inbound: InboundMessage) -> int:
    return sum(len(upload.content) for upload in inbound.attachments)
