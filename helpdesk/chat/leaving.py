"""People who left before they were answered, and can be reached by mail: what they have not read, once.

One person may have several browsers: what was read on one of them has been read, and who is there with one is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.chat.conversations import Conversation, Said, has_left, of, said
from helpdesk.chat.rows import Visitor
from helpdesk.clock import now
from helpdesk.events import ActorKind
from helpdesk.messages import Direction, Message
from helpdesk.people import ContactIdentity, sender_lock
from helpdesk.tickets import Ticket

SOONEST = timedelta(minutes=1)
LATEST = timedelta(days=3)
"""What was not mailed by then is old news."""
APART = timedelta(minutes=15)
"""Between two mails to one person."""
MOST = 10
"""Messages of one mail."""


@dataclass(frozen=True)
class Unread:
    visitor: Visitor
    devices: Sequence[Visitor]
    conversation: Conversation
    messages: Sequence[Said]


async def candidates(session: AsyncSession, limit: int = 50) -> list[int]:
    """Browsers of people who left with an answer unread, as far as one statement can tell."""
    at = now()
    answer = exists().where(*_unread(at))
    found = await session.scalars(
        select(Visitor.id)
        .where(
            Visitor.seen_at.between(at - LATEST, at - SOONEST),
            Visitor.revoked_at.is_(None),
            or_(Visitor.kind == "email", Visitor.email != ""),
            or_(Visitor.mailed_at.is_(None), Visitor.mailed_at < at - APART),
            answer,
        )
        .order_by(Visitor.id)
        .limit(limit)
    )
    return list(found)


async def unread(session: AsyncSession, visitor_id: int, *, after: timedelta) -> Unread | None:
    """What is to be mailed now; None where they are back, have read it, or were mailed meanwhile."""
    visitor = await session.get_one(Visitor, visitor_id)
    person = (
        Visitor.inbox_id == visitor.inbox_id,
        Visitor.kind == visitor.kind,
        Visitor.address == visitor.address,
    )
    await session.execute(select(sender_lock("chat leaving", f"{visitor.inbox_id} {visitor.address}")))
    rows = await session.scalars(
        select(Visitor).where(*person).with_for_update().execution_options(populate_existing=True)
    )
    devices, at = rows.all(), now()
    if max((each.seen_at for each in devices if each.seen_at), default=at) > at - after:
        return None
    if any(each.mailed_at and each.mailed_at > at - APART for each in devices):
        return None
    if not visitor.is_vouched and (mailed := await _mailed_to(session, visitor.email)):
        for each in devices:  # it waits as if it had been theirs
            each.mailed_at = mailed
        return None
    theirs = await of(session, visitor)
    ids = {each.ticket_id for each in theirs}
    known = max(max(each.read_id, each.mailed_id) for each in devices)
    messages = await said(session, visitor, list(ids), after=known, most=MOST)
    answers = [m for m in messages if m.direction is Direction.outbound and m.author is not ActorKind.desk]
    if not answers:
        passed = (
            select(func.max(Message.id)).select_from(Visitor).where(Visitor.id == visitor.id, *_unread(at))
        )
        known = max(known, await session.scalar(passed) or 0)
        for each in devices:  # nothing of it is for them: it is not looked at again
            each.mailed_id = max(each.mailed_id, known)
        return None

    def place(message: Said) -> int:
        return message.origin_id if message.origin_id in ids else message.ticket_id

    one = next(each for each in theirs if each.ticket_id == place(answers[0]))
    return Unread(visitor, devices, one, list(takewhile(lambda each: place(each) == one.ticket_id, answers)))


def _unread(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Answers in a visitor's chat of which that browser knows nothing, as far as one statement can tell."""
    return (
        ContactIdentity.kind == Visitor.kind,
        ContactIdentity.value == Visitor.address,
        Ticket.contact_id == ContactIdentity.contact_id,
        Ticket.inbox_id == Visitor.inbox_id,
        Message.ticket_id == Ticket.id,
        Message.id > func.greatest(Visitor.read_id, Visitor.mailed_id),
        Message.author != ActorKind.desk,
        Message.created_at > at - LATEST,
        Message.withdrawn_at.is_(None),
        Message.side_id.is_(None),
        has_left(),
    )


async def _mailed_to(session: AsyncSession, address: str) -> datetime | None:
    """When somebody who gave the same address was last mailed, if that is not long ago: whoever types a stranger's
    address into many chats must not have the desk flood them."""
    await session.execute(select(sender_lock("chat leaving to", address)))
    at = now()
    return await session.scalar(
        select(func.max(Visitor.mailed_at)).where(
            Visitor.seen_at > at - LATEST - APART,  # which has an index
            Visitor.email == address,
            Visitor.mailed_at > at - APART,
        )
    )


def mark(found: Unread) -> None:
    """Before it is sent: rather never than twice."""
    for each in found.devices:
        each.mailed_id, each.mailed_at = found.messages[-1].id, now()
