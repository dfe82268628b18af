"""Where an answer goes: to the address that the requester wrote from, if the inbox that answers can write to it."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels import registry
from helpdesk.errors import Conflict
from helpdesk.i18n import _, gettext
from helpdesk.identities import kind_name
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message
from helpdesk.people import ContactIdentity
from helpdesk.tickets import Ticket

LOOKED_AT = 50  # messages of the requester, newest first


class OutOfReach(Conflict):
    message = _("No answer from this inbox would reach the customer.")


async def recipient(session: AsyncSession, ticket: Ticket, inbox: Inbox) -> str:
    """The requester's address for answers of this inbox: the one that they last wrote from, else the first that they
    are known by. `inbox.answers_through` is loaded. Raises OutOfReach, in words."""
    writes_to = registry.get(inbox.way_out.channel).capabilities.writes_to
    identities = await session.scalars(
        select(ContactIdentity)
        .where(ContactIdentity.contact_id == ticket.contact_id)
        .order_by(ContactIdentity.id)
    )
    kinds = {each.value: each.kind for each in identities}
    for sender, written_to in await _senders(session, ticket):
        if writes_to is None or written_to == inbox.way_out.id or kinds.get(sender) in writes_to:
            return sender
    known = sorted(kinds, key=lambda value: kinds[value] != "email")
    for value in known:
        if writes_to is None or kinds[value] in writes_to:
            return value
    raise OutOfReach(_why(inbox, writes_to))


async def require(session: AsyncSession, ticket: Ticket, inbox: Inbox) -> None:
    """Before a ticket is answered from another inbox. Raises OutOfReach."""
    await session.refresh(inbox, ["answers_through"])
    await recipient(session, ticket, inbox)


async def _senders(session: AsyncSession, ticket: Ticket) -> list[tuple[str, int]]:
    """With the inbox that each wrote to, newest first."""
    found = await session.execute(
        select(Message.sender, Message.inbox_id)
        .where(
            or_(Message.ticket_id == ticket.id, Message.origin_id == ticket.id),
            Message.contact_id == ticket.contact_id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            Message.sender.is_not(None),
        )
        .order_by(Message.id.desc())
        .limit(LOOKED_AT)
    )
    return [(row[0], row[1]) for row in found.all() if row[0]]


def _why(inbox: Inbox, writes_to: frozenset[str] | None) -> str:
    if writes_to is None:
        return gettext("Nobody can be written to: this contact has no address.")
    if not writes_to:
        words = gettext("“{inbox}” answers only who wrote there, and this customer did not.")
        return words.format(inbox=inbox.name)
    words = gettext(
        "No answer from “{inbox}” would reach this customer: nothing of the kind “{kind}” is known of them. Add it to "
        "the contact first."
    )
    return words.format(inbox=inbox.name, kind=", ".join(map(kind_name, sorted(writes_to))))
