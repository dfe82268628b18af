"""What happens because time passes: warnings, promises that were not kept, tickets that wake, articles that come."""

from datetime import datetime

import structlog

from helpdesk import snoozing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.sla import due
from helpdesk.soon import LONGEST
from kb import timing
from workers.wakeup import Bell

BATCH = 200

log = structlog.get_logger(__name__)


async def clock(desk: Desk, bell: Bell) -> None:
    """For ever: sleep until the next promise is due, or the next ticket wakes; `bell` rings for what comes sooner."""
    while True:
        wait = await tick(desk)
        if wait:
            await bell.wait(wait)


async def tick(desk: Desk) -> float:
    """Write down what is due, wake what has slept enough; returns the seconds until the next look."""
    async with committed(desk.sessions) as session:
        promises = await due.record(session, BATCH)
        next_due = await due.next_at(session)
    async with committed(desk.sessions) as session:
        woken = await snoozing.wake_due(session, BATCH)
        wakes = await snoozing.next_waking(session)
    async with committed(desk.sessions) as session:
        shown = await timing.keep(session, BATCH)
        shows = await timing.next_at(session)
    if promises:
        log.info("promises due", clocks=promises)
    if woken:
        log.info("tickets woken", tickets=woken)
    if shown:
        log.info("articles published or archived by the clock", articles=shown)
    return 0.0 if BATCH in {promises, woken, shown} else min(map(_until, (next_due, wakes, shows)))


def _until(at: datetime | None) -> float:
    return LONGEST if at is None else min(max((at - now()).total_seconds(), 0.05), LONGEST)
