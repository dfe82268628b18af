"""`helpdesk serve` works in a process of its own, which comes and goes with it and may die without harm."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from helpdesk.cli.demo.program import free_port
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket
from tests.workers.hands import eventually, keeps
from tests.workers.processes import children, is_running
from workers.apart import is_apart

WORKERS, MODELS = "workers.apart", "workers.assist"


@pytest.fixture
async def served(desk: Desk, faulty: None) -> AsyncIterator[Process]:
    environ = {
        **os.environ,
        "DATABASE_URL": desk.database_url,
        "HELPDESK_HOME": str(desk.settings.home),
        "HELPDESK_SECRET": desk.settings.secret,
        "HELPDESK_WORKERS": "apart",
    }
    helpdesk = str(Path(sys.executable).with_name("helpdesk"))
    command = [helpdesk, "serve", "--port", str(free_port())]
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=DEVNULL, stderr=DEVNULL)
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def tickets(desk: Desk) -> int:
    async with desk.sessions() as session:
        return await session.scalar(select(func.count()).select_from(Ticket)) or 0


async def running(parent: int, module: str) -> list[int]:
    return children(parent, module)


async def ended(*processes: int) -> bool:
    return not any(map(is_running, processes))


async def test_killed_workers_are_started_again_and_end_with_a_desk_that_is_killed(
    desk: Desk, inbox: Inbox, served: Process
):
    async def stored(count: int) -> bool:
        return await tickets(desk) == count

    (first,) = await eventually(lambda: running(served.pid, WORKERS), 60)
    await keeps(desk, inbox, {"text": "Where is my parcel?"})
    await eventually(lambda: stored(1), 60)
    os.kill(first, signal.SIGKILL)
    await keeps(desk, inbox, {"text": "And my invoice?"})
    await eventually(lambda: stored(2), 60)
    (second,) = await eventually(lambda: running(served.pid, WORKERS), 60)
    assert second != first
    (models,) = await eventually(lambda: running(second, MODELS), 60)
    served.kill()
    await served.wait()
    await eventually(lambda: ended(second, models), 10)


async def test_a_desk_that_is_asked_to_end_takes_its_workers_along(served: Process):
    (workers,) = await eventually(lambda: running(served.pid, WORKERS), 60)
    (models,) = await eventually(lambda: running(workers, MODELS), 60)
    served.terminate()
    async with asyncio.timeout(60):
        assert await served.wait() == 0
    assert await ended(workers, models)


@pytest.mark.parametrize(("said", "apart"), [("apart", True), ("here", False)])
def test_what_was_said_of_workers_holds(said: str, apart: bool, tmp_path: Path):
    assert is_apart(Settings(home=tmp_path, workers=said)) is apart  # type: ignore[arg-type]
