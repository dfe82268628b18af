"""Which ticket an inbound message belongs to, and by what proof.

In order: a mail of our own that came back; the reply address that we gave to this very sender; the same mail
in another of our inboxes; a message of ours or theirs that it answers. A subject, a number or a display name
proves nothing, and a reference alone does not let a stranger into somebody's ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.inboxes import Inbox
from helpdesk.keys import Keys
from helpdesk.messages import InboundMessage, Match, Message
from helpdesk.participants import Participant
from helpdesk.people import Contact, ContactIdentity, addresses_of
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

TOKENS, REFERENCES = 10, 20  # how many a message may bring before the rest is ignored


@dataclass(frozen=True)
class Found:
    ticket: Ticket
    by: Match
    copy_of: Message | None = None


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
    if not reply or not (ticket := await _ticket(session, Ticket.id == reply.ticket_id)):
        return None
    return Found(ticket, Match.same_mail, copy_of=reply)


async def _by_token(session: AsyncSession, keys: Keys, inbound: InboundMessage) -> Found | None:
    for token in inbound.tokens[:TOKENS]:
        if not (key := keys.ticket_key(token)) or not (
            ticket := await _ticket(session, Ticket.reply_key == key)
        ):
            continue
        if keys.signed_for(token, [inbound.sender.address]):
            return Found(ticket, Match.token)
        taking_part = await _taking_part(session, ticket)
        if keys.signed_for(token, taking_part):
            known = await _is_in_copy(session, ticket, inbound.sender.address)
            return Found(ticket, Match.participant if known else Match.stranger_token)
    return None


async def _same_mail(session: AsyncSession, alike: Sequence[Message], contact: Contact) -> Found | None:
    """One mail to two of our inboxes is one message an inbox, on one ticket."""
    twin = next((m for m in alike if m.contact_id == contact.id and m.copy_of_id is None), None)
    if not twin or not (ticket := await _ticket(session, Ticket.id == twin.ticket_id)):
        return None
    return Found(ticket, Match.same_mail, copy_of=twin)


async def _by_reference(session: AsyncSession, inbound: InboundMessage, contact: Contact) -> Found | None:
    for external_id in inbound.thread[:REFERENCES]:
        answered = await session.scalars(
            select(Message.ticket_id)
            .where(func.md5(Message.external_id) == func.md5(external_id), Message.external_id == external_id)
            .order_by(Message.id.desc())
            .limit(3)
        )
        for ticket_id in answered:
            ticket = await _ticket(session, Ticket.id == ticket_id)
            if ticket and await _takes_part(session, ticket, contact, inbound.sender.address):
                return Found(ticket, Match.reference)
    return None


async def _ticket(session: AsyncSession, condition: object) -> Ticket | None:
    """Locked until the commit, so that two replies at once change its status one after the other."""
    query = select(Ticket).where(condition).with_for_update(of=Ticket)  # type: ignore[arg-type]
    return await session.scalar(
        query.options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
    )


async def _takes_part(session: AsyncSession, ticket: Ticket, contact: Contact, address: str) -> bool:
    return ticket.contact_id == contact.id or address in await _taking_part(session, ticket)


async def _taking_part(session: AsyncSession, ticket: Ticket) -> list[str]:
    """The requester's addresses, those in copy, and those we ourselves wrote to on this ticket."""
    written_to = await session.scalars(
        select(func.unnest(Message.recipients + Message.copies))
        .where(Message.ticket_id == ticket.id, Message.direction == "outbound")
        .distinct()
    )
    in_copy = await session.scalars(_in_copy(ticket))
    return [*await addresses_of(session, ticket.contact_id), *in_copy, *written_to]


async def _is_in_copy(session: AsyncSession, ticket: Ticket, address: str) -> bool:
    return await session.scalar(_in_copy(ticket).where(ContactIdentity.value == address)) is not None


def _in_copy(ticket: Ticket) -> Select[str]:
    """The addresses of people in copy."""
    return (
        select(ContactIdentity.value)
        .join(Participant, Participant.contact_id == ContactIdentity.contact_id)
        .where(Participant.ticket_id == ticket.id)
    )
