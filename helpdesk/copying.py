"""Who else is written to: people in copy of a mail come into copy of its ticket, and answers go to them as well.

Only a mail whose sender is proved brings anybody: else a forged one could add the forger, who would be sent
what we answer (CVE-2024-49193, GHSA-j49f-9g94-3wh4). A stranger who was passed a reply address brings nobody.
Whoever was not added is named at the message, where an agent can add them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import options
from helpdesk.errors import Conflict
from helpdesk.events import Actor
from helpdesk.i18n import _
from helpdesk.identities import IdentityKind, NoIdentity, normal
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, InboundMessage, Match, Message, Proof, Sender
from helpdesk.participants import MOST, Part, Participant
from helpdesk.people import Agent, Contact, ContactIdentity, known_as
from helpdesk.reading import Asked, rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket

MOST_OF_A_MAIL = 10
"""A mail to more people is a circular: nobody expects our answer to reach them all."""


@dataclass(frozen=True)
class Copied:
    contact_id: int
    name: str
    address: str


async def copies(session: AsyncSession, ticket: Ticket) -> list[Copied]:
    """The people in copy, each with the address that answers go to, in the order in which they came."""
    return told((await rows(session, asked(ticket)))[0])


def asked(ticket: Ticket) -> Asked:
    """For `told`, to be asked for with other things."""
    return _in_copy(), {"ticket": ticket.id}


def told(found: Sequence[Any]) -> list[Copied]:
    return [Copied(row.id, row.name, row.address) for row in found if row.address]


@once
def _in_copy() -> AnySelect:
    address = (
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == Contact.id, ContactIdentity.kind == IdentityKind.email)
        .order_by(ContactIdentity.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(Contact.id, Contact.name, address.label("address"))
        .join(Participant, Participant.contact_id == Contact.id)
        .where(Participant.ticket_id == bindparam("ticket"), Participant.part == Part.copy)
        .order_by(Participant.id)
    )


def brings_along(inbound: InboundMessage) -> list[str]:
    """Addresses in copy that this mail may bring into its ticket; none where its sender is not proved."""
    if inbound.sender.proof is not Proof.authenticated or inbound.automatic or inbound.sender.kind != "email":
        return []
    others = dict.fromkeys(_addresses(inbound.recipients))
    others.pop(inbound.sender.address, None)
    return list(others) if len(others) <= MOST_OF_A_MAIL else []


async def bring_along(
    session: AsyncSession, ticket: Ticket, inbound: InboundMessage, contact: Contact, matched: Match | None
) -> None:
    """The caller holds the locks of these addresses (`brings_along`), and the sender takes part in the ticket."""
    addresses = brings_along(inbound)
    if not addresses or matched is Match.stranger_token or contact.is_blocked:
        return
    if not (await options.load(session)).take_copies:
        return
    ours = await _ours(session, addresses)
    await session.flush()
    await session.refresh(ticket, ["participants"])
    for address in [a for a in addresses if a not in ours][: MOST - len(ticket.participants)]:
        person = await known_as(session, Sender(address=address))
        if person.id != ticket.contact_id and not person.is_blocked:
            ticket.copy_in(person, by=contact, because="mail")


async def add(session: AsyncSession, ticket: Ticket, address: str, *, by: Actor) -> Contact:
    """Somebody by their address, who may be new; raises NoIdentity or Conflict. `participants` are loaded."""
    address = normal(IdentityKind.email, address)
    if address in await _ours(session, [address]):
        raise Ours
    # Held by a mail from this address that waits for this very ticket, it could be waited for for ever.
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_key(address)))):
        raise Busy
    person = await known_as(session, Sender(address=address))
    ticket.copy_in(person, by=by)
    return person


async def waits_to_leave(session: AsyncSession, ticket: Ticket) -> bool:
    """Whether a reply was written that has not left: to whom it goes must not change under its author's hand."""
    open_ = [state for state in Delivery if state not in {Delivery.sent, Delivery.failed, Delivery.unknown}]
    found = select(Message.id).where(
        Message.ticket_id == ticket.id, Message.delivery.in_(open_), Message.side_id.is_(None)
    )
    return await session.scalar(found.limit(1)) is not None


async def hand_to(session: AsyncSession, ticket: Ticket, contact: Contact, *, keep: bool, by: Actor) -> None:
    """Another requester; `contact` and `participants` of the ticket are loaded."""
    if contact.id != ticket.contact_id and await waits_to_leave(session, ticket):
        raise StillOnItsWay
    ticket.hand_to(contact, keep=keep, by=by)


async def _ours(session: AsyncSession, addresses: Sequence[str]) -> set[str]:
    """Inboxes' and colleagues' addresses: a mail to oneself would come back, and colleagues follow instead."""
    inboxes = select(func.lower(Inbox.address)).where(func.lower(Inbox.address).in_(addresses))
    agents = select(func.lower(Agent.email)).where(func.lower(Agent.email).in_(addresses))
    return set(await session.scalars(union(inboxes, agents)))


def _addresses(given: Iterable[str]) -> Iterable[str]:
    for address in given:
        try:
            yield normal(IdentityKind.email, address)
        except NoIdentity:
            continue


def _key(address: str) -> object:
    return func.hashtextextended(f"email:{address}", 0)


class Ours(Conflict):
    message = _("This is an address of the desk's own or of a colleague. Colleagues follow a ticket instead.")


class Busy(Conflict):
    message = _("A mail from this address is coming in right now. Try again in a moment.")


class StillOnItsWay(Conflict):
    message = _(
        "A reply to the present requester has not left yet. Take it back, or wait until it has left; then "
        "change the requester."
    )
