"""What a visitor may read: the conversations that they themselves began here, and nothing that was joined to them.

A ticket is theirs where one of their own messages was written to it. What a merge brought together stays apart for
them: of the ticket that theirs became part of, they read what was written to theirs. Notes, what was said with third
parties, and what is still to leave, they never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.chat.rows import Visitor
from helpdesk.chat.visitors import UNKNOWN
from helpdesk.clock import now
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.people import Contact, ContactIdentity
from helpdesk.statuses import Category
from helpdesk.texts import preview
from helpdesk.tickets import Removal, Ticket

MOST = 30  # conversations that are listed
LATEST = 100  # messages that are read at once
WAITING = (Delivery.scheduled, Delivery.held)


@dataclass(frozen=True)
class Conversation:
    ticket_id: int
    number: int
    contact_id: int
    reply_key: bytes
    category: Category
    removed: Removal | None
    last_message_at: datetime
    with_assistant: bool

    @property
    def is_open(self) -> bool:
        return not self.category.is_settled and self.removed in {None, Removal.merged}


async def of(session: AsyncSession, visitor: Visitor) -> list[Conversation]:
    """The one that goes on first: those that are open before those that are over, where something was said last at
    the top. A colleague may well answer one that was over, while another is open."""
    contact = _contact(visitor)
    theirs = (
        select(func.coalesce(Message.origin_id, Message.ticket_id))
        .where(
            Message.contact_id == contact,
            Message.inbox_id == visitor.inbox_id,
            written_by(visitor),
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
        )
        .distinct()
    )
    found = await session.execute(
        select(
            Ticket.id,
            Ticket.number,
            Ticket.contact_id,
            Ticket.reply_key,
            Ticket.category,
            Ticket.removed,
            Ticket.last_message_at,
            Ticket.with_assistant,
        )
        .where(
            Ticket.id.in_(theirs),
            Ticket.inbox_id == visitor.inbox_id,
            Ticket.contact_id == contact,
            Ticket.erased_at.is_(None),
        )
        .order_by(Ticket.id.desc())
        .limit(MOST)
    )
    listed = (Conversation(*row) for row in found.all())
    return sorted(listed, key=lambda each: (each.is_open, each.last_message_at, each.ticket_id), reverse=True)


def _contact(visitor: Visitor) -> ScalarSelect[int]:
    return (
        select(ContactIdentity.contact_id)
        .join(Contact, Contact.id == ContactIdentity.contact_id)
        .where(ContactIdentity.kind == visitor.kind, ContactIdentity.value == visitor.address)
        .where(Contact.erased_at.is_(None))
        .scalar_subquery()
    )


def written_by(visitor: Visitor) -> ColumnElement[bool]:
    """Under the name that they have, or under one that they had while they were unknown and have proved since: on
    this browser or on another. What a colleague merged without such a proof is not theirs to read."""
    own = Message.sender == visitor.address
    if visitor.kind != "email":
        return own
    before = select(ContactIdentity.value).where(
        ContactIdentity.contact_id == _contact(visitor),
        ContactIdentity.kind == UNKNOWN,
        ContactIdentity.verified_at.is_not(None),
    )
    return or_(own, Message.sender.in_(before))


async def said(
    session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int], *, after: int = 0, most: int = LATEST
) -> list[Message]:
    """What these conversations, which are the visitor's, have that may be read; the newest, oldest first."""
    if not ticket_ids:
        return []
    found = await session.scalars(
        select(Message)
        .where(written_to(ticket_ids), readable(visitor), Message.id > after)
        .options(joinedload(Message.agent), selectinload(Message.attachments))
        .order_by(Message.id.desc())
        .limit(most)
    )
    return list(found.all())[::-1]


async def pending(session: AsyncSession, ticket_ids: Sequence[int], *, after: int = 0) -> int | None:
    """The first message that is going to be read there and cannot be yet."""
    if not ticket_ids:
        return None
    return await session.scalar(
        select(func.min(Message.id)).where(
            written_to(ticket_ids),
            Message.id > after,
            Message.direction == Direction.outbound,
            Message.side_id.is_(None),
            Message.withdrawn_at.is_(None),
            or_(
                Message.delivery.in_(WAITING),
                and_(Message.delivery == Delivery.queued, Message.send_after > now()),
            ),
        )
    )


def written_to(ticket_ids: Sequence[int]) -> ColumnElement[bool]:
    """Wherever a merge or split has moved it since."""
    here = or_(Message.origin_id.is_(None), Message.origin_id == Message.ticket_id)
    return or_(and_(Message.ticket_id.in_(ticket_ids), here), Message.origin_id.in_(ticket_ids))


def readable(visitor: Visitor) -> ColumnElement[bool]:
    """What they wrote themselves, and what was written to them: stored is delivered, once its author can no longer
    take it back. What others answered by mail is not theirs to read."""
    own = and_(Message.direction == Direction.inbound, written_by(visitor))
    return and_(
        Message.side_id.is_(None),
        Message.copy_of_id.is_(None),
        Message.withdrawn_at.is_(None),
        or_(own, has_left()),
    )


def has_left() -> ColumnElement[bool]:
    """Written by our side, and not to be taken back any more."""
    leaves = or_(Message.send_after.is_(None), Message.send_after <= now())
    return and_(
        Message.direction == Direction.outbound,
        Message.delivery.not_in([*WAITING, Delivery.failed]),
        or_(Message.delivery != Delivery.queued, leaves),
    )


async def newest(session: AsyncSession, visitor: Visitor) -> int:
    """The number of the newest message that they may read; 0 where there is none."""
    return await _newest(session, visitor, [each.ticket_id for each in await of(session, visitor)])


async def read(session: AsyncSession, visitor: Visitor, upto: int) -> int:
    """How far they have read all there is, with this message the newest before their eyes: an answer in another
    conversation, which was not, stays unread unless it was mailed."""
    theirs = [each.ticket_id for each in await of(session, visitor)]
    upto = min(upto, await _newest(session, visitor, theirs))
    place = func.coalesce(Message.origin_id, Message.ticket_id)
    known = (
        select(func.max(func.greatest(Visitor.read_id, Visitor.mailed_id)))
        .where(Visitor.inbox_id == visitor.inbox_id)
        .where(Visitor.kind == visitor.kind, Visitor.address == visitor.address)
        .scalar_subquery()
    )  # on any of their browsers
    may_be = written_to(theirs), readable(visitor), Message.id <= upto
    before_their_eyes = select(place).where(*may_be).order_by(Message.id.desc()).limit(1).scalar_subquery()
    elsewhere = await session.scalar(
        select(func.min(Message.id)).where(
            *may_be,
            Message.id > known,
            Message.direction == Direction.outbound,
            place != before_their_eyes,
        )
    )
    return elsewhere - 1 if elsewhere else upto


async def reached(session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int]) -> int:
    """Up to where everything can be read that there is; what is still to leave comes later, by a lower number."""
    waiting = await pending(session, ticket_ids)
    newest = await _newest(session, visitor, ticket_ids)
    return min(newest, waiting - 1) if waiting else newest


async def _newest(session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int]) -> int:
    if not ticket_ids:
        return 0
    query = select(func.max(Message.id)).where(written_to(ticket_ids), readable(visitor))
    return await session.scalar(query) or 0


async def last_words(session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int]) -> dict[int, str]:
    """By conversation. A ticket's own preview may show what its author can still take back."""
    if not ticket_ids:
        return {}
    place = func.coalesce(Message.origin_id, Message.ticket_id)
    last = select(func.max(Message.id)).where(written_to(ticket_ids), readable(visitor)).group_by(place)
    found = await session.execute(select(place, Message.text).where(Message.id.in_(last)))
    return {row[0]: preview(row[1]) for row in found.all()}
