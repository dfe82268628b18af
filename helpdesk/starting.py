"""A ticket that an agent begins: they write first, or put down what somebody asked them in another way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

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
from helpdesk.people import Agent, Contact, ContactIdentity, Team
from helpdesk.reading import rows
from helpdesk.sla import matching
from helpdesk.statements import AnySelect, once
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
    if contact not in session.new and (sent := await _begun_before(session, contact, given.client_id)):
        return sent
    subject = " ".join(given.subject.split())
    if not subject:
        raise NoSubject
    with session.no_autoflush:
        promises = [] if given.opening is Opening.mail else await matching.policies(session)
    ticket = Ticket.opened(subject[:500], contact=contact, inbox=inbox, at=now())
    ticket.tags, ticket.participants = [], []
    ticket.priority = given.priority
    ticket.contact_id, ticket.inbox_id = contact.id, inbox.id
    session.add(ticket)
    ticket.team_id = given.team.id if given.team else None
    ticket.events.add(
        Event(Kind.ticket_created, by=by, inbox=inbox.id, team=ticket.team_id, opening=given.opening)
    )
    if given.tags or given.fields or given.copies:  # these ask the database; all else is one flush
        await session.flush()
    matching.promise(ticket, promises, now(), by=by)
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
    """The contact with this e-mail address, made where it is new; `identities` are loaded.

    One that is new is written with what comes next.
    """
    value = normal("email", address)
    _locked, known, (ids,) = await rows(
        session, (_lock(), {"name": f"email:{value}"}), (_known_as(), {"address": value}), (_next_ids(), {})
    )
    if not known:
        return contacts.introduce(session, ids.contact, ids.contact_identity, name.strip(), value, by=by)
    found: Contact = (await session.scalars(_whole(), {"contact": known[0].contact_id})).one()
    return found


@once
def _lock() -> AnySelect:
    """As `sender_lock`; a statement of its own, so that the next one sees what its holder has written."""
    return select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("name", type_=Text), 0)))


@once
def _known_as() -> AnySelect:
    return select(ContactIdentity.contact_id).where(
        ContactIdentity.kind == "email", ContactIdentity.value == bindparam("address")
    )


@once
def _next_ids() -> AnySelect:
    names = [kind.__tablename__ for kind in (Contact, ContactIdentity)]
    return select(*(func.nextval(func.pg_get_serial_sequence(name, "id")).label(name) for name in names))


@once
def _whole() -> AnySelect:
    return (
        select(Contact)
        .where(Contact.id == bindparam("contact"))
        .options(selectinload(Contact.identities), joinedload(Contact.company))
        .execution_options(populate_existing=True)
    )


async def _begun_before(
    session: AsyncSession, contact: Contact, client_id: str | None
) -> tuple[Ticket, Message] | None:
    """The same form, sent twice: by a double click, or by who went back."""
    if not client_id:
        return None
    _locked, found = await rows(
        session,
        (_lock(), {"name": f"start:{client_id}"}),
        (_begun(), {"contact": contact.id, "attempt": client_id}),
    )
    if not found:
        return None
    ticket = await session.get_one(Ticket, found[0].ticket_id)
    return ticket, await session.get_one(Message, found[0].id)


@once
def _begun() -> AnySelect:
    return (
        select(Message.id, Message.ticket_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Ticket.contact_id == bindparam("contact"), Message.client_id == bindparam("attempt"))
    )


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
