"""Meeting visitors and knowing them again.

A token is worth what the browser is: whoever holds it reads that visitor's conversations and no others. It opens
nothing in another chat, ends when it is revoked or the site's word has run out, and is never stored, only its hash.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, DateTime, and_, any_, bindparam, cast, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.chat.rows import ChatCode, Visitor
from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.messages import Direction, Message
from helpdesk.people import ContactIdentity
from helpdesk.portal import signing_in
from helpdesk.reading import Asked, known, rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket

UNKNOWN = "chat"
FORGET_AFTER = timedelta(days=180)
"""Somebody unknown who has not come for so long is somebody new."""
PRESENT = timedelta(seconds=50)
"""How long after the last sign of life somebody still counts as there."""
TYPING = timedelta(seconds=6)
MOST_PAGES = 12


@dataclass(frozen=True)
class Known:
    """Whom the site has vouched for; the address is normal."""

    kind: str
    address: str
    name: str
    until: datetime
    portal_session: bytes | None = None
    """Where they have signed in to a help centre."""


async def meet(
    session: AsyncSession,
    inbox_id: int,
    *,
    known: Known | None = None,
    language: str = "",
    puzzle: bytes | None = None,
) -> tuple[Visitor, str]:
    """A new visitor with the token that its browser keeps; nobody sees it again."""
    visitor = Visitor(
        inbox_id=inbox_id,
        kind=known.kind if known else UNKNOWN,
        address=known.address if known else secrets.token_hex(12),
        name=known.name if known else "",
        email="",
        expires_at=known.until if known else None,
        seen_at=now(),
        read_id=0,
        mailed_id=0,
        language=language,
        referrer="",
        pages=[],
        puzzle=puzzle,
        portal_session=known.portal_session if known else None,
        proved_at=None,
        unknown_as="",
    )
    token = fresh_token(visitor)
    session.add(visitor)
    await session.flush()
    return visitor, token


def fresh_token(visitor: Visitor) -> str:
    """In the place of the one before, which opens nothing from now on."""
    token = secrets.token_urlsafe(32)
    visitor.token_hash = _hash(token)
    return token


def holder_of(token: str) -> Asked:
    """Whose token it is: what `known_by` is given, to be asked for together with other things."""
    return _holder(), {"token_hash": _hash(token)}


async def known_by(session: AsyncSession, inbox_id: int, holders: Sequence[Any]) -> Visitor | None:
    """None for a token that is none, is another chat's, was revoked, or has run out."""
    if not holders or holders[0].inbox_id != inbox_id:
        return None
    visitor = known(session, Visitor, holders[0]._asdict())
    if await is_over(session, visitor):
        return None
    if visitor.seen_at and visitor.seen_at < now() - FORGET_AFTER:
        return None
    return visitor


async def numbered(session: AsyncSession, visitor_id: int) -> Visitor | None:
    """In a session that knows nothing yet."""
    (found,) = await rows(session, (_numbered(), {"id": visitor_id}))
    return known(session, Visitor, found[0]._asdict()) if found else None


@once
def _holder() -> AnySelect:
    return select(*Visitor.__table__.c).where(Visitor.token_hash == bindparam("token_hash"))


@once
def _numbered() -> AnySelect:
    return select(*Visitor.__table__.c).where(Visitor.id == bindparam("id"))


async def is_over(session: AsyncSession, visitor: Visitor) -> bool:
    """Whether its token opens nothing any more: taken back, run out, signed out of the help centre, or this is no
    longer the help centre's chat."""
    if visitor.revoked_at or (visitor.expires_at and visitor.expires_at <= now()):
        return True
    return visitor.portal_session is not None and not await signing_in.is_open_in_chat(
        session, visitor.inbox_id, visitor.portal_session
    )


async def revoke(session: AsyncSession, visitor: Visitor) -> None:
    visitor.revoked_at, visitor.pages = now(), []
    await session.execute(select(func.pg_notify(CHANNEL, live_name(visitor))))


async def forget(session: AsyncSession, addresses: Sequence[str]) -> int:
    """Whoever is known by one of these, or gave one as theirs; returns how many browsers that were."""
    await session.execute(delete(ChatCode).where(ChatCode.address.in_(addresses)))
    theirs = or_(
        Visitor.address.in_(addresses),
        Visitor.unknown_as.in_([each for each in addresses if each]),
        func.lower(Visitor.email).in_(addresses),
    )
    gone = await session.scalars(delete(Visitor).where(theirs).returning(Visitor.id))
    return len(gone.all())


async def forget_old(session: AsyncSession, limit: int = 500) -> int:
    """Whose token opens nothing any more; returns how many. What they said stays with their tickets."""
    old = select(Visitor.id).where(Visitor.seen_at < now() - FORGET_AFTER).limit(limit)
    gone = await session.scalars(delete(Visitor).where(Visitor.id.in_(old)).returning(Visitor.id))
    return len(gone.all())


async def seen(session: AsyncSession, visitor_ids: list[int]) -> None:
    """Their chats are open at this moment."""
    theirs = Visitor.id == any_(cast(visitor_ids, ARRAY(BigInteger)))  # thousands, in one value
    noted = update(Visitor).where(theirs).values(seen_at=now())
    await session.execute(noted.execution_options(synchronize_session=False))


async def person_behind(session: AsyncSession, ticket_id: int) -> Visitor | None:
    """The browser from which this ticket's customer was last heard or seen; None where it is no chat."""
    (found,) = await rows(session, (_behind(), {"ticket": ticket_id}))
    return known(session, Visitor, found[0]._asdict()) if found else None


@once
def _behind() -> AnySelect:
    last = (
        select(Message.inbox_id, Message.sender)
        .where(
            Message.ticket_id == bindparam("ticket"),
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            Message.sender.is_not(None),
        )
        .order_by(Message.id.desc())
        .limit(1)
        .subquery("last")
    )
    theirs = and_(
        Visitor.address == last.c.sender,
        Visitor.kind.in_([UNKNOWN, "email", "external"]),  # all there are: then the index finds them
    )
    before = and_(Visitor.unknown_as == last.c.sender, Visitor.unknown_as != "")
    return (
        select(*Visitor.__table__.c)
        .join(last, and_(Visitor.inbox_id == last.c.inbox_id, or_(theirs, before)))
        .order_by(Visitor.seen_at.desc().nulls_last(), Visitor.id.desc())
        .limit(1)
    )


async def there(session: AsyncSession, ticket_ids: Sequence[int]) -> dict[int, bool]:
    """Of these tickets, those whose customer has the chat open now, and whether they are typing."""
    if not ticket_ids:
        return {}
    at = now()
    (found,) = await rows(session, (_there(), {"tickets": list(ticket_ids), "since": at - PRESENT}))
    return {row.id: bool(row.typing_at and row.typing_at > at - TYPING) for row in found}


@once
def _there() -> AnySelect:
    theirs = and_(Visitor.kind == ContactIdentity.kind, Visitor.address == ContactIdentity.value)
    return (
        select(Ticket.id, func.max(Visitor.typing_at).label("typing_at"))
        .join(ContactIdentity, ContactIdentity.contact_id == Ticket.contact_id)
        .join(Visitor, and_(Visitor.inbox_id == Ticket.inbox_id, theirs))
        .where(
            Ticket.id == any_(bindparam("tickets", type_=ARRAY(BigInteger))),
            Visitor.seen_at > bindparam("since", type_=DateTime(timezone=True)),
            Visitor.revoked_at.is_(None),
        )
        .group_by(Ticket.id)
    )


def live_name(visitor: Visitor) -> str:
    return live_name_of(visitor.inbox_id, visitor.kind, visitor.address)


def live_name_of(inbox_id: int, kind: str, address: str) -> str:
    """What is said when something of this person's has changed. It tells nobody who they are."""
    person = f"{inbox_id}\0{kind}\0{address}"
    return f"visitor-{sha256(person.encode()).hexdigest()[:24]}"


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
