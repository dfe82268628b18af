"""What is measured of tickets is written down: soon after something happened to them, and of old ones by and by."""

import asyncio
from datetime import timedelta

import structlog

from helpdesk import measures
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from workers.jobs import Later

AGAIN = timedelta(seconds=1)
"""When a ticket is asked for again that somebody worked on."""
PAUSE = 0.2  # seconds between two batches of older tickets, so that they never crowd out the new
IDLE = 30.0  # seconds between two looks for tickets that were written past the event log

log = structlog.get_logger(__name__)


async def measure(desk: Desk, ticket_ids: list[int]) -> None:
    """Safe to run twice and to be killed: a ticket is counted from scratch."""
    async with committed(desk.sessions) as session:
        busy = await measures.recount(session, ticket_ids)
    if busy:
        raise Later(now() + AGAIN)


async def measuring(desk: Desk) -> None:
    """For ever: tickets that were never counted, newest first."""
    while True:
        async with committed(desk.sessions) as session:
            done = await measures.catch_up(session)
        await asyncio.sleep(PAUSE if done else IDLE)
