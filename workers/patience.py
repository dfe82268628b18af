"""Customers who say nothing: reminded, resolved, closed as their inbox says."""

from time import monotonic

import structlog

from helpdesk import patience
from helpdesk.database import committed
from helpdesk.desk import Desk
from workers.outages import is_outage

SETTLE = 120.0  # seconds after a start in which what customers wrote meanwhile is fetched and read first

log = structlog.get_logger(__name__)


class Silence:
    """One process's rounds; several at once do no harm."""

    def __init__(self, desk: Desk, *, settle: float = SETTLE) -> None:
        self.desk, self._from = desk, monotonic() + settle

    async def once(self) -> None:
        if monotonic() >= self._from:
            await look(self.desk)


async def look(desk: Desk) -> None:
    """One batch of each inbox. What fails at one of them is tried again in the next round, and holds up no other."""
    async with committed(desk.sessions) as session:
        inboxes = await patience.due_inboxes(session)
    for inbox_id in inboxes:
        try:
            async with committed(desk.sessions) as session:
                done = await patience.act(session, inbox_id)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("silence of an inbox postponed", inbox=inbox_id)
            continue
        if done.any:
            log.info(
                "silent tickets",
                inbox=inbox_id,
                reminded=done.reminded,
                resolved=done.resolved,
                closed=done.closed,
            )
