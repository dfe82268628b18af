"""The second half of intake: from kept bytes to tickets, as fast as they come, one bad mail holding up nobody.

Messages are read in the order in which they arrived and received side by side, those of one sender one after
the other. Who takes longer than a second to be read loses its place, not more. Bytes that fail three times are
put aside with a ticket that says so; what the database did is nobody's failure and is tried again until it works.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TypeVar

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from channels.contract import Unreadable
from helpdesk import intake
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.intake import Kept, KeptState
from helpdesk.messages import InboundMessage
from helpdesk.texts import clean
from workers.outages import is_outage
from workers.reading import Readers
from workers.wakeup import Bell

AHEAD = 60  # messages claimed and not yet received
SIDE_BY_SIDE = 4  # transactions at once
PLACE = 1.0  # seconds that a message may keep those behind it waiting
HEAVY = 64 << 20  # bytes of messages in memory at which the next one waits
LONGEST_WAIT = 10.0  # seconds between two tries while the database is away

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Receiving:
    """One a process, kept when its work is interrupted: it knows whose attempts were not their own fault."""

    def __init__(self, desk: Desk, readers: Readers, bell: Bell) -> None:
        self.desk, self.readers, self.bell = desk, readers, bell
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._last_of: dict[str, asyncio.Task[None]] = {}
        self._weights: dict[int, int] = {}
        self._undecided: set[int] = set()  # claimed, and neither received nor failed
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)

    async def run(self) -> None:
        """Until it is cancelled. What is in hand then is given back untouched."""
        await self._forgive()
        await self.readers.warm_up()
        try:
            while True:
                for kept in (claimed := await self._claimed()):
                    await self._take(kept)
                if not claimed:
                    await self.bell.wait()
        finally:
            await self._let_go()

    async def _claimed(self) -> list[Kept]:
        await self._until(lambda: len(self._in_hand) <= AHEAD // 2)
        async with committed(self.desk.sessions) as session:
            claimed = await intake.claim(session, AHEAD - len(self._in_hand), besides=self._in_hand)
        self._undecided.update(kept.id for kept in claimed)
        return list(claimed)

    async def _until(self, there_is_room: Callable[[], bool]) -> None:
        while self._in_hand and not there_is_room():
            await asyncio.wait(self._in_hand.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _forgive(self) -> None:
        """An attempt that was cut short is none."""
        if self._undecided:
            async with committed(self.desk.sessions) as session:
                await session.execute(
                    update(Kept)
                    .where(Kept.id.in_(self._undecided), Kept.state == KeptState.kept, Kept.attempts > 0)
                    .values(attempts=Kept.attempts - 1)
                )
            self._undecided.clear()

    async def _take(self, kept: Kept) -> None:
        """Returns when it was read, or has lost its place; the rest happens beside."""
        if kept.attempts > intake.ATTEMPTS:
            words = "The desk stopped each time it tried to read this message."
            self._start(kept, self._settle(kept, ReadAs(words=words)))
            return
        await self._until(lambda: sum(self._weights.values()) < HEAVY)
        reading = asyncio.create_task(self._read(kept))
        try:
            await asyncio.wait({reading}, timeout=PLACE)
        except asyncio.CancelledError:
            reading.cancel()
            raise
        if reading.done():
            self._start_in_order(kept, reading.result())
        else:
            self._start(kept, self._late(kept, reading))

    async def _read(self, kept: Kept) -> "ReadAs":
        try:
            raw = await self._surely(
                lambda session: session.scalar(select(Kept.raw).where(Kept.id == kept.id))
            )
            self._weights[kept.id] = len(raw or b"")
            return ReadAs(await self.readers.read(self.desk, kept.inbox, raw or b""))
        except Unreadable as error:
            return ReadAs(words=str(error))
        except Exception as error:
            return ReadAs(words=str(error) or type(error).__name__, again=True)

    async def _late(self, kept: Kept, reading: "asyncio.Task[ReadAs]") -> None:
        try:
            read = await reading
        except asyncio.CancelledError:
            reading.cancel()
            raise
        await self._settle(kept, read)

    def _start_in_order(self, kept: Kept, read: "ReadAs") -> None:
        sender = read.inbound.sender.address if read.inbound else ""
        before = self._last_of.get(sender)
        task = self._start(kept, self._settle(kept, read, after=before))
        if sender:
            self._last_of[sender] = task
            task.add_done_callback(lambda done: self._forget(sender, done))

    def _forget(self, sender: str, done: asyncio.Task[None]) -> None:
        if self._last_of.get(sender) is done:
            del self._last_of[sender]

    def _start(self, kept: Kept, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._in_hand[kept.id] = asyncio.create_task(work)
        task.add_done_callback(lambda done: self._done(kept.id, done))
        return task

    def _done(self, kept_id: int, task: asyncio.Task[None]) -> None:
        del self._in_hand[kept_id]
        self._weights.pop(kept_id, None)
        if not task.cancelled():
            self._undecided.discard(kept_id)
            if error := task.exception():
                log.error("message not received", kept=kept_id, exc_info=error)
        self.bell.ring()

    async def _settle(self, kept: Kept, read: "ReadAs", *, after: asyncio.Task[None] | None = None) -> None:
        """Make of it what it has come to: a message, a try again, a stub in quarantine."""
        if after:
            await asyncio.wait({after})
        if read.inbound:
            read = await self._stored(kept, read.inbound) or read
        if read.inbound:
            return
        log.warning("message not read", kept=kept.id, attempts=kept.attempts, error=read.words)
        if read.again and kept.attempts < intake.ATTEMPTS:
            await self._surely(lambda session: _note(session, kept, read.words))
        else:
            await self._give_up(kept, read.words)

    async def _stored(self, kept: Kept, inbound: InboundMessage) -> "ReadAs | None":
        """None when it is a message now."""

        async def receive(session: AsyncSession) -> None:
            inbox = await session.merge(kept.inbox, load=False)
            message = await intake.receive(self.desk, session, inbox, inbound)
            await intake.mark_received(session, kept.id, message)

        try:
            await self._surely(receive)
        except Exception as error:
            log.exception("message not stored", kept=kept.id)
            return ReadAs(words=f"{type(error).__name__}: {error}"[:1000], again=True)
        return None

    async def _give_up(self, kept: Kept, words: str) -> None:
        async def give_up(session: AsyncSession) -> None:
            kept_now = await session.merge(kept, load=False)
            await intake.give_up(self.desk, session, kept_now, words)

        try:
            await self._surely(give_up)
        except Exception:
            log.exception("message not put aside", kept=kept.id)
            await asyncio.sleep(60)  # still in hand: nobody tries it again before

    async def _surely(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """In one transaction, again while the database is away."""
        delay = 0.1
        while True:
            try:
                async with self._places, committed(self.desk.sessions) as session:
                    return await work(session)
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("message waits for the database", error=str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_WAIT)

    async def _let_go(self) -> None:
        for task in self._in_hand.values():
            task.cancel()
        if self._in_hand:
            await asyncio.wait(self._in_hand.values())
        with suppress(Exception):  # the database may be why we stop
            async with asyncio.timeout(2):
                await self._forgive()


class ReadAs:
    """What reading came to: a message, or words why not, and whether trying again may help."""

    def __init__(
        self, inbound: InboundMessage | None = None, *, words: str = "", again: bool = False
    ) -> None:
        self.inbound, self.words, self.again = inbound, words, again


async def _note(session: AsyncSession, kept: Kept, words: str) -> None:
    await session.execute(update(Kept).where(Kept.id == kept.id).values(trouble=clean(words)))
