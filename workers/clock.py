"""What happens because time passes: promises that were not kept are written down, sleeping tickets wake."""

import asyncio
from datetime import datetime

import structlog
from sqlalchemy import func, select

from helpdesk import sla, snoozing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk

LONGEST = 5.0  # seconds; a promise may have been made, or a ticket put to sleep, in the meantime
BATCH = 200

log = structlog.get_logger(__name__)


async def clock(desk: Desk) -> None:
    """For ever: sleep until the next promise is due, or the next ticket wakes."""
    while True:
        wait = await tick(desk)
        await asyncio.sleep(wait)


async def tick(desk: Desk) -> float:
    """Write down what is overdue, wake what has slept enough; returns the seconds until the next look."""
    async with committed(desk.sessions) as session:
        breached = await sla.record_breaches(session, BATCH)
        due = await session.scalar(
            select(func.min(sla.Clock.due_at)).where(
                sla.Clock.met_at.is_(None), sla.Clock.breached_at.is_(None)
            )
        )
    async with committed(desk.sessions) as session:
        woken = await snoozing.wake_due(session, BATCH)
        wakes = await snoozing.next_waking(session)
    if breached:
        log.info("promises not kept", clocks=breached)
    if woken:
        log.info("tickets woken", tickets=woken)
    return 0.0 if BATCH in {breached, woken} else min(_until(due), _until(wakes))


def _until(due: datetime | None) -> float:
    return LONGEST if due is None else min(max((due - now()).total_seconds(), 0.05), LONGEST)
