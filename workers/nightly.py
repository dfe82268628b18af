"""At night, when few write, the models' process learns the readers of triage anew from what people decided."""

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select

from ai.predictions import Kind
from ai.triage.nightly import LEARNED, learn
from ai.triage.rows import Learned
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.ports import Embedder
from workers.outages import is_outage

HOUR = 1
"""UTC."""
AGAIN = timedelta(hours=20)

log = structlog.get_logger(__name__)


async def nightly(desk: Desk, embedder: Embedder) -> None:
    """For ever: once a night, kind after kind; a desk that slept through the night catches up the next."""
    while True:
        await asyncio.sleep((next_night(now()) - now()).total_seconds())
        await learn_all(desk, embedder)


def next_night(moment: datetime) -> datetime:
    at = moment.replace(hour=HOUR, minute=30, second=0, microsecond=0)
    return at if at > moment else at + timedelta(days=1)


async def learn_all(desk: Desk, embedder: Embedder) -> None:
    for kind in LEARNED:
        try:
            await _learn(desk, embedder, kind)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("reader not learned", kind=kind.value)


async def _learn(desk: Desk, embedder: Embedder, kind: Kind) -> None:
    """Several workers: whoever comes second finds that it was done."""
    async with committed(desk.sessions) as session:
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"triage {kind.value}"))))
        lately = select(Learned.id).where(Learned.kind == kind, Learned.created_at > now() - AGAIN)
        if await session.scalar(lately.limit(1)) is None:
            row = await learn(session, embedder, kind)
            if row:
                log.info("reader learned", kind=kind.value, promoted=row.active, **row.measured)
