"""Contacts as agents work with them: who may know of whom, what they change, and what they note.

Every query for contacts starts from `visible_contacts`. An agent with `contact:read` knows of every contact, since
anybody may write next; who reaches only tickets that were given to them (light agents, roles with reach
`assigned`) knows of the people of those tickets only, as does who may read contacts in one team alone. What
people wrote is a ticket's, and always goes through `visible_tickets` besides.
"""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from sqlalchemy import ColumnElement, ForeignKey, Select, and_, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from helpdesk.access import Action, granted, granted_in, is_visible, reach
from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.identities import normal
from helpdesk.messages import Proof
from helpdesk.participants import Participant
from helpdesk.people import Agent, Company, Contact, ContactIdentity, Origin, Reach, Role, sender_lock
from helpdesk.texts import clean
from helpdesk.tickets import Ticket

LONGEST = 200  # characters of a name or a title that an agent writes
LONGEST_NOTE = 20_000


class ContactNote(Row):
    """What a colleague wrote down about a person; the person never sees it."""

    __tablename__ = "contact_note"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    text: Mapped[str]

    agent: Mapped[Agent | None] = relationship(lazy="raise")


class Nameless(Invalid):
    message = _("A contact needs a name.")


class Taken(Conflict):
    message = _("This address belongs to another contact. Merge the two if they are the same person.")


class UnknownLanguage(Invalid):
    message = _("This is no language that the desk knows; use a code such as de, fr or pt-BR.")


class UnknownZone(Invalid):
    message = _("This is no time zone that the desk knows; use a name such as Europe/Berlin.")


def knows_all(agent: Agent, action: Action = Action.read_contacts) -> bool:
    """Whether the agent may do this to every contact, and not only to people of tickets."""
    return agent.active and action in granted(agent) and not _by_tickets_only(agent)


def is_known(agent: Agent, action: Action = Action.read_contacts) -> ColumnElement[bool]:
    """The contacts that this agent may do this to, as a condition on Contact; by default: know of."""
    if knows_all(agent, action):
        return true()
    if not agent.active:
        return false()
    if action in granted(agent):
        return _of_tickets(is_visible(agent))
    teams = [team for team, actions in granted_in(agent).items() if action in actions]
    return _of_tickets(and_(is_visible(agent), Ticket.team_id.in_(teams))) if teams else false()


def visible_contacts(agent: Agent, action: Action = Action.read_contacts) -> Select[Contact]:
    """Those that were merged into another are not among them: the other stands for both."""
    return select(Contact).where(is_known(agent, action), Contact.merged_into_id.is_(None))


def _by_tickets_only(agent: Agent) -> bool:
    return reach(agent) is Reach.assigned or (agent.custom_role is None and agent.role is Role.light_agent)


def _of_tickets(seen: ColumnElement[bool]) -> ColumnElement[bool]:
    copied = aliased(Participant)
    asked = select(Ticket.contact_id).where(seen).correlate(None)
    in_copy = (
        select(copied.contact_id).join(Ticket, Ticket.id == copied.ticket_id).where(seen).correlate(None)
    )
    return or_(Contact.id.in_(asked), Contact.id.in_(in_copy))


async def create(
    session: AsyncSession, name: str, *, by: Actor, email: str = "", company: Company | None = None
) -> Contact:
    """A contact that an agent, an API client or an import makes; raises Taken where the address is known."""
    contact = Contact(
        name=_line(name) or email.strip(), company_id=company.id if company else None, fields={}
    )
    if not contact.name:
        raise Nameless
    session.add(contact)
    await session.flush()
    session.add(Event(Kind.contact_created, by=by, about=contact, company=contact.company_id))
    if email.strip():
        await add_identity(session, contact, "email", email, by=by)
    return contact


def introduce(
    session: AsyncSession, contact_id: int, identity_id: int, name: str, email: str, *, by: Actor
) -> Contact:
    """`create` for somebody whom nobody knows yet, which the caller has looked up holding `sender_lock`. The caller
    brings the ids, so nothing has to be written now.
    """
    identity = ContactIdentity(
        id=identity_id, kind="email", value=email, proof=Proof.none, origin=Origin.agent
    )
    contact = Contact(
        id=contact_id, name=_line(name) or email, fields={}, company=None, identities=[identity]
    )
    session.add(contact)
    session.add(Event(Kind.contact_created, by=by, about=contact, company=None))
    session.add(Event(Kind.identity_added, by=by, about=contact, identity=identity_id, of="email"))
    return contact


async def change(
    session: AsyncSession, contact: Contact, given: Mapping[str, Any], *, by: Actor
) -> list[str]:
    """Sets name, title, language, time_zone, company_id, as far as `given`; returns what is another now."""
    cleaned = {key: _checked(key, value) for key, value in given.items()}
    changed = [key for key, value in cleaned.items() if getattr(contact, key) != value]
    if not changed:
        return []
    data: dict[str, Any] = {"changed": changed}
    if "company_id" in changed:
        data |= {"was": contact.company_id, "now": cleaned["company_id"]}
    for key in changed:
        setattr(contact, key, cleaned[key])
    session.add(Event(Kind.contact_changed, by=by, about=contact, **data))
    return changed


async def change_fields(
    session: AsyncSession, contact: Contact | Company, values: Mapping[str, Any], *, by: Actor
) -> list[str]:
    """Custom fields by key, already of their types; None empties one."""
    before = contact.fields
    changed = [key for key, value in values.items() if before.get(key) != value]
    if changed:
        merged = {**before, **values}
        contact.fields = {key: value for key, value in merged.items() if value is not None}
        kind = Kind.contact_changed if isinstance(contact, Contact) else Kind.company_changed
        session.add(Event(kind, by=by, about=contact, changed=[f"fields.{key}" for key in changed]))
    return changed


async def add_identity(
    session: AsyncSession,
    contact: Contact,
    kind: str,
    value: str,
    *,
    by: Actor,
    origin: Origin = Origin.agent,
) -> ContactIdentity:
    """Said by somebody and proven by nothing, until a message comes from it. Raises Taken, NoIdentity."""
    value = normal(kind, value)
    await session.execute(select(sender_lock(kind, value)))
    found = await session.scalar(
        select(ContactIdentity).where(ContactIdentity.kind == kind, ContactIdentity.value == value)
    )
    if found and found.contact_id == contact.id:
        return found
    if found:
        raise Taken
    identity = ContactIdentity(contact_id=contact.id, kind=kind, value=value, proof=Proof.none, origin=origin)
    session.add(identity)
    await session.flush()
    session.add(Event(Kind.identity_added, by=by, about=contact, identity=identity.id, of=kind))
    return identity


async def remove_identity(
    session: AsyncSession, contact: Contact, identity: ContactIdentity, *, by: Actor
) -> None:
    """What comes from it later is a new contact's."""
    await session.delete(identity)
    session.add(Event(Kind.identity_removed, by=by, about=contact, identity=identity.id, of=identity.kind))


def block(session: AsyncSession, contact: Contact, *, by: Actor) -> None:
    """From now on what they write is kept, and goes straight to spam."""
    if not contact.is_blocked:
        contact.blocked_at = now()
        session.add(Event(Kind.contact_blocked, by=by, about=contact))


def unblock(session: AsyncSession, contact: Contact, *, by: Actor) -> None:
    if contact.is_blocked:
        contact.blocked_at = None
        session.add(Event(Kind.contact_unblocked, by=by, about=contact))


async def note(session: AsyncSession, contact: Contact, text: str, *, by: Agent) -> ContactNote:
    written = clean(text).replace("\r\n", "\n").strip()
    if not written:
        raise Invalid(gettext("Write something first."))
    if len(written) > LONGEST_NOTE:
        raise Invalid(
            gettext("A note has room for %(most)s characters; this one has %(count)s.")
            % {"most": LONGEST_NOTE, "count": len(written)}
        )
    made = ContactNote(contact_id=contact.id, agent_id=by.id, text=written)
    session.add(made)
    await session.flush()
    session.add(Event(Kind.contact_noted, by=by, about=contact, note=made.id))
    return made


async def remove_note(session: AsyncSession, contact: Contact, found: ContactNote, *, by: Actor) -> None:
    await session.delete(found)
    session.add(Event(Kind.contact_note_removed, by=by, about=contact, note=found.id))


def language(text: str) -> str:
    """A language tag as it is stored: `de`, `pt-BR`; empty where none is known."""
    if not (text := text.strip()):
        return ""
    try:
        return str(Locale.parse(text.replace("-", "_"))).replace("_", "-")
    except (UnknownLocaleError, ValueError):
        raise UnknownLanguage from None


def time_zone(text: str) -> str:
    if not (text := text.strip()):
        return ""
    if text not in available_timezones():
        raise UnknownZone
    return text


def _checked(key: str, value: Any) -> Any:
    match key:
        case "company_id":
            return value
        case "language":
            return language(value)
        case "time_zone":
            return time_zone(value)
    line = _line(value)
    if key == "name" and not line:
        raise Nameless
    return line


def _line(text: str) -> str:
    """One line of an agent's; raises Invalid where it is too long."""
    line = " ".join(clean(text).split())
    if len(line) > LONGEST:
        raise Invalid(
            gettext("“%(start)s…” has %(count)s characters; there is room for %(most)s.")
            % {"start": line[:40], "count": len(line), "most": LONGEST}
        )
    return line
