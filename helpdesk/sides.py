"""Side conversations: what is said about a ticket with somebody else, apart from its customer.

A carrier, a supplier, another department: they get a mail of their own with what was chosen for them, under a reply
address of their own. What they answer stands in the ticket beside the thread; it is never quoted or sent to the
customer, and starts or ends no promise. Their messages carry `side_id`.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, selectinload
from sqlalchemy.types import Text

from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.identities import normal
from helpdesk.inboxes import Inbox
from helpdesk.messages import Attachment, Delivery, Direction, InboundMessage, Match, Message
from helpdesk.participants import Participant
from helpdesk.people import Agent, Contact, ContactIdentity
from helpdesk.statuses import Category
from helpdesk.texts import clean
from helpdesk.tickets import UNDO, Ticket

MOST = 20  # addresses


class SideConversation(Row):
    __tablename__ = "side_conversation"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    """Where it was begun; after a merge its messages stand in the other ticket."""
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    subject: Mapped[str]
    addresses: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Who takes part, in lower case."""
    reply_key: Mapped[bytes] = mapped_column(default=lambda: secrets.token_bytes(16), unique=True)
    last_message_at: Mapped[datetime] = mapped_column(default=now)


class NobodyToWriteTo(Invalid):
    message = _("Enter at least one e-mail address, and at most 20.")


class OwnAddress(Invalid):
    message = _("This is the desk's own address; a side conversation is with somebody else.")


class NotHere(Conflict):
    message = _("What you wanted to forward is not in this ticket any more. Reload the page.")


class StillMerged(Conflict):
    message = _("This ticket was merged into another one. Write there.")


async def begin(
    session: AsyncSession,
    ticket: Ticket,
    to: Sequence[str],
    *,
    subject: str,
    body: str,
    by: Agent,
    forwarded: Collection[int] = (),
    files: Collection[int] = (),
    client_id: str | None = None,
    wait: timedelta = UNDO,
) -> Message:
    """Forward messages (ids of this ticket's) and attachments of theirs to somebody else, with words of one's own.

    The message's `side_id` names the conversation; uploads may be added to its `attachments`. It leaves after
    `wait`. Raises NobodyToWriteTo, OwnAddress, NotHere, Empty.
    """
    if ticket.merged_into_id:
        raise StillMerged
    addresses = await _addresses(session, to)
    side = SideConversation(
        ticket_id=ticket.id,
        agent_id=by.id,
        subject=(" ".join(clean(subject).split()) or forward_subject(ticket.subject))[:500],
        addresses=addresses,
    )
    session.add(side)
    await session.flush()
    chosen = await _chosen(session, ticket, forwarded)
    copies = await _copies(session, ticket, files)
    words = "\n\n".join([body.strip(), *(quoted(message) for message in chosen)])
    message = _written(ticket, side, words, by=by, client_id=client_id, wait=wait)
    message.attachments.extend(copies)
    return message


def answer(
    ticket: Ticket,
    side: SideConversation,
    body: str,
    *,
    by: Agent,
    client_id: str | None = None,
    wait: timedelta = UNDO,
) -> Message:
    """Write to the third party again; uploads may be added to its `attachments`."""
    return _written(ticket, side, body, by=by, client_id=client_id, wait=wait)


def receive(
    ticket: Ticket,
    side: SideConversation,
    inbound: InboundMessage,
    contact: Contact,
    *,
    inbox: Inbox,
    matched: Match,
) -> Message:
    """They answered. The customer's clocks, preview and promises stay as they are; a ticket that was on hold, which
    is to wait for somebody like them, is open again."""
    message = Message.inbound(inbound, contact, inbox=inbox, matched=matched)
    message.side_id = side.id
    side.last_message_at = max(side.last_message_at, message.created_at)
    ticket.messages.add(message)
    ticket.events.add(Event(Kind.third_party_answered, by=contact, message=message, side=side.id))
    if ticket.category is Category.on_hold and not inbound.automatic:
        ticket.take_up(by=DESK)
    return message


def takes_part(side: SideConversation, address: str) -> bool:
    return address.lower() in side.addresses


async def found_by(session: AsyncSession, reply_key: bytes) -> SideConversation | None:
    return await session.scalar(select(SideConversation).where(SideConversation.reply_key == reply_key))


async def of_ticket(session: AsyncSession, ticket: Ticket) -> Sequence[SideConversation]:
    """Those with messages in this ticket, the newest conversation first."""
    here = select(Message.side_id).where(Message.ticket_id == ticket.id, Message.side_id.is_not(None))
    query = select(SideConversation).where(SideConversation.id.in_(here))
    return (await session.scalars(query.order_by(SideConversation.last_message_at.desc()))).all()


async def customers_among(session: AsyncSession, ticket: Ticket, addresses: Sequence[str]) -> list[str]:
    """Addresses of the requester or of contacts in copy: writing to them here is most likely a mistake."""
    copied = select(Participant.contact_id).where(
        Participant.ticket_id == ticket.id, Participant.contact_id.is_not(None)
    )
    known = await session.scalars(
        select(ContactIdentity.value).where(
            ContactIdentity.kind == "email",
            ContactIdentity.contact_id.in_(copied) | (ContactIdentity.contact_id == ticket.contact_id),
        )
    )
    theirs = set(known)
    return [address for address in addresses if address.strip().lower() in theirs]


def forward_subject(subject: str) -> str:
    return f"Fwd: {' '.join(subject.split())}"


def quoted(message: Message) -> str:
    """A forwarded message in plain text, as mail programs write it."""
    who = message.contact.name if message.contact else message.agent.name if message.agent else message.sender
    head = [
        gettext("---------- Forwarded message ----------"),
        gettext("From: %(who)s") % {"who": " ".join((who or "").split())},
        gettext("Date: %(when)s") % {"when": f"{message.sent_at:%Y-%m-%d %H:%M} UTC"},
    ]
    return "\n".join([*head, "", message.text.strip()])


def _written(
    ticket: Ticket, side: SideConversation, body: str, *, by: Agent, client_id: str | None, wait: timedelta
) -> Message:
    message = Message.written(Direction.outbound, body, by=by, inbox_id=ticket.inbox_id)
    message.side_id, message.client_id, message.attachments = side.id, client_id, []
    message.recipients = list(side.addresses)
    message.delivery, message.send_after = Delivery.queued, message.sent_at + wait
    side.last_message_at = message.created_at
    ticket.messages.add(message)
    ticket.events.add(Event(Kind.forwarded, by=by, message=message, side=side.id))
    return message


def withdraw(ticket: Ticket, message: Message, *, by: Agent) -> None:
    """Take back what has not left; the ticket itself never changed by it."""
    if message.delivery is not Delivery.queued or message.attempts or message.side_id is None:
        raise AlreadyLeft
    message.delivery, message.withdrawn_at = None, now()
    ticket.events.add(Event(Kind.reply_withdrawn, by=by, message=message))


class AlreadyLeft(Conflict):
    message = _("This has already left and cannot be taken back.")


async def _addresses(session: AsyncSession, to: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(normal("email", address) for address in to if address.strip()))
    if not 1 <= len(found) <= MOST:
        raise NobodyToWriteTo
    if await session.scalar(select(Inbox.id).where(func.lower(Inbox.address).in_(found)).limit(1)):
        raise OwnAddress
    return found


async def _chosen(session: AsyncSession, ticket: Ticket, ids: Collection[int]) -> Sequence[Message]:
    """Notes are for colleagues, so they are never forwarded."""
    query = select(Message).where(
        Message.id.in_(ids), Message.ticket_id == ticket.id, Message.direction != Direction.note
    )
    loaded = query.options(joinedload(Message.contact), joinedload(Message.agent)).order_by(Message.id)
    found = (await session.scalars(loaded)).all()
    if len(found) < len(set(ids)):
        raise NotHere
    return found


async def _copies(session: AsyncSession, ticket: Ticket, ids: Collection[int]) -> list[Attachment]:
    """Other rows for the same stored bytes."""
    query = select(Attachment).join(Message, Message.id == Attachment.message_id)
    query = query.where(
        Attachment.id.in_(ids), Message.ticket_id == ticket.id, Message.direction != Direction.note
    )
    found = (await session.scalars(query.order_by(Attachment.id))).all()
    if len(found) < len(set(ids)):
        raise NotHere
    return [
        Attachment(
            name=a.name, content_type=a.content_type, size=a.size, key=a.key, content_id=None, inline=False
        )
        for a in found
    ]


async def said(session: AsyncSession, ticket: Ticket, side: SideConversation) -> Sequence[Message]:
    """What was said in it, oldest first, with authors and attachments."""
    query = (
        select(Message)
        .where(Message.side_id == side.id, Message.ticket_id == ticket.id, Message.copy_of_id.is_(None))
        .options(joinedload(Message.contact), joinedload(Message.agent), selectinload(Message.attachments))
        .order_by(Message.id)
    )
    return (await session.scalars(query)).all()
