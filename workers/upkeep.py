"""What is kept beside the tickets so that the console need not count or read them all: made up to date here."""

import asyncio

import structlog

from helpdesk import counting
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.search import index
from workers.wakeup import Bell

GATHER = 0.5  # seconds in which more may be said, so that a busy desk reads many messages at once
PAUSE = 0.05  # seconds between two batches of older messages, so that they never crowd out the new
IDLE = 5.0  # seconds between two looks without a bell
COMPACT = 15.0  # seconds between two looks at the counts

log = structlog.get_logger(__name__)


async def indexing(desk: Desk, bell: Bell) -> None:
    """For ever: what was said can be searched for within a second; what was said before the index, bit by bit."""
    while True:
        async with committed(desk.sessions) as session:
            done = await index.fill(session)
        if done:
            await asyncio.sleep(PAUSE)
        else:
            await bell.wait(IDLE)
            await asyncio.sleep(GATHER)


async def compacting(desk: Desk) -> None:
    """For ever: many rows of counts become one."""
    while True:
        async with committed(desk.sessions) as session:
            saved = await counting.compact(session)
        if saved:
            log.debug("counts compacted", rows=saved)
        await asyncio.sleep(COMPACT)
