"""Reads are written down every few seconds, all of them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from helpdesk.database import committed
from helpdesk.desk import Desk
from kb.feedback import Views

EVERY = 10.0  # seconds

log = structlog.get_logger(__name__)


@asynccontextmanager
async def written_down(desk: Desk, views: Views) -> AsyncIterator[None]:
    """While the application runs, and once more when it ends."""
    writing = asyncio.create_task(_again_and_again(desk, views))
    try:
        yield
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await once(desk, views)


async def _again_and_again(desk: Desk, views: Views) -> None:
    while True:
        await asyncio.sleep(EVERY)
        await once(desk, views)


async def once(desk: Desk, views: Views) -> None:
    """A database that is away is tried again the next time; nothing is lost but by a crash."""
    if views.is_empty:
        return
    try:
        async with committed(desk.sessions) as session:
            await views.write(session)
    except Exception as error:
        log.warning("reads of articles not written down yet", error=str(error))
