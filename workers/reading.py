"""Readers: processes that turn kept bytes into messages, kept ready, and replaced when one dies of a mail."""

import asyncio
import os
import signal
import struct
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import msgspec
import structlog

from channels.contract import Unreadable
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage
from workers.connecting import settings_of
from workers.reader import CPU, MEMORY, Answer, Task, frame

MOST = 3  # readers at once: one at work, others caught by slow messages
PATIENCE = CPU + 5.0  # seconds on the wall clock for one message

log = structlog.get_logger(__name__)


class ReadingFailed(Exception):
    """The reader could not make a message of these bytes, or died of them; says why."""


class Readers:
    """`read` may be called by many at once; no more than MOST messages are being read at a time."""

    def __init__(self) -> None:
        self._free: list[Process] = []
        self._places = asyncio.Semaphore(MOST)

    async def read(self, desk: Desk, inbox: Inbox, raw: bytes) -> InboundMessage:
        """Raises Unreadable where nothing can be got out, ReadingFailed where reading it went wrong."""
        task = Task(inbox.channel, settings_of(desk, inbox), inbox.address, raw)
        async with self._places:
            answer = await self._answer(task)
        if answer.unreadable:
            raise Unreadable(answer.unreadable)
        if answer.inbound is None:
            raise ReadingFailed(answer.trouble)
        return answer.inbound

    async def warm_up(self) -> None:
        """Start one before it is needed."""
        if not self._free:
            self._free.append(await _started())

    async def close(self) -> None:
        while self._free:
            await _ended(self._free.pop())

    async def _answer(self, task: Task) -> Answer:
        reader = self._living() or await _started()
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await _asked(reader, task)
        except TimeoutError:
            await _ended(reader)
            raise ReadingFailed(f"Reading it takes longer than {PATIENCE:.0f} s.") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise ReadingFailed(_last_words(await _ended(reader))) from None
        except BaseException:
            await _ended(reader)
            raise
        self._free.append(reader)
        return answer

    def _living(self) -> Process | None:
        while self._free:
            reader = self._free.pop()
            if reader.returncode is None:
                return reader
        return None


async def _started() -> Process:
    while True:
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "workers.reader",
                stdin=PIPE,
                stdout=PIPE,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the desk; it ends its readers itself
            )
        except OSError as error:  # too many processes, no memory: not the message's fault
            log.warning("reader not started", error=str(error))
            await asyncio.sleep(1)


def _environment() -> dict[str, str]:
    """Nothing that names the desk's database or its secret: strangers choose what this process reads."""
    private = ("HELPDESK_", "DATABASE_URL", "PG")
    public = {name: value for name, value in os.environ.items() if not name.startswith(private)}
    return public | {"MALLOC_ARENA_MAX": "1"}  # arenas count as address space


async def _asked(reader: Process, task: Task) -> Answer:
    if reader.stdin is None or reader.stdout is None:
        raise ConnectionError
    reader.stdin.writelines(frame(task))
    await reader.stdin.drain()
    (length,) = struct.unpack(">I", await reader.stdout.readexactly(4))
    return msgspec.msgpack.decode(await reader.stdout.readexactly(length), type=Answer)


async def _ended(reader: Process) -> int:
    """Its exit code, negative for a signal."""
    with suppress(ProcessLookupError):
        reader.kill()
    return await reader.wait()


def _last_words(code: int) -> str:
    if code == -signal.SIGXCPU:
        return f"Reading it takes more than {CPU} s of CPU."
    if code < 0:
        return f"Reading it killed the reader ({signal.Signals(-code).name}, at most {MEMORY >> 20} MiB)."
    return f"The reader ended with code {code}."
