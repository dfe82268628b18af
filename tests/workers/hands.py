"""What tests of the workers say: workers are at work, something arrived, something holds after a while."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from helpdesk import intake
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from workers.run import run
from workers.supervision import Supervisor


@asynccontextmanager
async def at_work(desk: Desk, **parts: bool) -> AsyncIterator[Supervisor]:
    """Workers in this process, without models; they stop in good order."""
    stop, supervisor = asyncio.Event(), Supervisor()
    task = asyncio.create_task(run(desk, assist=False, stop=stop, supervisor=supervisor, **parts))
    try:
        yield supervisor
    finally:
        stop.set()
        await asyncio.wait_for(task, 25)


async def eventually(holds: Callable[[], Awaitable[Any]], within: float = 10.0) -> Any:
    """What `holds` returns as soon as it is true."""
    async with asyncio.timeout(within):
        while not (found := await holds()):
            await asyncio.sleep(0.03)
        return found


async def keeps(desk: Desk, inbox: Inbox, *notes: dict[str, Any]) -> None:
    """The first half of intake: these arrived."""
    arrived = [(json.dumps(note).encode(), f"{note['text']}#{i}") for i, note in enumerate(notes)]
    async with committed(desk.sessions) as session:
        await intake.keep(session, inbox.id, arrived)
