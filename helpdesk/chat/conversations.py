"""What a visitor may read: the conversations that they themselves began here, and nothing that was joined to them.

A ticket is theirs where one of their own messages was written to it. What a merge brought together stays apart for
them: of the ticket that theirs became part of, they read what was written to theirs. Notes, what was said with third
parties, and what is still to leave, they never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    ScalarSelect,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, REGCLASS
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.chat.rows import Visitor
from helpdesk.chat.visitors import UNKNOWN
from helpdesk.clock import now
from helpdesk.events import ActorKind
from helpdesk.messages import Attachment, Delivery, Direction, Message, line_of, may_be_marked
from helpdesk.people import Agent, Contact, ContactIdentity
from helpdesk.reading import Asked, rows
from helpdesk.statements import AnySelect, as_list, once
from helpdesk.statuses import Category
from helpdesk.tickets import Removal, Ticket

MOST = 30  # conversations that are listed
LATEST = 100  # messages that are read at once
WAITING = (Delivery.scheduled, Delivery.held)
TICKETS: BindParameter[Any] = bindparam("tickets", type_=ARRAY(BigInteger))
AT: BindParameter[Any] = bindparam("at", type_=DateTime(timezone=True))


class Anybody(NamedTuple):
    """Stands for a visitor in a statement that is built once."""

    is_email: bool
    kind: BindParameter[str] = bindparam("kind", type_=Text)
    address: BindParameter[str] = bindparam("address", type_=Text)
    inbox_id: BindParameter[int] = bindparam("inbox_id", type_=BigInteger)


class File(NamedTuple):
    id: int
    name: str
    content_type: str
    size: int


class Said(NamedTuple):
    """A message as a visitor reads it."""

    id: int
    ticket_id: int
    origin_id: int | None
    inbox_id: int
    direction: Direction
    author: ActorKind
    automatic: bool
    text: str
    sent_at: datetime
    external_id: str | None
    agent: str | None
    """The name of the colleague who wrote it."""
    files: list[File]

    @property
    def may_be_marked(self) -> bool:
        return may_be_marked(self.direction, self.author, self.automatic)


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
    (found,) = await rows(session, asked_of(visitor))
    return listed(found)


def asked_of(visitor: Visitor) -> Asked:
    """What `listed` reads, to be asked for together with other things."""
    return _asked(_of, visitor)


def listed(found: Sequence[Any]) -> list[Conversation]:
    theirs = (Conversation(*row) for row in found)
    return sorted(theirs, key=lambda each: (each.is_open, each.last_message_at, each.ticket_id), reverse=True)


def _asked(statement: Any, visitor: Visitor, **given: Any) -> Asked:
    who = {"kind": visitor.kind, "address": visitor.address, "inbox_id": visitor.inbox_id}
    return statement(visitor.is_email), {**who, "at": now(), **given}


@once
def _of(is_email: bool) -> AnySelect:
    visitor = Anybody(is_email)
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
    return (
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


def _contact(visitor: Visitor | Anybody) -> ScalarSelect[int]:
    return (
        select(ContactIdentity.contact_id)
        .join(Contact, Contact.id == ContactIdentity.contact_id)
        .where(ContactIdentity.kind == visitor.kind, ContactIdentity.value == visitor.address)
        .where(Contact.erased_at.is_(None))
        .scalar_subquery()
    )


def written_by(visitor: Visitor | Anybody) -> ColumnElement[bool]:
    """Under the name that they have, or under one that they had while they were unknown and have proved since: on
    this browser or on another. What a colleague merged without such a proof is not theirs to read."""
    own = Message.sender == visitor.address
    if not visitor.is_email:
        return own
    before = select(ContactIdentity.value).where(
        ContactIdentity.contact_id == _contact(visitor),
        ContactIdentity.kind == UNKNOWN,
        ContactIdentity.verified_at.is_not(None),
    )
    return or_(own, Message.sender.in_(before))


async def said(
    session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int], *, after: int = 0, most: int = LATEST
) -> list[Said]:
    """What these conversations, which are the visitor's, have that may be read; the newest, oldest first."""
    if not ticket_ids:
        return []
    asked = _asked(_said, visitor, tickets=list(ticket_ids), after=after, most=most)
    (found,) = await rows(session, asked)
    return _told(found)


async def news(
    session: AsyncSession, visitor: Visitor, known: Sequence[int], *, after: int
) -> tuple[list[Conversation], int | None, list[Said]]:
    """What is theirs, what cannot be read yet, and what was said: in one round trip as long as theirs are the
    tickets that were known."""

    def within(tickets: Sequence[int]) -> tuple[Asked, Asked]:
        # What waits comes before what is said: what leaves in between is told again rather than never.
        given = {"tickets": list(tickets), "after": after}
        return _asked(_pending, visitor, **given), _asked(_said, visitor, **given, most=LATEST)

    found, waiting, messages = await rows(session, asked_of(visitor), *within(known))
    theirs = listed(found)
    if (now_theirs := {each.ticket_id for each in theirs}) != set(known):
        waiting, messages = await rows(session, *within(sorted(now_theirs)))
    return theirs, waiting[0][0], _told(messages)


def _told(found: Sequence[Any]) -> list[Said]:
    """Oldest first."""
    return [Said._make([*row[:-1], [File(**each) for each in row[-1]]]) for row in reversed(found)]


@once
def _said(is_email: bool) -> AnySelect:
    files = select(*(getattr(Attachment, name) for name in File._fields))
    files = files.where(Attachment.message_id == Message.id).order_by(Attachment.id)
    columns = [getattr(Message, name) for name in Said._fields[:-2]]
    return (
        select(*columns, Agent.name.label("agent"), as_list(files.correlate(Message)).label("files"))
        .select_from(Message)
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .where(
            written_to(TICKETS),
            readable(Anybody(is_email), AT),
            Message.id > bindparam("after", type_=BigInteger),
        )
        .order_by(Message.id.desc())
        .limit(bindparam("most", type_=BigInteger))
    )


@once
def _pending(is_email: bool) -> AnySelect:
    """The first message that is going to be read there and cannot be yet."""
    return select(func.min(Message.id)).where(
        written_to(TICKETS),
        Message.id > bindparam("after", type_=BigInteger),
        Message.direction == Direction.outbound,
        Message.side_id.is_(None),
        Message.withdrawn_at.is_(None),
        or_(
            Message.delivery.in_(WAITING),
            and_(Message.delivery == Delivery.queued, Message.send_after > AT),
        ),
    )


def written_to(ticket_ids: Sequence[int] | BindParameter[Any]) -> ColumnElement[bool]:
    """Wherever a merge or split has moved it since."""
    if not isinstance(ticket_ids, BindParameter):
        ticket_ids = literal(list(ticket_ids), ARRAY(BigInteger))
    here = or_(Message.origin_id.is_(None), Message.origin_id == Message.ticket_id)
    return or_(and_(Message.ticket_id == any_(ticket_ids), here), Message.origin_id == any_(ticket_ids))


def readable(visitor: Visitor | Anybody, at: BindParameter[Any] | None = None) -> ColumnElement[bool]:
    """What they wrote themselves, and what was written to them: stored is delivered, once its author can no longer
    take it back. What others answered by mail is not theirs to read."""
    own = and_(Message.direction == Direction.inbound, written_by(visitor))
    return and_(
        Message.side_id.is_(None),
        Message.copy_of_id.is_(None),
        Message.withdrawn_at.is_(None),
        or_(own, has_left(at)),
    )


def has_left(at: BindParameter[Any] | None = None) -> ColumnElement[bool]:
    """Written by our side, and not to be taken back any more."""
    leaves = or_(Message.send_after.is_(None), Message.send_after <= (now() if at is None else at))
    return and_(
        Message.direction == Direction.outbound,
        Message.delivery.not_in([*WAITING, Delivery.failed]),
        or_(Message.delivery != Delivery.queued, leaves),
    )


async def highest(session: AsyncSession) -> int:
    """The highest number that any message can have by now."""
    sequence = func.pg_get_serial_sequence("message", "id")
    return await session.scalar(select(func.pg_sequence_last_value(cast(sequence, REGCLASS)))) or 0


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
    if not ticket_ids:
        return 0
    given = {"tickets": list(ticket_ids), "after": 0}
    waiting, newest = await rows(
        session, _asked(_pending, visitor, **given), _asked(_newest_of, visitor, **given)
    )
    return min(newest[0][0] or 0, waiting[0][0] - 1) if waiting[0][0] else newest[0][0] or 0


async def _newest(session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int]) -> int:
    if not ticket_ids:
        return 0
    (found,) = await rows(session, _asked(_newest_of, visitor, tickets=list(ticket_ids)))
    return found[0][0] or 0


@once
def _newest_of(is_email: bool) -> AnySelect:
    return select(func.max(Message.id)).where(written_to(TICKETS), readable(Anybody(is_email), AT))


async def last_words(session: AsyncSession, visitor: Visitor, ticket_ids: Sequence[int]) -> dict[int, str]:
    """By conversation. A ticket's own preview may show what its author can still take back."""
    if not ticket_ids:
        return {}
    place = func.coalesce(Message.origin_id, Message.ticket_id)
    last = select(func.max(Message.id)).where(written_to(ticket_ids), readable(visitor)).group_by(place)
    told = Message.direction, Message.author, Message.automatic
    found = await session.execute(select(place, Message.text, *told).where(Message.id.in_(last)))
    return {row[0]: line_of(row[1], marked=may_be_marked(*row[2:])) for row in found.all()}
