"""Every field that a statement can be about: what sort it is, what can be asked of it, and where it is kept."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, exists, func, or_, select, union
from sqlalchemy.orm import aliased

from helpdesk.conditions.hours import within_hours
from helpdesk.conditions.tree import Operator
from helpdesk.events import Event, Kind
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.labels import ticket_tag
from helpdesk.mentions import Mention
from helpdesk.messages import Attachment, Direction, Message
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Company, Contact, ContactIdentity
from helpdesk.ratings import Rating, Survey
from helpdesk.sla import Clock
from helpdesk.statuses import Category
from helpdesk.tickets import Priority, Removal, Ticket, TicketRead

O = Operator  # noqa: E741 - a table of them follows


class Sort(StrEnum):
    """What sort of thing a field holds; it decides the operators and the form's input."""

    text = "text"
    words = "words"  # full text
    number = "number"
    choice = "choice"  # a fixed name
    one = "one"  # the id of something
    several = "several"  # ids of some things
    instant = "instant"
    flag = "flag"
    day = "day"  # a date without a time: custom fields
    names = "names"  # some of several names: custom fields


FILLED = (O.is_empty, O.is_not_empty)
OPERATORS: dict[Sort, tuple[Operator, ...]] = {
    Sort.text: (
        O.contains,
        O.lacks,
        O.is_,
        O.is_not,
        O.any_of,
        O.none_of,
        O.starts_with,
        O.ends_with,
        *FILLED,
    ),
    Sort.words: (O.contains, O.lacks),
    Sort.number: (O.is_, O.is_not, O.any_of, O.none_of, O.above, O.below, *FILLED),
    Sort.choice: (O.is_, O.is_not, O.any_of, O.none_of, *FILLED),
    Sort.one: (O.is_, O.is_not, O.any_of, O.none_of, *FILLED),
    Sort.several: (O.any_of, O.all_of, O.none_of, *FILLED),
    Sort.instant: (O.within_last, O.longer_ago, O.within_next, O.before, O.after, *FILLED),
    Sort.flag: (O.is_,),
    Sort.day: (O.is_, O.before, O.after, O.within_last, O.longer_ago, O.within_next, *FILLED),
    Sort.names: (O.any_of, O.all_of, O.none_of, *FILLED),
}

Column = SQLColumnExpression[Any]
Test = Callable[[Column], ColumnElement[bool]]


@dataclass(frozen=True)
class Field:
    """`column` where the ticket has the value itself; `related` where it is looked for elsewhere: it is given
    a test of the value and answers whether anything passes it. `flag` is the condition itself."""

    name: str
    label: Text
    sort: Sort
    column: Column | None = None
    related: Callable[[Test | None], ColumnElement[bool]] | None = None
    flag: Callable[[Agent], ColumnElement[bool]] | None = None
    of: str = ""
    """What its ids are ids of, for choices and names: team, agent, tag, …"""
    choices: tuple[str, ...] = ()
    special: tuple[str, ...] = ()
    """Words that stand for ids: me, mine."""

    @property
    def kept(self) -> Column:
        """Where the ticket itself has it; only of fields that are neither related nor flags."""
        if self.column is None:
            raise LookupError(f"{self.name} is no column of tickets")
        return self.column

    @property
    def operators(self) -> tuple[Operator, ...]:
        filled = self.name not in NEVER_EMPTY
        return tuple(each for each in OPERATORS[self.sort] if filled or each not in FILLED)


def _among(
    column: Column, values: Callable[[Test | None], Select[Any]]
) -> Callable[..., ColumnElement[bool]]:
    return lambda test: column.in_(values(test))


def _where(query: Select[Any], value: Column, test: Test | None) -> Select[Any]:
    return query.where(value.is_not(None) if test is None else test(value))


def _contact(value: Column) -> Callable[[Test | None], ColumnElement[bool]]:
    return _among(Ticket.contact_id, lambda test: _where(select(Contact.id), value, test))


def _company(value: Column) -> Callable[[Test | None], ColumnElement[bool]]:
    query = select(Contact.id).join(Company, Company.id == Contact.company_id)
    return _among(Ticket.contact_id, lambda test: _where(query, value, test))


def _inbox(value: Column) -> Callable[[Test | None], ColumnElement[bool]]:
    return _among(Ticket.inbox_id, lambda test: _where(select(Inbox.id), value, test))


def _part(part: Part, value: Column) -> Callable[[Test | None], ColumnElement[bool]]:
    query = select(Participant.ticket_id).where(Participant.part == part)
    return _among(Ticket.id, lambda test: _where(query, value, test))


def _copy_address(test: Test | None) -> ColumnElement[bool]:
    query = (
        select(Participant.ticket_id)
        .join(ContactIdentity, ContactIdentity.contact_id == Participant.contact_id)
        .where(Participant.part == Part.copy)
    )
    return Ticket.id.in_(_where(query, ContactIdentity.value, test))


def _called(test: Test | None) -> ColumnElement[bool]:
    """By name or address, each found by its own index."""
    named = _where(select(Contact.id), Contact.name, test)
    return Ticket.contact_id.in_(union(named, _where(select(_identity.contact_id), _identity.value, test)))


def _attachment(test: Test | None) -> ColumnElement[bool]:
    query = select(Message.ticket_id).join(Attachment, Attachment.message_id == Message.id)
    return Ticket.id.in_(_where(query.where(~Attachment.inline), Attachment.name, test))


def _rating(test: Test | None) -> ColumnElement[bool]:
    """Of the ticket itself, from 1 to 5."""
    query = select(Rating.ticket_id).where(Rating.kind == Survey.csat)
    return Ticket.id.in_(_where(query, Rating.score, test))


def _to(test: Test | None) -> ColumnElement[bool]:
    return or_(_inbox(Inbox.address)(test), _copy_address(test))


def _changed() -> Column:
    """When something last happened to it."""
    return select(func.max(Event.created_at)).where(Event.ticket_id == Ticket.id).scalar_subquery()


def unread(agent: Agent) -> ColumnElement[bool]:
    """The customer wrote, and this agent has not looked since."""
    read = exists().where(
        TicketRead.ticket_id == Ticket.id,
        TicketRead.agent_id == agent.id,
        TicketRead.seen_at >= Ticket.last_message_at,
    )
    return (Ticket.last_direction == Direction.inbound) & ~read


def unattended(_agent: Agent | None = None) -> ColumnElement[bool]:
    """Nobody has answered yet, or the customer waits again."""
    return or_(Ticket.first_replied_at.is_(None), Ticket.waiting_since.is_not(None))


def mentioned(agent: Agent) -> ColumnElement[bool]:
    return Ticket.id.in_(select(Mention.ticket_id).where(Mention.agent_id == agent.id))


def participating(agent: Agent) -> ColumnElement[bool]:
    return Ticket.id.in_(select(Participant.ticket_id).where(Participant.agent_id == agent.id))


def _late(_agent: Agent) -> ColumnElement[bool]:
    return exists().where(
        Clock.ticket_id == Ticket.id,
        Clock.breached_at.is_not(None),
        Clock.met_at.is_(None),
        Clock.ended_at.is_(None),
    )


def _owed(test: Test | None) -> ColumnElement[bool]:
    """By when a promise ends that still holds: not the ones that are late already."""
    query = select(Clock.ticket_id).where(
        Clock.met_at.is_(None), Clock.ended_at.is_(None), Clock.breached_at.is_(None)
    )
    return Ticket.id.in_(_where(query, Clock.due_at, test))


def _happened(kind: Kind) -> Callable[[Test | None], ColumnElement[bool]]:
    query = select(Event.ticket_id).where(Event.kind == kind)
    return _among(Ticket.id, lambda test: _where(query, Event.created_at, test))


def _flag(name: str, label: Text, holds: Callable[[Agent], ColumnElement[bool]]) -> Field:
    return Field(name, label, Sort.flag, flag=holds)


def _names(choices: type[StrEnum]) -> tuple[str, ...]:
    return tuple(each.value for each in choices)


_identity = aliased(ContactIdentity)
FIELDS: Mapping[str, Field] = {
    field.name: field
    for field in (
        Field("number", _("Number"), Sort.number, Ticket.number),
        Field("subject", _("Subject"), Sort.text, Ticket.subject),
        Field("text", _("Message text"), Sort.words),
        Field("status", _("Status"), Sort.one, Ticket.status_id, of="status"),
        Field("category", _("Category"), Sort.choice, Ticket.category, choices=_names(Category)),
        Field("priority", _("Priority"), Sort.choice, Ticket.priority, choices=_names(Priority)),
        Field("type", _("Type"), Sort.one, Ticket.type_id, of="type"),
        Field(
            "tags",
            _("Tags"),
            Sort.several,
            related=_among(
                Ticket.id, lambda test: _where(select(ticket_tag.c.ticket_id), ticket_tag.c.tag_id, test)
            ),
            of="tag",
        ),
        Field("team", _("Team"), Sort.one, Ticket.team_id, of="team", special=("mine",)),
        Field("assignee", _("Assignee"), Sort.one, Ticket.assignee_id, of="agent", special=("me",)),
        Field("inbox", _("Inbox"), Sort.one, Ticket.inbox_id, of="inbox"),
        Field("channel", _("Channel"), Sort.choice, related=_inbox(Inbox.channel), of="channel"),
        Field("to", _("Sent to"), Sort.text, related=_to),
        Field("requester", _("Requester"), Sort.one, Ticket.contact_id, of="contact"),
        Field("requester_name", _("Requester's name"), Sort.text, related=_contact(Contact.name)),
        Field(
            "requester_address",
            _("Requester's address"),
            Sort.text,
            related=_among(
                Ticket.contact_id,
                lambda test: _where(select(_identity.contact_id), _identity.value, test),
            ),
        ),
        Field("requester_called", _("Requester's name or address"), Sort.text, related=_called),
        Field("company", _("Company"), Sort.one, related=_contact(Contact.company_id), of="company"),
        Field("company_name", _("Company's name"), Sort.text, related=_company(Company.name)),
        Field(
            "cc", _("In copy"), Sort.several, related=_part(Part.copy, Participant.contact_id), of="contact"
        ),
        Field("cc_address", _("Address in copy"), Sort.text, related=_copy_address),
        Field(
            "followers",
            _("Followers"),
            Sort.several,
            related=_part(Part.follower, Participant.agent_id),
            of="agent",
            special=("me",),
        ),
        Field("attachment", _("Attachment's name"), Sort.text, related=_attachment),
        Field("created", _("Created"), Sort.instant, Ticket.created_at),
        Field("updated", _("Last change"), Sort.instant, _changed()),
        Field("last_message", _("Last message"), Sort.instant, Ticket.last_message_at),
        Field("waiting_since", _("Customer waits since"), Sort.instant, Ticket.waiting_since),
        Field("silent_since", _("Customer silent since"), Sort.instant, Ticket.silent_since),
        Field("next_due", _("Next due"), Sort.instant, Ticket.next_due_at),
        Field("promise_due", _("A promise that holds ends"), Sort.instant, related=_owed),
        Field("first_replied", _("First reply"), Sort.instant, Ticket.first_replied_at),
        Field("resolved", _("Resolved at"), Sort.instant, Ticket.resolved_at),
        Field("snoozed_until", _("Snoozed until"), Sort.instant, Ticket.snoozed_until),
        Field(
            "suggestion_used",
            _("Suggested reply used"),
            Sort.instant,
            related=_happened(Kind.suggestion_used),
        ),
        Field("language", _("Language"), Sort.choice, Ticket.language, of="language"),
        Field("sentiment", _("Mood"), Sort.choice, Ticket.sentiment, of="sentiment"),
        Field("urgency", _("Urgency, as it was read"), Sort.choice, Ticket.urgency, of="urgency"),
        Field("topic", _("Topic, as it was read"), Sort.one, Ticket.topic_id, of="topic"),
        Field("rating", _("Customer's rating"), Sort.number, related=_rating),
        Field("removed", _("Removed"), Sort.choice, Ticket.removed, choices=_names(Removal)),
        _flag("active", _("Open work"), lambda _agent: and_(Ticket.is_active)),
        _flag("settled", _("Settled"), lambda _agent: Ticket.settled.is_(True)),
        _flag("snoozed", _("Snoozed"), lambda _agent: Ticket.snoozed_until.is_not(None)),
        _flag("reminded", _("Reminded while silent"), lambda _agent: Ticket.reminded_at.is_not(None)),
        _flag("unread", _("Unread by me"), unread),
        _flag("unattended", _("Unattended"), unattended),
        _flag("has_attachment", _("Has an attachment"), lambda _agent: _attachment(None)),
        _flag("has_draft", _("Has a suggested reply"), lambda _agent: Ticket.has_suggestion.is_(True)),
        _flag("with_assistant", _("With the assistant"), lambda _agent: Ticket.with_assistant.is_(True)),
        _flag("within_hours", _("Within working hours"), within_hours),
        _flag("late", _("Promise not kept"), _late),
        _flag("rated", _("Rated by the customer"), lambda _agent: _rating(None)),
        _flag("mentioned", _("Mentions me"), mentioned),
        _flag("participating", _("Followed by me"), participating),
    )
}
NEVER_EMPTY = frozenset(
    {"number", "status", "category", "priority", "inbox", "channel", "to", "requester", "requester_name",
     "requester_address", "requester_called", "created", "updated", "last_message"}
)  # fmt: skip

CUSTOM: Mapping[str, Callable[[Callable[[Column], ColumnElement[bool]]], ColumnElement[bool]]] = {
    "fields": lambda test: test(Ticket.fields),
    "contact": lambda test: Ticket.contact_id.in_(select(Contact.id).where(test(Contact.fields))),
    "company": lambda test: Ticket.contact_id.in_(
        select(Contact.id).join(Company, Company.id == Contact.company_id).where(test(Company.fields))
    ),
}
"""Custom fields are called `fields.<key>`, `contact.<key>`, `company.<key>`."""
