"""Readers: processes that turn kept bytes into messages, one at work, replaced when a message holds it or kills it.

Messages are handed to it as they come and answered in their order, without waiting in between. The one it is
caught by keeps it for a while longer; those behind that one go on with a new reader.
"""

import asyncio
import os
import signal
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import msgspec
import structlog

from channels.contract import Unreadable
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage
from workers.connecting import settings_of
from workers.reader import MEMORY, Answer, Task, frame

MOST = 3  # readers at once: one at work, others caught by slow messages
SLOW = 1.0  # seconds after which those behind go on elsewhere
CPU = 10  # seconds for one message
GRACE = 5.0  # seconds more on the wall clock
DYING = 1.0  # seconds that the end of a reader takes at most which has closed its line
START = 60.0  # seconds that a reader may take to be ready

log = structlog.get_logger(__name__)


class ReadingFailed(Exception):
    """The reader could not make a message of these bytes, or died of them; says why."""


class Moved(Exception):
    """The reader was caught by an earlier message: ask another."""


class Readers:
    """`read` may be called by many at once; they are answered in the order of their calls, slow ones later."""

    def __init__(self, *, cpu: int = CPU) -> None:
        """`cpu` seconds for one message."""
        self._cpu = cpu
        self._current: Reader | None = None
        self._places = asyncio.Semaphore(MOST)
        self._starting = asyncio.Lock()
        self._all: set[Reader] = set()

    async def read(self, desk: Desk, inbox: Inbox, raw: bytes) -> InboundMessage:
        """Raises Unreadable where nothing can be got out, ReadingFailed where reading it went wrong."""
        task = Task(inbox.channel, settings_of(desk, inbox), inbox.address, raw)
        answer = await self._answer(task)
        if answer.unreadable:
            raise Unreadable(answer.unreadable)
        if answer.inbound is None:
            raise ReadingFailed(answer.trouble)
        return answer.inbound

    async def warm_up(self) -> None:
        """Start one before it is needed."""
        await self._reader()

    async def close(self) -> None:
        for reader in list(self._all):
            await reader.close()

    async def _answer(self, task: Task) -> Answer:
        while True:
            reader = await self._reader()
            with suppress(Moved):
                return await reader.ask(task)

    async def _reader(self) -> "Reader":
        async with self._starting:
            if self._current is None:
                await self._places.acquire()
                self._current = Reader(
                    await _started(self._cpu), self._cpu, caught=self._caught, ended=self._ended
                )
                self._all.add(self._current)
            return self._current

    def _caught(self, reader: "Reader") -> None:
        if self._current is reader:
            self._current = None

    def _ended(self, reader: "Reader") -> None:
        self._caught(reader)
        self._all.discard(reader)
        self._places.release()


class Reader:
    """One process, and those who wait for its answers."""

    def __init__(
        self,
        process: Process,
        cpu: int,
        *,
        caught: Callable[["Reader"], None],
        ended: Callable[["Reader"], None],
    ) -> None:
        self.process, self.cpu = process, cpu
        self._caught, self._over = caught, ended
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._asked = asyncio.Event()
        self._answering = asyncio.create_task(self._run())

    async def ask(self, task: Task) -> Answer:
        if self.process.stdin is None or self._answering.done():
            raise Moved
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self.process.stdin.writelines(frame(task))
        self._asked.set()
        return await future

    async def close(self) -> None:
        self._answering.cancel()
        with suppress(asyncio.CancelledError):
            await self._answering

    async def _run(self) -> None:
        trouble = "The reader was ended."
        try:
            while True:
                await self._next()
        except TimeoutError:
            trouble = f"Reading it takes longer than {self.cpu + GRACE:.0f} s."
        except (asyncio.IncompleteReadError, ConnectionError):
            trouble = _last_words(await _died(self.process), self.cpu)
        finally:
            self._fail(trouble)
            await asyncio.shield(_ended(self.process))
            self._over(self)

    async def _next(self) -> None:
        """Raises when the reader died or took too long; the first that waits is the one it was about."""
        if not self._waiting:
            self._asked.clear()
            await self._asked.wait()
        answering = asyncio.create_task(_answer(self.process))
        try:
            answered, _ = await asyncio.wait({answering}, timeout=SLOW)
            if not answered:
                self._move_on()
            async with asyncio.timeout(self.cpu + GRACE - SLOW):
                answer = await answering
        finally:
            answering.cancel()
        future = self._waiting.popleft()
        if not future.done():
            future.set_result(answer)
        if not answered:
            raise ConnectionError  # what it was still told to read, others have read

    def _move_on(self) -> None:
        self._caught(self)
        while len(self._waiting) > 1:
            _refuse(self._waiting.pop(), Moved())

    def _fail(self, trouble: str) -> None:
        self._caught(self)
        if self._waiting:
            _refuse(self._waiting.popleft(), ReadingFailed(trouble))
        while self._waiting:
            _refuse(self._waiting.popleft(), Moved())


def _refuse(future: asyncio.Future[Answer], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


async def _started(cpu: int) -> Process:
    """Ready to read. That none can be started is no message's fault, so it is tried until one can."""
    while True:
        try:
            process = await _launched(cpu)
        except OSError as error:  # too many processes, no memory
            log.warning("reader not started", error=str(error))
        else:
            try:
                async with asyncio.timeout(START):
                    await _answer(process)
                return process
            except (TimeoutError, asyncio.IncompleteReadError):
                log.error("reader not ready", code=await _ended(process))
            except BaseException:
                await _ended(process)
                raise
        await asyncio.sleep(1)


async def _launched(cpu: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workers.reader",
        str(cpu),
        stdin=PIPE,
        stdout=PIPE,
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the desk; it ends its readers itself
    )


async def _answer(process: Process) -> Answer:
    if process.stdout is None:
        raise ConnectionError
    (length,) = struct.unpack(">I", await process.stdout.readexactly(4))
    return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=Answer)


def _environment() -> dict[str, str]:
    """Nothing that names the desk's database or its secret: strangers choose what this process reads."""
    private = ("HELPDESK_", "DATABASE_URL", "PG")
    public = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return public | {"MALLOC_ARENA_MAX": "1"}  # arenas count as address space


async def _died(reader: Process) -> int:
    """Its exit code, where it is ending by itself: killing looks first whether it lives, which may take that away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DYING):
            return await reader.wait()
    return await _ended(reader)


async def _ended(reader: Process) -> int:
    """Its exit code, negative for a signal."""
    with suppress(ProcessLookupError):
        reader.kill()
    return await reader.wait()


def _last_words(code: int, cpu: int) -> str:
    if code == -signal.SIGXCPU:
        return f"Reading it takes more than {cpu} s of CPU."
    if code < 0:
        return f"Reading it killed the reader ({signal.Signals(-code).name}, at most {MEMORY >> 20} MiB)."
    return f"The reader ended with code {code}."
