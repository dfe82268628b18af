"""The models' process: a child of the desk, so that their memory, their threads and their faults are its own.

`Assist` starts it and keeps it alive; `main` is what it runs: `python -m workers.assist`.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog

from helpdesk import logs
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.settings import Settings
from workers import jobs, lifeline
from workers.jobs import AI, ASSIST, DRAFT, INDEX, WRITE, WRITING, Crew
from workers.supervision import Supervisor

GRACE = 18.0  # seconds that the child has to end
BEHIND_OTHERS = 10  # niceness: who waits for a page goes before who waits for a proposal

log = structlog.get_logger(__name__)


class AssistEnded(Exception):
    """The models' process came to an end by itself."""


class Assist:
    """The parent's side."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def run(self) -> None:
        """Start the child and stay with it. Raises AssistEnded when it ends; its supervisor starts another."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "workers.assist", stdin=PIPE, start_new_session=True
        )
        try:
            await _introduce(child, self.desk)
            code = await child.wait()
            raise AssistEnded(f"The models' process ended with code {code}; the log says why.")
        finally:
            await _end(child)


async def _introduce(child: Process, desk: Desk) -> None:
    """By its standard input: what is in arguments or in the environment, others can read."""
    if child.stdin is None:
        raise AssistEnded("The models' process could not be spoken to.")
    told = (desk.settings, desk.database_url)
    child.stdin.write(msgspec.json.encode(told, enc_hook=str) + b"\n")
    await child.stdin.drain()


async def _end(child: Process) -> None:
    """Asked first; made to when it takes too long, or when nobody waits any longer."""
    if child.stdin:
        child.stdin.close()
    try:
        async with asyncio.timeout(GRACE):
            await child.wait()
    except TimeoutError:
        log.warning("models' process does not end")
    finally:
        with suppress(ProcessLookupError):
            child.kill()


def main() -> None:
    """The child's side: settings come in one line, then nothing until the parent is gone."""
    settings, url = msgspec.json.decode(
        sys.stdin.buffer.readline(), type=tuple[Settings, str], dec_hook=from_text
    )
    logs.configure(settings)
    os.nice(BEHIND_OTHERS)
    asyncio.run(work(settings, url))


async def work(settings: Settings, url: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    lifeline.bind(partial(loop.call_soon_threadsafe, stop.set), within=GRACE)
    desk = Desk.open(settings, url, pool=3)
    try:
        await _until(stop, desk)
    finally:
        await desk.close()


async def _until(stop: asyncio.Event, desk: Desk) -> None:
    from ai.providers.local import allow
    from workers import assisting, evaluating
    from workers.drafting import AT_ONCE, Drafting  # these import models: only here
    from workers.nightly import nightly
    from workers.teaching import Teaching, write_article
    from workers.thinking import Thinking
    from workers.trying import try_models

    allow()
    thinking = await Thinking.ready(desk)
    tasks: dict[str, jobs.Task] = {ASSIST: thinking.assist, INDEX: thinking.index, DRAFT: thinking.draft}
    teaching = Teaching(desk, thinking.swift)
    tasks[jobs.LEARN] = teaching.learn
    crew, supervisor = Crew(desk, AI, tasks, at_once=1), Supervisor()
    drafting = Drafting(desk, thinking.swift)
    writers = Crew(
        desk,
        WRITING,
        {
            WRITE: drafting.write,
            jobs.ARTICLE: partial(write_article, desk),
            jobs.TRY_MODELS: partial(try_models, desk),
        },
        at_once=AT_ONCE,
    )
    assistants = Crew(
        desk, jobs.ASSISTANT, assisting.answering(desk, thinking.swift), at_once=assisting.AT_ONCE
    )
    async with committed(desk.sessions) as session:  # whatever waited for us
        await jobs.defer(session, [jobs.coalesced(ASSIST, AI), jobs.coalesced(INDEX, AI)])
    async with asyncio.TaskGroup() as group:
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "models": crew.work,
            "revival": crew.revive,
            "writers": writers.work,
            "assistants": assistants.work,
            "evaluations": evaluating.crew(desk, thinking.swift).work,
            "learning": partial(nightly, desk, thinking.swift),
            "teaching": teaching.run,
            "comparing": partial(assisting.comparing, desk, thinking.swift),
        }
        running = [group.create_task(supervisor.keep(*part)) for part in parts.items()]
        await stop.wait()
        for part in running:
            part.cancel()


def from_text(kind: type, value: Any) -> Any:
    """For msgspec, which knows no paths."""
    return Path(value) if issubclass(kind, Path) else value


if __name__ == "__main__":
    main()
