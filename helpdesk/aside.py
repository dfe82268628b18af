"""What arrived and could not be dealt with, where no ticket says so: buttons, changes, forms of a channel.

An admin sees it with words, has it tried again when the reason is gone, or drops it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.errors import NotFound
from helpdesk.inboxes import Inbox
from helpdesk.intake import HANDED, Kept, KeptState
from helpdesk.people import Agent

LISTED = 50
KNOWN = timedelta(days=30)
"""So long it waits for somebody; it may hold somebody's words, so it does not wait for ever."""
_aside = (Kept.state == KeptState.quarantined, Kept.message_id.is_(None))


@dataclass(frozen=True)
class Aside:
    id: int
    at: datetime
    why: str
    raw: bytes


@dataclass(frozen=True)
class Count:
    inbox_id: int
    address: str
    number: int
    since: datetime


async def listed(session: AsyncSession, inbox_id: int) -> list[Aside]:
    query = (
        select(Kept.id, Kept.created_at, Kept.trouble, Kept.raw)
        .where(*_aside, Kept.inbox_id == inbox_id)
        .order_by(Kept.id.desc())
        .limit(LISTED)
    )
    return [Aside(id_, at, why or "", raw) for id_, at, why, raw in await session.execute(query)]


async def counts(session: AsyncSession) -> list[Count]:
    """Of each inbox that is on and has any."""
    query = (
        select(Inbox.id, Inbox.address, func.count(), func.min(Kept.created_at))
        .join(Kept, Kept.inbox_id == Inbox.id)
        .where(*_aside, Inbox.active)
        .group_by(Inbox.id)
        .order_by(Inbox.id)
    )
    return [Count(*row) for row in await session.execute(query)]


async def try_again(session: AsyncSession, inbox_id: int, kept_id: int) -> None:
    """Raises NotFound where somebody else was quicker."""
    await _changed(session, inbox_id, kept_id, state=KeptState.handed, attempts=0, trouble=None)
    await session.execute(select(func.pg_notify(CHANNEL, f"{HANDED}{inbox_id}")))


async def drop(session: AsyncSession, inbox_id: int, kept_id: int, *, by: Agent) -> None:
    """Raises NotFound where somebody else was quicker."""
    words = f"failed, and dropped by agent {by.id}"
    await _changed(session, inbox_id, kept_id, state=KeptState.settled, outcome=words, raw=b"")


async def sweep(session: AsyncSession) -> None:
    await session.execute(delete(Kept).where(*_aside, Kept.created_at < now() - KNOWN))


async def _changed(session: AsyncSession, inbox_id: int, kept_id: int, **values: object) -> None:
    done = await session.scalar(
        update(Kept)
        .where(*_aside, Kept.inbox_id == inbox_id, Kept.id == kept_id)
        .values(**values)
        .returning(Kept.id)
    )
    if done is None:
        raise NotFound
