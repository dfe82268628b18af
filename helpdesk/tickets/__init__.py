"""Ticket and its verbs. They decide and record; they do no IO and never commit.

row.py        what it is made of
standing.py   resolve, reopen, hold, close, become
keeping.py    snooze, wake, remove, restore
saying.py     receive, reply, withdraw, retry, note, edit_note
sorting.py    prioritise, classify, tag, untag, fill, rename, transfer
partaking.py  assign, move, copy_in, take_out, follow, unfollow, hand_to
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ForeignKey, UniqueConstraint, event
from sqlalchemy.orm import (
    Mapped,
    Mapper,
    Session,
    WriteOnlyMapped,
    mapped_column,
    query_expression,
    relationship,
)

from helpdesk import sla, soon
from helpdesk.database import Row
from helpdesk.events import Event
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType, ticket_tag
from helpdesk.messages import Message
from helpdesk.participants import Participant
from helpdesk.people import Agent, Contact, Team
from helpdesk.statuses import BUILT_IN, Category, Status
from helpdesk.tickets import completing
from helpdesk.tickets.keeping import (
    Awake,
    BadTime,
    MergedAway,
    NothingToSnooze,
    NotRemoved,
    Removed,
)
from helpdesk.tickets.partaking import IsRequester, Partaking, TooMany
from helpdesk.tickets.row import ACTIVE, NEXT_REPLY, UNDO, Priority, Removal
from helpdesk.tickets.saying import AlreadySent, NoNote, NotFailed, NotYourNote, Saying
from helpdesk.tickets.sorting import BadSubject, InboxOff, Sorting, TooManyTags, TypeNotOffered
from helpdesk.tickets.standing import AlreadyResolved, NotOffered, NotSettled

__all__ = [
    "ACTIVE",
    "NEXT_REPLY",
    "UNDO",
    "AlreadyResolved",
    "AlreadySent",
    "Awake",
    "BadSubject",
    "BadTime",
    "InboxOff",
    "IsRequester",
    "MergedAway",
    "NoNote",
    "NotFailed",
    "NotOffered",
    "NotRemoved",
    "NotSettled",
    "NotYourNote",
    "NothingToSnooze",
    "Priority",
    "Removal",
    "Removed",
    "Ticket",
    "TicketRead",
    "TooMany",
    "TooManyTags",
    "TypeNotOffered",
]


class Ticket(Saying, Sorting, Partaking):
    """Something a customer asked for, until it is settled."""

    __tablename__ = "ticket"

    inbox: Mapped[Inbox] = relationship(lazy="raise")
    contact: Mapped[Contact] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")
    assignee: Mapped[Agent | None] = relationship(lazy="raise")
    policy: Mapped[sla.Policy | None] = relationship(lazy="raise")
    status: Mapped[Status] = relationship(lazy="raise", viewonly=True, foreign_keys="Ticket.status_id")
    type: Mapped[TicketType | None] = relationship(lazy="raise", viewonly=True)
    tags: Mapped[list[Tag]] = relationship(secondary=ticket_tag, lazy="raise", order_by=Tag.name)
    participants: Mapped[list[Participant]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by=Participant.id
    )
    clocks: Mapped[list[sla.Clock]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by=sla.Clock.id
    )
    ledger: WriteOnlyMapped[sla.Entry] = relationship(
        back_populates="ticket", primaryjoin="foreign(Entry.ticket_id) == Ticket.id"
    )
    messages: WriteOnlyMapped[Message] = relationship(
        back_populates="ticket", foreign_keys="Message.ticket_id"
    )
    events: WriteOnlyMapped[Event] = relationship(
        back_populates="ticket", primaryjoin="foreign(Event.ticket_id) == Ticket.id"
    )
    happened: Mapped[int | None] = query_expression(expire_on_flush=False)
    """How many events it had when it was loaded; only where the query asks for that."""

    @classmethod
    def opened(cls, subject: str, *, contact: Contact, inbox: Inbox, at: datetime) -> "Ticket":
        return cls(
            subject=subject,
            contact=contact,
            inbox=inbox,
            category=Category.new,
            status_id=BUILT_IN[Category.new],
            priority=Priority.normal,
            fields={},
            tags=[],
            participants=[],
            policy=None,
            clocks=[],
            preview="",
            last_message_at=at,
        )


event.listen(Session, "before_flush", completing.check)


@event.listens_for(Ticket, "after_update")
def _written(_mapper: Mapper[Any], connection: Connection, ticket: Ticket) -> None:
    soon.tell(connection, ticket.__dict__.get("snoozed_until"))  # loads nothing in the middle of a flush


class TicketRead(Row):
    """How far an agent has read a ticket."""

    __tablename__ = "ticket_read"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    seen_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("agent_id", "ticket_id"),)
