"""Which tickets are looked at: some teams, agents, inboxes …, all of them together; nothing chosen is everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import ColumnElement, and_, or_, select, true

from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import ticket_tag
from helpdesk.people import Contact
from helpdesk.texts import clean
from helpdesk.tickets import Priority, Ticket

NONE = 0
"""Stands for: no team, nobody, no company, no type."""
MOST = 200
Ids = Annotated[tuple[Annotated[int, Meta(ge=0, le=1 << 62)], ...], Meta(max_length=MOST)]


class BadScope(Invalid):
    message = _("One of the things that the report is limited to cannot be read. Choose it again.")


@dataclass(frozen=True)
class Place:
    """Where a table says what a ticket is sorted by; the ticket itself does, and so do copies of it."""

    id: Any
    team: Any
    agent: Any
    inbox: Any
    contact: Any
    priority: Any
    type: Any


ON_TICKETS = Place(
    Ticket.id,
    Ticket.team_id,
    Ticket.assignee_id,
    Ticket.inbox_id,
    Ticket.contact_id,
    Ticket.priority,
    Ticket.type_id,
)


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    teams: Ids = ()
    agents: Ids = ()
    inboxes: Ids = ()
    channels: Annotated[tuple[Annotated[str, Meta(max_length=40)], ...], Meta(max_length=MOST)] = ()
    tags: Ids = ()
    companies: Ids = ()
    priorities: Annotated[tuple[Priority, ...], Meta(max_length=4)] = ()
    types: Ids = ()

    def holds(self, place: Place = ON_TICKETS) -> ColumnElement[bool]:
        """As a condition on Ticket, or on what `place` names. The agent is the assignee there."""
        conditions = [
            _among(place.team, self.teams),
            _among(place.agent, self.agents),
            _among(place.inbox, self.inboxes),
            _among(place.type, self.types),
        ]
        if self.priorities:
            conditions.append(place.priority.in_(self.priorities))
        if self.channels:
            conditions.append(place.inbox.in_(select(Inbox.id).where(Inbox.channel.in_(self.channels))))
        if self.companies:
            people = select(Contact.id).where(_among(Contact.company_id, self.companies))
            conditions.append(place.contact.in_(people))
        if self.tags:
            conditions.append(_tagged(place.id, self.tags))
        return and_(true(), *(each for each in conditions if each is not None))

    def as_query(self) -> dict[str, str]:
        """For an address: `{"teams": "1,2"}`; `read` takes it back."""
        return {
            name: ",".join(str(value) for value in values)
            for name in self.__struct_fields__
            if (values := getattr(self, name))
        }

    def __bool__(self) -> bool:
        return bool(self.as_query())


def read(given: Mapping[str, Any]) -> Scope:
    """From an address (`teams=1,2`) or from JSON (`{"teams": [1, 2]}`). Raises BadScope."""
    values = {name: _listed(given[name]) for name in Scope.__struct_fields__ if given.get(name)}
    try:
        return msgspec.convert(values, Scope, strict=False)
    except msgspec.ValidationError:
        raise BadScope from None


def _listed(value: Any) -> Any:
    if not isinstance(value, str):
        return [clean(each) if isinstance(each, str) else each for each in value]
    return list(dict.fromkeys(part.strip() for part in clean(value).split(",") if part.strip()))


def _among(column: Any, ids: tuple[int, ...]) -> Any:
    if not ids:
        return None
    known = [each for each in ids if each != NONE]
    return or_(column.is_(None), column.in_(known)) if NONE in ids else column.in_(known)


def _tagged(ticket_id: Any, ids: tuple[int, ...]) -> ColumnElement[bool]:
    any_of = ticket_id.in_(select(ticket_tag.c.ticket_id).where(ticket_tag.c.tag_id.in_(ids)))
    untagged = ticket_id.not_in(select(ticket_tag.c.ticket_id))
    return or_(any_of, untagged) if NONE in ids else any_of
