"""Rules at work: about what happened, ticket by ticket, and about time that passes."""

import asyncio

import structlog
from sqlalchemy.exc import DBAPIError

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.rules import due, running
from helpdesk.rules.asking import Book
from workers.outages import is_outage

TRIES = 3  # of one ticket, where the database refuses: others may hold what it needs
LOOK = 60.0  # seconds between two looks for silences; what comes round is waited for to the second

log = structlog.get_logger(__name__)


async def apply_rules(desk: Desk) -> None:
    """Until nothing waits. Each ticket is a transaction of its own: killed in the middle, the rest waits on."""
    more = True
    while more:
        async with committed(desk.sessions) as session:
            batch = await running.look(session)
        held = [each for each in batch.tickets if not await _worked(desk, batch.found, each, skip=True)]
        for ticket_id in held:
            await _worked(desk, batch.found, ticket_id)
        more = batch.more


async def _worked(desk: Desk, found: Book, ticket_id: int, *, skip: bool = False) -> bool:
    """False where somebody else holds the ticket. What goes wrong with one holds up no other."""
    for attempt in range(TRIES):
        try:
            async with committed(desk.sessions) as session:
                return await running.work(session, found, ticket_id, skip=skip)
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("rules failed", ticket=ticket_id, attempt=attempt + 1)
            if not isinstance(error, DBAPIError):
                break
    async with committed(desk.sessions) as session:
        await running.give_up(session, ticket_id)
    return True


async def ruling(desk: Desk) -> None:
    """For ever; one process at a time. See `due`. And what waits while nothing asks for it: the job that was already
    there when an event came to wait may have looked a moment before that was committed."""
    while True:
        await apply_rules(desk)
        wait = await tick(desk)
        await asyncio.sleep(wait)


async def tick(desk: Desk) -> float:
    """Whatever is due now; returns the seconds until the next look."""
    async with committed(desk.sessions) as session:
        found = await due.timed(session)
    for rule in found.rules:
        async with desk.sessions() as session:
            several = await due.due(session, rule)
        for one in several:
            await _done(desk, one)
    async with desk.sessions() as session:
        at = await due.next_at(session)
    return LOOK if at is None else min(max((at - now()).total_seconds(), 1.0), LOOK)


async def _done(desk: Desk, one: due.Due) -> None:
    failed = [ticket_id for ticket_id in one.tickets if not await _timed(desk, one, ticket_id)]
    async with committed(desk.sessions) as session:
        await due.finish(session, one)
    if one.tickets:
        log.info("rule was due", rule=one.rule.rule.id, tickets=len(one.tickets), failed=len(failed))


async def _timed(desk: Desk, one: due.Due, ticket_id: int) -> bool:
    """Whether it could be worked on; once its round is over nobody comes back to it."""
    for attempt in range(TRIES):
        try:
            async with committed(desk.sessions) as session:
                await due.work(session, one, ticket_id)
                return True
        except Exception as error:
            if is_outage(error):
                raise
            log.exception("rule failed", rule=one.rule.rule.id, ticket=ticket_id, attempt=attempt + 1)
            if not isinstance(error, DBAPIError):
                break
    return False
