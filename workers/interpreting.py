"""Payloads that a channel itself has to make something of, in the order in which they came, one inbox beside another.

Where the other side asks to wait, the inbox waits, and nothing is lost or counted. What fails three times is put
aside: where it holds somebody's words as a ticket that says so, else for an admin to try again or to drop.
"""

import asyncio
from datetime import timedelta
from time import monotonic

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import Interprets, Outcome, Unavailable
from helpdesk import aside, intake
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.texts import clean
from workers.connecting import channel_of
from workers.outages import is_outage
from workers.together import end
from workers.wakeup import Bell

LONGEST_WAIT = timedelta(minutes=1)  # until it is looked whether waiting is still needed
WITHIN = 300.0  # seconds that one payload may take
KNOWN = timedelta(days=7)
"""So long it is known that something came already; Slack sends again for minutes, an hour at most."""
SWEEP = 3_600.0  # seconds between looks for what need not be known any more

log = structlog.get_logger(__name__)


async def interpreting(desk: Desk, bell: Bell) -> None:
    """For ever. One process at a time does this."""
    at_work: dict[int, asyncio.Task[None]] = {}
    swept = 0.0
    try:
        while True:
            if monotonic() - swept > SWEEP:
                swept = monotonic()
                await sweep(desk)
            for inbox_id in await _waiting(desk):
                if inbox_id not in at_work or at_work[inbox_id].done():
                    at_work[inbox_id] = asyncio.create_task(_of_inbox(desk, inbox_id))
            await bell.wait()
    finally:
        await end(at_work.values())


async def _waiting(desk: Desk) -> list[int]:
    handed = select(Kept.id).where(Kept.inbox_id == Inbox.id, Kept.state == KeptState.handed).exists()
    async with desk.sessions() as session:
        return list(await session.scalars(select(Inbox.id).where(Inbox.active, handed)))


async def _of_inbox(desk: Desk, inbox_id: int) -> None:
    """Until nothing is left."""
    try:
        while await interpret_next(desk, inbox_id):
            pass
    except Exception as error:
        log.warning("payloads wait", inbox=inbox_id, error=str(error) or type(error).__name__)
        await asyncio.sleep(1)


async def interpret_next(desk: Desk, inbox_id: int) -> bool:
    """The oldest one that waits; False where there is none."""
    async with committed(desk.sessions) as session:
        kept = await session.scalar(
            select(Kept)
            .options(joinedload(Kept.inbox).joinedload(Inbox.team))
            .where(Kept.inbox_id == inbox_id, Kept.state == KeptState.handed)
            .order_by(Kept.id)
            .limit(1)
        )
        if kept is None or not kept.inbox.active:
            return False
        kept.attempts += 1
    try:
        async with asyncio.timeout(WITHIN):
            await _settled(desk, kept, await _interpreted(desk, kept))
    except Unavailable as error:
        await _forgiven(desk, kept, str(error))
        await asyncio.sleep(min(error.retry_after, LONGEST_WAIT).total_seconds())
    except Exception as error:
        if is_outage(error) and not isinstance(error, TimeoutError):  # what takes too long takes so again
            await _forgiven(desk, kept, str(error))
            raise
        log.exception("payload not understood", kept=kept.id, attempts=kept.attempts)
        if kept.attempts >= intake.ATTEMPTS:
            await _put_aside(desk, kept, _why(error))
    return True


def _why(error: Exception) -> str:
    """For an admin who decides what to do about it; the log says all of it."""
    if isinstance(error, TimeoutError):
        return gettext("It took longer than five minutes.")
    if isinstance(error, DBAPIError):
        first = str(error.orig).partition("\n")[0]
        return gettext("The database did not take it: {why}").format(why=first)
    return str(error) or type(error).__name__


async def _interpreted(desk: Desk, kept: Kept) -> Outcome:
    channel = channel_of(desk, kept.inbox)
    if not isinstance(channel, Interprets):
        return Outcome("ignored: this channel reads nothing but messages")
    return await channel.interpret(desk, kept.inbox, kept.raw)


async def _settled(desk: Desk, kept: Kept, outcome: Outcome) -> None:
    """Bytes stay with their message and go with it; what is none leaves no words behind, only that it came."""
    if outcome.message_id:
        done: dict[str, object] = {"state": KeptState.received, "message_id": outcome.message_id}
    else:
        done = {"state": KeptState.settled, "raw": b""}
    async with committed(desk.sessions) as session:
        await _write(session, kept, outcome=clean(outcome.words)[:1000], **done)


async def sweep(desk: Desk) -> None:
    async with committed(desk.sessions) as session:
        await session.execute(
            delete(Kept).where(Kept.state == KeptState.settled, Kept.created_at < now() - KNOWN)
        )
        await aside.sweep(session)


async def _forgiven(desk: Desk, kept: Kept, why: str) -> None:
    """An attempt that was not its own fault is none."""
    log.info("payload waits", kept=kept.id, because=why)
    async with committed(desk.sessions) as session:
        await _write(session, kept, attempts=max(kept.attempts - 1, 0), trouble=clean(why)[:1000])


async def _put_aside(desk: Desk, kept: Kept, why: str) -> None:
    try:
        channel_of(desk, kept.inbox).parse(kept.raw)
    except Exception:  # whatever is wrong with it, the next one must not wait for it
        async with committed(desk.sessions) as session:
            await _write(session, kept, state=KeptState.quarantined, trouble=clean(why)[:1000])
        return
    async with committed(desk.sessions) as session:
        await intake.give_up(desk, session, await session.merge(kept, load=False), why)


async def _write(session: AsyncSession, kept: Kept, **values: object) -> None:
    await session.execute(
        update(Kept).where(Kept.id == kept.id, Kept.state == KeptState.handed).values(**values)
    )
