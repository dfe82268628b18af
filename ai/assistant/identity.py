"""Who writes, before anything personal: a token that the company's own site signed, or six digits by mail.

How digits are made and kept: helpdesk.codes.
"""

import os
import re
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.rows import Code
from ai.assistant.wording import hidden, wording
from ai.questions import matter
from helpdesk import codes, options
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.events import ASSISTANT, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.keys import Keys
from helpdesk.messages import Direction, Message, OutboundMessage, Proof
from helpdesk.people import ContactIdentity
from helpdesk.tickets import Ticket

GOOD_FOR = timedelta(minutes=10)
VERIFIED_FOR = timedelta(minutes=30)
TRIES = 3
SENDS = 3
"""To one address in an hour."""
PER_TICKET = 6
DIGITS = re.compile(r"(?<!\d)(\d{3})[ -]?(\d{3})(?!\d)")
PURPOSE = "assistant code"


async def is_verified(session: AsyncSession, ticket: Ticket) -> bool:
    """A code within the last half hour, or this message came with the site's own signature."""
    since = now() - VERIFIED_FOR
    code = await session.scalar(
        select(Code.id)
        .where(Code.ticket_id == ticket.id, Code.contact_id == ticket.contact_id, Code.verified_at > since)
        .limit(1)
    )
    if code:
        return True
    # DMARC proves a domain, not who sits at the keyboard of a shared mailbox: of mail it is no proof here.
    signed = await session.scalar(
        select(Message.id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(
            Message.ticket_id == ticket.id,
            Message.contact_id == ticket.contact_id,
            Message.direction == Direction.inbound,
            Message.proof == Proof.authenticated,
            Inbox.channel.not_in(["email", "form"]),
            # In a channel of Slack others read along: what is personal is said in direct messages alone.
            or_(Inbox.channel != "slack", Message.external_id.startswith("D")),
            Message.created_at > since,
        )
        .limit(1)
    )
    return signed is not None


async def send_code(session: AsyncSession, keys: Keys, ticket: Ticket) -> str | None:
    """Mail a code to the contact's address on file; what it is called to the customer, or None where it may not.

    Not from Slack, where it would stand in the thread for everybody to read, nor from a chat, which mails nothing."""
    if ticket.inbox.channel in {"slack", "chat"} and ticket.inbox.answers_through_id is None:
        return None
    address = await session.scalar(
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == ticket.contact_id, ContactIdentity.kind == "email")
        .order_by(ContactIdentity.verified_at.asc().nulls_last(), ContactIdentity.id)
        .limit(1)
    )
    if not address:
        return None
    sent, here = (
        await session.execute(
            select(
                func.count().filter(Code.address == address, Code.created_at > now() - timedelta(hours=1)),
                func.count().filter(Code.ticket_id == ticket.id),
            ).where(or_(Code.address == address, Code.ticket_id == ticket.id))
        )
    ).one()
    if sent >= SENDS or here >= PER_TICKET:
        return None
    nonce = os.urandom(16)
    desk = (await options.load(session)).desk_name or ticket.inbox.name
    body = wording(ticket.language).code.format(code="••••••", desk=desk)
    message = ticket.announce(body, by=ASSISTANT, wait=timedelta(0))
    message.recipients = [address]
    await session.flush()
    session.add(
        Code(
            ticket_id=ticket.id,
            contact_id=ticket.contact_id,
            address=address,
            nonce=nonce,
            digest=codes.digest(keys, PURPOSE, nonce, digits_of(keys, nonce)),
            message_id=message.id,
            tries=0,
            expires_at=now() + GOOD_FOR,
        )
    )
    ticket.events.add(Event(Kind.assistant_code_sent, by=ASSISTANT, message=message))
    return hidden(address)


async def open_code(session: AsyncSession, ticket: Ticket) -> Code | None:
    """The newest that can still be answered, locked."""
    return await session.scalar(
        select(Code)
        .where(
            Code.ticket_id == ticket.id,
            Code.contact_id == ticket.contact_id,
            Code.verified_at.is_(None),
            Code.tries < TRIES,
            Code.expires_at > now(),
        )
        .order_by(Code.id.desc())
        .limit(1)
        .with_for_update()
    )


def given(text: str) -> str | None:
    """Six digits in a short answer."""
    said = matter(text)[:400]
    found = DIGITS.search(said)
    return found[1] + found[2] if found else None


def prove(session: AsyncSession, keys: Keys, ticket: Ticket, code: Code, digits: str) -> bool:
    """One try; counted whether it is right or not."""
    code.tries += 1
    if not codes.is_right(keys, PURPOSE, code.nonce, code.digest, digits):
        return False
    code.verified_at = now()
    ticket.events.add(Event(Kind.assistant_verified, by=ASSISTANT))
    return True


async def with_code(
    desk: Desk, session: AsyncSession, message: Message, outbound: OutboundMessage
) -> OutboundMessage:
    """The mail as it leaves: with the digits, which stand nowhere else."""
    nonce = await session.scalar(select(Code.nonce).where(Code.message_id == message.id))
    if nonce is None:
        return outbound
    return replace(outbound, text=outbound.text.replace("••••••", digits_of(desk.keys, nonce), 1))


def digits_of(keys: Keys, nonce: bytes) -> str:
    return codes.digits(keys, PURPOSE, nonce)
