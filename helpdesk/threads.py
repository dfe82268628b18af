"""Which ticket an inbound message belongs to, and by what proof.

In order: a mail of our own that came back; the reply address that we gave to this very sender; the same mail
in another of our inboxes; a message of ours or theirs that it answers. A subject, a number or a display name
proves nothing, and a reference alone does not let a stranger into somebody's ticket.

What is written to a ticket that was merged follows the chain to its end, and remembers where it was written to.
Who takes part is asked of that ticket: a merge lets nobody into the other one's side. What a third party answers
(helpdesk/sides.py) lands beside the thread, by the address that they were given or, by reference, if they take part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import sides
from helpdesk.inboxes import Inbox
from helpdesk.keys import Keys
from helpdesk.merging.chains import root_id
from helpdesk.messages import InboundMessage, Match, Message
from helpdesk.participants import Participant
from helpdesk.people import Contact, ContactIdentity
from helpdesk.sides import SideConversation
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

TOKENS, REFERENCES = 10, 20  # how many a message may bring before the rest is ignored


@dataclass(frozen=True)
class Found:
    ticket: Ticket
    by: Match
    copy_of: Message | None = None
    origin_id: int | None = None
    """The ticket it was written to, where that one was merged into `ticket`."""
    side: SideConversation | None = None
    """Where it is not for the customer's thread."""


async def find(
    session: AsyncSession,
    keys: Keys,
    inbound: InboundMessage,
    contact: Contact,
    *,
    alike: Sequence[Message] = (),
) -> Found | None:
    """`alike` is the same message as other inboxes of ours have it, oldest first."""
    return (
        await _our_own(session, inbound)
        or await _by_token(session, keys, inbound)
        or await _same_mail(session, alike, contact)
        or await _by_reference(session, inbound, contact)
    )


async def _our_own(session: AsyncSession, inbound: InboundMessage) -> Found | None:
    """A reply that a forwarding rule brought back to its inbox is a copy of itself, not another ticket."""
    if not (inbound.automatic and inbound.external_id):
        return None
    reply = await session.scalar(
        select(Message)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .where(
            func.md5(Message.external_id) == func.md5(inbound.external_id),
            Message.external_id == inbound.external_id,
            Message.direction == "outbound",
            Inbox.address == inbound.sender.address,
        )
        .limit(1)
    )
    return await _beside(session, reply) if reply else None


async def _by_token(session: AsyncSession, keys: Keys, inbound: InboundMessage) -> Found | None:
    sender = inbound.sender.address
    for token in inbound.tokens[:TOKENS]:
        if not (key := keys.ticket_key(token)):
            continue
        named = await _locked(session, Ticket.reply_key == key)
        ticket_id = (
            named.id if named else await session.scalar(select(Ticket.id).where(Ticket.reply_key == key))
        )
        if ticket_id is None:
            if found := await _by_side_token(session, keys, token, key, sender):
                return found
        elif by := await _proof(session, keys, token, ticket_id, sender):
            return Found(named, by) if named else await _found(session, ticket_id, by)
    return None


async def _proof(session: AsyncSession, keys: Keys, token: str, ticket_id: int, sender: str) -> Match | None:
    if keys.signed_for(token, [sender]):
        return Match.token
    if not keys.signed_for(token, await _taking_part(session, ticket_id)):
        return None
    return Match.participant if await _is_in_copy(session, ticket_id, sender) else Match.stranger_token


async def _by_side_token(
    session: AsyncSession, keys: Keys, token: str, key: bytes, sender: str
) -> Found | None:
    """One token a conversation, so everybody in it is known by it; others have it from one of them."""
    side = await sides.found_by(session, key)
    if not side or not keys.signed_for(token, side.addresses):
        return None
    by = Match.token if sides.takes_part(side, sender) else Match.stranger_token
    return await _found(session, side.ticket_id, by, side=side)


async def _same_mail(session: AsyncSession, alike: Sequence[Message], contact: Contact) -> Found | None:
    """One mail to two of our inboxes is one message an inbox, on one ticket."""
    twin = next((m for m in alike if m.contact_id == contact.id and m.copy_of_id is None), None)
    return await _beside(session, twin) if twin else None


async def _beside(session: AsyncSession, twin: Message) -> Found | None:
    found = await _found(session, twin.ticket_id, Match.same_mail, copy_of=twin)
    return found and replace(found, origin_id=twin.origin_id)


async def _by_reference(session: AsyncSession, inbound: InboundMessage, contact: Contact) -> Found | None:
    for external_id in inbound.thread[:REFERENCES]:
        answered = await session.execute(
            select(Message.ticket_id, Message.origin_id, Message.side_id)
            .where(func.md5(Message.external_id) == func.md5(external_id), Message.external_id == external_id)
            .order_by(Message.id.desc())
            .limit(3)
        )
        for ticket_id, origin_id, side_id in answered.all():
            if found := await _answers(
                session, ticket_id, origin_id, side_id, contact, inbound.sender.address
            ):
                return found
    return None


async def _answers(
    session: AsyncSession,
    ticket_id: int,
    origin_id: int | None,
    side_id: int | None,
    contact: Contact,
    address: str,
) -> Found | None:
    """A mail by this sender that names a message of this ticket, side conversation or merged ticket."""
    side = await session.get(SideConversation, side_id) if side_id else None
    if side and sides.takes_part(side, address):
        return await _found(session, ticket_id, Match.reference, side=side)
    # What was moved by a split stands on its own; what was moved by a merge still belongs to its old ticket.
    merged = origin_id and origin_id != ticket_id and await root_id(session, origin_id) == ticket_id
    written_to = origin_id if merged and origin_id else ticket_id
    owner = await session.scalar(select(Ticket.contact_id).where(Ticket.id == written_to))
    if owner == contact.id or address in await _taking_part(session, written_to):
        return await _found(session, written_to, Match.reference)
    return None


async def _found(
    session: AsyncSession,
    ticket_id: int,
    by: Match,
    *,
    copy_of: Message | None = None,
    side: SideConversation | None = None,
) -> Found | None:
    """The ticket, locked until the commit so that two replies at once change its status one after the other.

    A merge or its undoing at the same moment needs the same lock, so the end of the chain is asked for until it is
    the one that is held.
    """
    while True:
        if ticket := await _locked(session, Ticket.id == ticket_id):
            return Found(ticket, by, copy_of, side=side)
        end = await root_id(session, ticket_id)
        if end is None:
            return None
        ticket = await _locked(session, Ticket.id == end) if end != ticket_id else None
        if ticket and await root_id(session, ticket_id) == end:
            return Found(ticket, by, copy_of, origin_id=ticket_id, side=side)


async def again(session: AsyncSession, ticket_id: int, by: Match) -> Found | None:
    """Another ticket of the same person, to which what proved the first one leads on."""
    return await _found(session, ticket_id, by)


async def _locked(session: AsyncSession, condition: ColumnElement[bool]) -> Ticket | None:
    """None where it is merged into another one."""
    query = select(Ticket).where(condition, Ticket.merged_into_id.is_(None))
    return await session.scalar(
        query.with_for_update(of=Ticket, key_share=True)
        .options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
        .execution_options(populate_existing=True)
    )


async def _taking_part(session: AsyncSession, ticket_id: int) -> list[str]:
    """The requester's addresses, those in copy, and those we ourselves wrote to on this ticket."""
    here = and_(Message.ticket_id == ticket_id, func.coalesce(Message.origin_id, ticket_id) == ticket_id)
    written_to = await session.scalars(
        select(func.unnest(Message.recipients + Message.copies))
        .where(or_(here, Message.origin_id == ticket_id))
        .where(Message.direction == "outbound", Message.side_id.is_(None))
        .distinct()
    )
    in_copy = await session.scalars(_in_copy(ticket_id))
    owner = select(Ticket.contact_id).where(Ticket.id == ticket_id).scalar_subquery()
    theirs = await session.scalars(select(ContactIdentity.value).where(ContactIdentity.contact_id == owner))
    return [*theirs, *in_copy, *written_to]


async def _is_in_copy(session: AsyncSession, ticket_id: int, address: str) -> bool:
    return await session.scalar(_in_copy(ticket_id).where(ContactIdentity.value == address)) is not None


def _in_copy(ticket_id: int) -> Select[str]:
    """The addresses of people in copy."""
    return (
        select(ContactIdentity.value)
        .join(Participant, Participant.contact_id == ContactIdentity.contact_id)
        .where(Participant.ticket_id == ticket_id)
    )
