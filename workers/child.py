"""A part of the desk in a process of its own: its memory, its threads and its faults are its own, and it ends with
the desk, even by kill -9.

`Child` is the parent's side, `main` what the process runs: `python -m workers.assist`, `python -m workers.apart`.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvloop

from helpdesk import logs
from helpdesk.desk import Desk
from helpdesk.settings import Settings
from workers import lifeline

Work = Callable[[Desk, asyncio.Event], Awaitable[None]]
"""Until the event is set."""

log = structlog.get_logger(__name__)


class ChildEnded(Exception):
    """The process came to an end by itself."""


@dataclass(frozen=True)
class Child:
    desk: Desk
    module: str
    called: str
    """As logs call it."""
    grace: float
    """Seconds that it has to end."""

    async def run(self) -> None:
        """Start it and stay with it. Raises ChildEnded when it ends; a supervisor starts another."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self.module, stdin=PIPE, start_new_session=True
        )
        try:
            await self._introduce(process)
            code = await process.wait()
            raise ChildEnded(f"{self.called} ended with code {code}; the log says why.")
        finally:
            await self._end(process)

    async def _introduce(self, process: Process) -> None:
        """By its standard input: what is in arguments or in the environment, others can read."""
        if process.stdin is None:
            raise ChildEnded(f"{self.called} could not be spoken to.")
        process.stdin.write(introduction(self.desk))
        await process.stdin.drain()

    async def _end(self, process: Process) -> None:
        """Asked first; made to when it takes too long, or when nobody waits any longer."""
        if process.stdin:
            process.stdin.close()
        try:
            async with asyncio.timeout(self.grace):
                await process.wait()
        except TimeoutError:
            log.warning("process does not end", process=self.called)
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def main(work: Work, *, within: float, pool: int = 10) -> None:
    """The child's side: settings come in one line, then nothing until the parent is gone."""
    settings, url = introduced()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_worked(work, settings, url, within, pool))


async def _worked(work: Work, settings: Settings, url: str, within: float, pool: int) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    lifeline.bind(partial(loop.call_soon_threadsafe, stop.set), within=within)
    desk = Desk.open(settings, url, pool=pool)
    try:
        await work(desk, stop)
    finally:
        await desk.close()


def introduction(desk: Desk) -> bytes:
    """Which desk a child works for, as `introduced` reads it."""
    return msgspec.json.encode((desk.settings, desk.database_url), enc_hook=str) + b"\n"


def introduced() -> tuple[Settings, str]:
    """What the parent says in the first line; from there on this process logs as the desk does."""
    settings, url = msgspec.json.decode(
        sys.stdin.buffer.readline(), type=tuple[Settings, str], dec_hook=from_text
    )
    logs.configure(settings)
    return settings, url


def from_text(kind: type, value: Any) -> Any:
    """For msgspec, which knows no paths."""
    return Path(value) if issubclass(kind, Path) else value
