"""A policy or a calendar was edited: open promises are reckoned anew, batch after batch."""

import structlog

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Kind
from helpdesk.sla import recomputing

log = structlog.get_logger(__name__)


async def reckon(desk: Desk, kind: str) -> None:
    """Safe to run twice and to be killed: what was reckoned already comes out the same."""
    after: int | None = 0
    batches = 0
    while after is not None:
        async with committed(desk.sessions) as session:
            after = await recomputing.batch(session, after, Kind(kind))
        batches += 1
    log.info("promises reckoned anew", because=kind, batches=batches - 1)
