"""What happens because time passes: warnings, promises that were not kept, tickets that wake."""

import asyncio
from datetime import datetime

import structlog

from helpdesk import snoozing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.sla import due

LONGEST = 5.0  # seconds; a promise may have been made, or a ticket put to sleep, in the meantime
BATCH = 200

log = structlog.get_logger(__name__)


async def clock(desk: Desk) -> None:
    """For ever: sleep until the next promise is due, or the next ticket wakes."""
    while True:
        wait = await tick(desk)
        await asyncio.sleep(wait)


async def tick(desk: Desk) -> float:
    """Write down what is due, wake what has slept enough; returns the seconds until the next look."""
    async with committed(desk.sessions) as session:
        promises = await due.record(session, BATCH)
        next_due = await due.next_at(session)
    async with committed(desk.sessions) as session:
        woken = await snoozing.wake_due(session, BATCH)
        wakes = await snoozing.next_waking(session)
    if promises:
        log.info("promises due", clocks=promises)
    if woken:
        log.info("tickets woken", tickets=woken)
    return 0.0 if BATCH in {promises, woken} else min(_until(next_due), _until(wakes))


def _until(at: datetime | None) -> float:
    return LONGEST if at is None else min(max((at - now()).total_seconds(), 0.05), LONGEST)
