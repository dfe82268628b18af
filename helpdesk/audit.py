"""The audit: what happened to accounts, rights, settings and data, chained so that a change would show.

Events cannot be changed by the desk's own database role. Whoever owns the database could, so one job seals what
concerns security: each seal is a hash over the event and over the seal before it. `broken` finds the first place
where the chain does not hold.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger, ForeignKey, Identity, LargeBinary, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.events import Event, Kind

SEALED = frozenset(
    {
        Kind.signed_in,
        Kind.signed_out,
        Kind.sign_in_failed,
        Kind.session_ended,
        Kind.identity_confirmed,
        Kind.invited,
        Kind.invitation_revoked,
        Kind.invitation_accepted,
        Kind.agent_changed,
        Kind.agent_deactivated,
        Kind.agent_reactivated,
        Kind.role_changed,
        Kind.password_reset_asked,
        Kind.password_changed,
        Kind.custom_role_changed,
        Kind.custom_role_removed,
        Kind.team_created,
        Kind.team_edited,
        Kind.team_removed,
        Kind.inbox_connected,
        Kind.inbox_edited,
        Kind.options_changed,
        Kind.audit_exported,
    }
)
"""Sign-ins, rights, settings and exports; the rest is the tickets' own timeline."""
SETTLED = timedelta(minutes=1)
"""No transaction of the desk lasts longer, so an older event is not about to appear between two sealed ones."""
BATCH = 1_000
_ONE_AT_A_TIME = 0x7365616C


class EventSeal(Base):
    __tablename__ = "event_seal"

    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), unique=True)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(insert_default=now, server_default=text("clock_timestamp()"))


async def seal(session: AsyncSession) -> int:
    """Continues the chain with what happened since; returns how many events were sealed."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    last = await session.scalar(select(EventSeal.seal).order_by(EventSeal.number.desc()).limit(1))
    found = await session.scalars(
        select(Event)
        .where(
            Event.kind.in_(SEALED),
            Event.ticket_id.is_(None),
            Event.created_at < now() - SETTLED,
            ~exists().where(EventSeal.event_id == Event.id),
        )
        .order_by(Event.id)
        .limit(BATCH)
    )
    count = 0
    for event in found:
        last = sealed(event, last or b"")
        session.add(EventSeal(event_id=event.id, seal=last))
        await session.flush()  # one by one, so that their numbers are in the chain's order
        count += 1
    return count


async def broken(session: AsyncSession) -> int | None:
    """The event at which the chain does not hold any more; None where all of it holds."""
    last = b""
    rows = await session.stream(
        select(EventSeal.seal, Event)
        .join(Event, Event.id == EventSeal.event_id)
        .order_by(EventSeal.number)
        .execution_options(yield_per=BATCH)
    )
    async for kept, event in rows:
        if (last := sealed(event, last)) != kept:
            return int(event.id)
    return None


def sealed(event: Event, before: bytes) -> bytes:
    told = (
        event.id,
        event.kind.value,
        event.actor.value,
        event.actor_id,
        event.token_id,
        event.about,
        event.about_id,
        event.created_at.timestamp(),
        event.data,
    )
    return hashlib.sha256(before + msgspec.json.encode(told, order="deterministic")).digest()
