"""A visitor proves an address by six digits that are mailed to it, and is that customer from then on.

Whether the desk knows the address is told to nobody: a code is mailed to any address and asked for alike, and only
whoever reads that mailbox comes to see what is the customer's. What they wrote while they were unknown becomes the
customer's by a merge of contacts, which an agent can take back.
"""

import os
from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import codes, contact_merges
from helpdesk.chat import conversations
from helpdesk.chat.rows import ChatCode, Visitor
from helpdesk.chat.visitors import UNKNOWN, fresh_token, live_name
from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.errors import Conflict, HelpdeskError, Invalid
from helpdesk.events import DESK, Event, Kind
from helpdesk.holding import held
from helpdesk.i18n import _
from helpdesk.keys import Keys
from helpdesk.messages import Proof, Sender
from helpdesk.people import Contact, ContactIdentity, known_as, sender_lock

GOOD_FOR = timedelta(minutes=10)
KNOWN_FOR = timedelta(days=30)
"""How long the browser is that customer's, without another code."""
TRIES = 3
OF_ADDRESS, OF_VISITOR, OF_ORIGIN, OF_ALL = 3, 6, 12, 300
"""Codes in an hour; of an address beyond that, what is asked for is answered alike and sends nothing."""
HOUR = timedelta(hours=1)
PURPOSE = "chat code"


class KnownAlready(Conflict):
    message = _("The desk knows already who you are.")


class TooManyCodes(HelpdeskError):
    status = 429
    message = _("Too many codes were asked for from here. Try again in an hour.")


class WrongCode(Invalid):
    message = _("This code is not right, or it is too old. Ask for a new one if it is.")


async def ask(session: AsyncSession, keys: Keys, visitor: Visitor, address: str, *, origin: str) -> bool:
    """`address` is normal. Whether a mail leaves, which is told to tests and to nobody else. Raises KnownAlready,
    TooManyCodes."""
    if visitor.is_vouched:
        raise KnownAlready
    asked_from = codes.digest(keys, PURPOSE, b"origin", origin)
    await session.execute(select(sender_lock("chat code", address)))
    since = now() - HOUR
    of_address, of_visitor, of_origin, of_all = (
        await session.execute(
            select(
                func.count().filter(ChatCode.address == address),
                func.count().filter(ChatCode.visitor_id == visitor.id),
                func.count().filter(ChatCode.origin == asked_from),
                func.count(),
            ).where(ChatCode.created_at > since)
        )
    ).one()
    if of_visitor >= OF_VISITOR or of_origin >= OF_ORIGIN or of_all >= OF_ALL:
        raise TooManyCodes
    if of_address >= OF_ADDRESS:
        return False
    nonce = os.urandom(16)
    made = ChatCode(
        visitor_id=visitor.id,
        address=address,
        origin=asked_from,
        nonce=nonce,
        digest=codes.digest(keys, PURPOSE, nonce, codes.digits(keys, PURPOSE, nonce)),
        tries=0,
        expires_at=now() + GOOD_FOR,
    )
    session.add(made)
    await session.flush()
    session.add(Event(Kind.chat_code_asked, by=DESK, about=made, inbox=visitor.inbox_id))
    return True


async def prove(session: AsyncSession, keys: Keys, visitor: Visitor, digits: str) -> str | None:
    """The browser's new token, or None where the digits are wrong: then the caller commits, so that it counts.

    Raises WrongCode where there is nothing to answer any more."""
    code = await session.scalar(
        select(ChatCode)
        .where(
            ChatCode.visitor_id == visitor.id,
            ChatCode.used_at.is_(None),
            ChatCode.tries < TRIES,
            ChatCode.expires_at > now(),
        )
        .order_by(ChatCode.id.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if code is None or visitor.is_vouched:
        raise WrongCode
    code.tries += 1
    if not codes.is_right(keys, PURPOSE, code.nonce, code.digest, digits):
        return None
    code.used_at = now()
    return await _belongs(session, visitor, code.address)


async def _belongs(session: AsyncSession, visitor: Visitor, address: str) -> str:
    """What this browser is and has said is the customer's of this address."""
    before = live_name(visitor)
    customer = await _with_their_words(session, visitor, address)
    token = fresh_token(visitor)  # whoever else has the one before has nothing of the customer's
    visitor.unknown_as, visitor.kind, visitor.address = visitor.address, "email", address
    visitor.email, visitor.proved_at, visitor.expires_at = "", now(), now() + KNOWN_FOR
    await session.flush()
    newest = next(iter(await conversations.of(session, visitor)), None)
    if customer and newest and (ticket := await held(session, newest.ticket_id)):
        ticket.events.add(Event(Kind.address_proved, by=customer))
    await session.execute(select(func.pg_notify(CHANNEL, before)))
    return token


async def _with_their_words(session: AsyncSession, visitor: Visitor, address: str) -> Contact | None:
    """The customer, to whom the unknown contact was joined; None where they have said nothing yet."""
    for kind, value in (
        (UNKNOWN, visitor.address),
        ("email", address),
    ):  # in the order that merging has as well
        await session.execute(select(sender_lock(kind, value)))
    identity = await session.scalar(
        select(ContactIdentity).where(
            ContactIdentity.kind == UNKNOWN, ContactIdentity.value == visitor.address
        )
    )
    if identity is None:
        return None
    unknown = await session.get_one(Contact, identity.contact_id)
    others = select(func.count()).where(ContactIdentity.contact_id == unknown.id)
    sender = Sender(address=address, name=visitor.name, kind="email", proof=Proof.authenticated)
    customer = await known_as(session, sender)
    if customer.id == unknown.id:
        identity.proof, identity.verified_at = Proof.authenticated, now()
        return customer
    if await session.scalar(others) != 1 or unknown.erased_at:
        return (
            customer  # a colleague has made them somebody: that is not undone by who proves another address
        )
    identity.proof, identity.verified_at = Proof.authenticated, now()
    await contact_merges.merge(session, customer, unknown, by=customer)
    return customer


async def forget_codes(session: AsyncSession) -> None:
    """Which count no more."""
    await session.execute(delete(ChatCode).where(ChatCode.created_at < now() - HOUR - GOOD_FOR))
