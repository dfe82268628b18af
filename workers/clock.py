"""What happens because time passes: promises that were not kept are written down when their time is over."""

import asyncio
from datetime import datetime

import structlog
from sqlalchemy import func, select

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk

LONGEST = 5.0  # seconds; a promise may have been made in the meantime
BATCH = 200

log = structlog.get_logger(__name__)


async def clock(desk: Desk) -> None:
    """For ever: sleep until the next promise is due."""
    while True:
        wait = await tick(desk)
        await asyncio.sleep(wait)


async def tick(desk: Desk) -> float:
    """Write down what is overdue; returns the seconds until the next look."""
    async with committed(desk.sessions) as session:
        breached = await sla.record_breaches(session, BATCH)
        due = await session.scalar(
            select(func.min(sla.Clock.due_at)).where(
                sla.Clock.met_at.is_(None), sla.Clock.breached_at.is_(None)
            )
        )
    if breached:
        log.info("promises not kept", clocks=breached)
    return 0.0 if breached == BATCH else _until(due)


def _until(due: datetime | None) -> float:
    return LONGEST if due is None else min(max((due - now()).total_seconds(), 0.05), LONGEST)
