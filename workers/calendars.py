"""Holidays of business calendars, kept up to date: feeds fetched, the years ahead written down."""

import asyncio

import structlog

from helpdesk.calendars import fetching
from helpdesk.database import committed
from helpdesk.desk import Desk
from workers import jobs

LOOK = 60.0  # seconds between looks whether a feed is due

log = structlog.get_logger(__name__)


async def refresh_calendars(desk: Desk) -> None:
    """A job: all that is due. A feed that fails is due again later; only what is our own fault is tried again."""
    if done := await fetching.refresh(desk):
        log.info("holidays brought up to date", calendars=done)


async def calendars(desk: Desk) -> None:
    """For ever; several workers at once do no harm."""
    while True:
        async with committed(desk.sessions) as session:
            if await fetching.is_due(session):
                await jobs.defer(session, [jobs.coalesced(jobs.CALENDARS, jobs.MAIL)])
        await asyncio.sleep(LOOK)
