"""A ticket that an agent begins: they write first, or put down what somebody asked them in another way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from helpdesk import contacts, copying, fields, scheduling, sla
from helpdesk.access import visible_tickets
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import _, gettext
from helpdesk.identities import normal
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType, tags_called
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Contact, ContactIdentity, Team, sender_lock
from helpdesk.sla import matching
from helpdesk.tickets import Priority, Ticket


class Opening(StrEnum):
    mail = "mail"  # the first message leaves, to the requester
    note = "note"  # for colleagues only
    call = "call"  # somebody called; what was said stands as a note, and counts as answered


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What a new ticket starts with."""

    subject: str
    body: str
    opening: Opening = Opening.mail
    team: Team | None = None
    assignee: Agent | None = None
    priority: Priority = Priority.normal
    type: TicketType | None = None
    tags: Sequence[str] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    """Custom fields by key, as a form or the API gives them."""
    copies: Sequence[str] = ()
    """Addresses that are in copy of the ticket from the start."""
    send_at: datetime | None = None
    client_id: str | None = None
    """Names one attempt of one form, so that a form that is sent twice makes one ticket."""


class NoAddress(Invalid):
    message = _(
        "This person has no e-mail address, so no mail can be sent. Add one, or put down a call or a note."
    )


class NoSubject(Invalid):
    message = _("Give the ticket a subject.")


class InboxIsOff(Conflict):
    message = _("This inbox is switched off, so nothing could leave from it. Choose another one.")


async def start(
    session: AsyncSession, contact: Contact, inbox: Inbox, given: Beginning, *, by: Agent, address: str = ""
) -> tuple[Ticket, Message]:
    """`contact.identities` are loaded. `address`: where the mail goes, one of theirs; else the first they have.

    Promises count from now where the customer asked for something (a call, a note); a call is answered by itself.
    Where we write first nothing was asked, so nothing is promised until they answer. Raises Invalid or Conflict.
    """
    if sent := await _begun_before(session, contact, given.client_id):
        return sent
    subject = " ".join(given.subject.split())
    if not subject:
        raise NoSubject
    ticket = Ticket.opened(subject[:500], contact=contact, inbox=inbox, at=now())
    ticket.tags, ticket.participants = [], []
    ticket.priority = given.priority
    ticket.contact_id, ticket.inbox_id = contact.id, inbox.id
    session.add(ticket)
    ticket.team_id = given.team.id if given.team else None
    ticket.events.add(
        Event(Kind.ticket_created, by=by, inbox=inbox.id, team=ticket.team_id, opening=given.opening)
    )
    await session.flush()
    if given.opening is not Opening.mail:
        matching.promise(ticket, await matching.policies(session), now(), by=by)
    await _sort(session, ticket, given, by=by)
    message = await _say(ticket, contact, given, by=by, address=address)
    if given.assignee:
        ticket.assign(given.assignee, by=by)
    await session.flush()
    return ticket, message


async def open_of(session: AsyncSession, agent: Agent, contact: Contact, limit: int = 5) -> Sequence[Ticket]:
    """What this person has open already, as far as the agent may know."""
    query = visible_tickets(agent).where(Ticket.contact_id == contact.id, Ticket.is_active)
    return (await session.scalars(query.order_by(Ticket.last_message_at.desc()).limit(limit))).all()


async def requester(session: AsyncSession, address: str, name: str = "", *, by: Agent) -> Contact:
    """The contact with this e-mail address, made where it is new; `identities` are loaded."""
    value = normal("email", address)
    await session.execute(select(sender_lock("email", value)))
    found: Contact | None = await session.scalar(
        _with(ContactIdentity.kind == "email", ContactIdentity.value == value)
    )
    if found:
        return found
    with session.no_autoflush:  # its events are written with the ticket's
        made = await contacts.create(session, name.strip() or value, by=by, email=value)
        known = await session.scalars(select(ContactIdentity).where(ContactIdentity.contact_id == made.id))
    set_committed_value(made, "identities", list(known))
    set_committed_value(made, "company", None)
    return made


def _with(*conditions: Any) -> Any:
    return (
        select(Contact)
        .join(ContactIdentity, ContactIdentity.contact_id == Contact.id)
        .where(*conditions)
        .options(selectinload(Contact.identities), joinedload(Contact.company))
        .execution_options(populate_existing=True)
    )


async def _begun_before(
    session: AsyncSession, contact: Contact, client_id: str | None
) -> tuple[Ticket, Message] | None:
    """The same form, sent twice: by a double click, or by who went back."""
    if not client_id:
        return None
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"start:{client_id}", 0))))
    found = await session.execute(
        select(Ticket, Message)
        .join(Message, Message.ticket_id == Ticket.id)
        .where(Ticket.contact_id == contact.id, Message.client_id == client_id)
    )
    row = found.first()
    return (row[0], row[1]) if row else None


async def _sort(session: AsyncSession, ticket: Ticket, given: Beginning, *, by: Agent) -> None:
    if given.type:
        ticket.classify(given.type, by=by)
    if given.tags:
        ticket.tag(*await tags_called(session, given.tags, by=by), by=by)
    if given.fields:
        ticket.fill(await fields.load(session, Subject.ticket), given.fields, by=by)
    for address in given.copies:
        if address.strip():
            await copying.add(session, ticket, address, by=by)


async def _say(ticket: Ticket, contact: Contact, given: Beginning, *, by: Agent, address: str) -> Message:
    if given.opening is not Opening.mail:
        return _put_down(ticket, given, by=by)
    addresses = [identity.value for identity in contact.identities if identity.kind == "email"]
    if not addresses:
        raise NoAddress
    if not ticket.inbox.active:
        raise InboxIsOff
    if given.send_at:
        message = scheduling.schedule(ticket, given.body, by=by, at=given.send_at, client_id=given.client_id)
    else:
        message = ticket.reply(given.body, by=by, client_id=given.client_id)
    message.recipients = [address if address in addresses else addresses[0]]
    return message


def _put_down(ticket: Ticket, given: Beginning, *, by: Agent) -> Message:
    said = given.body.strip()
    body = (
        gettext("Phone call: %(said)s") % {"said": said}
        if given.opening is Opening.call and said
        else given.body
    )
    message = ticket.note(body, by=by, client_id=given.client_id)
    ticket.preview, ticket.last_direction = said[:160], Direction.note
    if given.opening is Opening.call:
        ticket.first_replied_at = message.sent_at
        sla.tell(ticket, Kind.replied, message.sent_at, by=by)
    return message
