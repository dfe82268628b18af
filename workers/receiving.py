"""The second half of intake: from kept bytes to tickets, as fast as they come, one bad mail holding up nobody.

Messages are read in the order in which they arrived and received side by side, those of one sender one after
the other. Who takes longer than a second to be read loses its place, not more. Bytes that fail three times are
put aside with a ticket that says so; what the database did is nobody's failure and is tried again until it works.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import structlog
from sqlalchemy import func, select, update
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
from workers.storing import Storing
from workers.wakeup import Bell

AHEAD = 60  # messages claimed and not yet received
SIDE_BY_SIDE = 4  # transactions at once
PLACE = 1.0  # seconds that a message may keep those behind it waiting
LIGHT = 1 << 20  # bytes of a message that is loaded with its batch
HEAVY = 2  # heavier ones at once, from loading to commit: they may be 50 MB each
LONGEST_WAIT = 10.0  # seconds between two tries while the database is away

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Receiving:
    """One a process, kept when its work is interrupted: it knows whose attempts were not their own fault."""

    def __init__(self, desk: Desk, readers: Readers, bell: Bell) -> None:
        self.desk, self.readers, self.bell = desk, readers, bell
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._last_of: dict[str, asyncio.Task[None]] = {}  # sender → the message that the next one waits for
        self._undecided: set[int] = set()  # claimed, and neither received nor failed
        self._again: set[int] = set()
        self._light: dict[int, bytes] = {}
        self._heavy = asyncio.Semaphore(HEAVY)
        self._places = asyncio.Semaphore(SIDE_BY_SIDE)
        self._storing = Storing(desk, self._surely)

    async def run(self) -> None:
        """Until it is cancelled. What is in hand then is given back untouched."""
        await self._forgive()
        await self.readers.warm_up()
        before: asyncio.Future[None] | None = None
        try:
            while True:
                for kept in (claimed := await self._claimed()):
                    before = self._start(kept, before)
                if not any(kept.attempts > 1 for kept in claimed) and len(self._in_hand) < AHEAD:
                    await self.bell.wait()  # which rings for what comes while these are claimed
        finally:
            await self._let_go()

    async def _claimed(self) -> list[Kept]:
        while len(self._in_hand) > AHEAD // 2:
            await asyncio.wait(self._in_hand.values(), return_when=asyncio.FIRST_COMPLETED)
        async with committed(self.desk.sessions) as session:
            claimed = await intake.claim(session, AHEAD - len(self._in_hand), besides=self._in_hand)
            if claimed:
                self._light |= await _raw(session, [kept.id for kept in claimed], at_most=LIGHT)
        self._undecided.update(kept.id for kept in claimed)
        return list(claimed)

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

    def _start(self, kept: Kept, before: asyncio.Future[None] | None) -> asyncio.Future[None]:
        """Returns what is done as soon as the message has its place behind others of its sender."""
        placed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._handle(kept, before, placed))
        self._in_hand[kept.id] = task
        task.add_done_callback(lambda done: self._done(kept.id, done))
        return placed

    async def _handle(
        self, kept: Kept, before: asyncio.Future[None] | None, placed: asyncio.Future[None]
    ) -> None:
        async with self._room(kept):
            after = None
            try:
                read = await self._read(kept)
                if before:
                    await asyncio.wait({before}, timeout=PLACE)
                after = self._behind_others(read)
            finally:
                placed.set_result(None)
            if after:
                await asyncio.wait({after})
            await self._settle(kept, read)

    @asynccontextmanager
    async def _room(self, kept: Kept) -> AsyncIterator[None]:
        if kept.id in self._light:
            yield
        else:
            async with self._heavy:
                yield

    def _behind_others(self, read: "ReadAs") -> asyncio.Task[None] | None:
        """Take the last place among those of the same sender; returns whom to wait for."""
        me = asyncio.current_task()
        if read.inbound is None or me is None:
            return None
        sender = read.inbound.sender.address
        ahead, self._last_of[sender] = self._last_of.get(sender), me
        me.add_done_callback(lambda done: self._forget(sender, done))
        return ahead

    def _forget(self, sender: str, done: asyncio.Task[None]) -> None:
        if self._last_of.get(sender) is done:
            del self._last_of[sender]

    async def _read(self, kept: Kept) -> "ReadAs":
        if kept.attempts > intake.ATTEMPTS:
            return ReadAs(words="The desk stopped each time it tried to read this message.")
        raw = self._light.pop(kept.id, None)
        if raw is None:
            raw = (await self._surely(lambda session: _raw(session, [kept.id]))).get(kept.id, b"")
        try:
            inbound = await self.readers.read(self.desk, kept.inbox, raw)
            return ReadAs(intake.cut_short(inbound, kept.cut_from) if kept.cut_from else inbound)
        except Unreadable as error:
            return ReadAs(words=str(error))
        except Exception as error:
            return ReadAs(words=str(error) or type(error).__name__, again=True)

    def _done(self, kept_id: int, task: asyncio.Task[None]) -> None:
        del self._in_hand[kept_id]
        self._light.pop(kept_id, None)
        if not task.cancelled():
            self._undecided.discard(kept_id)
            if error := task.exception():
                log.error("message not received", kept=kept_id, exc_info=error)
        if kept_id in self._again:
            self._again.discard(kept_id)
            self.bell.ring()

    async def _settle(self, kept: Kept, read: "ReadAs") -> None:
        """Make of it what it has come to: a message, a try again, a stub in quarantine."""
        if read.inbound:
            read = await self._stored(kept, read.inbound) or read
        if read.inbound:
            return
        log.warning("message not read", kept=kept.id, attempts=kept.attempts, error=read.words)
        if read.again and kept.attempts < intake.ATTEMPTS:
            await self._surely(lambda session: _note(session, kept, read.words))
            self._again.add(kept.id)
        else:
            await self._give_up(kept, read.words)

    async def _stored(self, kept: Kept, inbound: InboundMessage) -> "ReadAs | None":
        """None when it is a message now."""
        try:
            await self._storing.store(kept, inbound)
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
                log.warning("message waits for the database or the disk", error=str(error))
                await asyncio.sleep(delay)
                delay = min(delay * 2, LONGEST_WAIT)

    async def _let_go(self) -> None:
        for task in self._in_hand.values():
            task.cancel()
        if ended := [*self._in_hand.values(), *self._storing.let_go()]:
            await asyncio.wait(ended)
        with suppress(Exception):  # the database may be why we stop
            async with asyncio.timeout(2):
                await self._forgive()


class ReadAs:
    """What reading came to: a message, or words why not, and whether trying again may help."""

    def __init__(
        self, inbound: InboundMessage | None = None, *, words: str = "", again: bool = False
    ) -> None:
        self.inbound, self.words, self.again = inbound, words, again


async def _raw(session: AsyncSession, kept_ids: list[int], *, at_most: int = 1 << 40) -> dict[int, bytes]:
    rows = await session.execute(
        select(Kept.id, Kept.raw).where(Kept.id.in_(kept_ids), func.octet_length(Kept.raw) <= at_most)
    )
    return {row.id: row.raw for row in rows}


async def _note(session: AsyncSession, kept: Kept, words: str) -> None:
    await session.execute(update(Kept).where(Kept.id == kept.id).values(trouble=clean(words)))
