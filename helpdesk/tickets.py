"""Ticket and its verbs. They decide and record; they do no IO and never commit."""

import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    and_,
    desc,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType, ticket_tag
from helpdesk.messages import Delivery, Direction, InboundMessage, Match, Message
from helpdesk.participants import Participant
from helpdesk.people import Agent, Contact, Team
from helpdesk.statuses import BUILT_IN, Category, Status
from helpdesk.texts import preview

UNDO = timedelta(seconds=10)
"""How long a reply waits before it leaves, so that its author can take it back."""


class Priority(StrEnum):
    low = "low"
    normal = "normal"
    high = "high"
    urgent = "urgent"


class Removal(StrEnum):
    """Why a ticket stands in no queue of work. All but `merged` can be deleted for good."""

    spam = "spam"
    trash = "trash"
    merged = "merged"


NEXT_REPLY = datetime(9999, 1, 1, tzinfo=UTC)
"""Snoozed until the customer writes."""

ACTIVE = "NOT settled AND snoozed_until IS NULL AND removed IS NULL"
"""Open work, in the words that the partial indexes use: `Ticket.is_active` must say the same."""


def _in_order(name: str, *columns: str, where: str) -> Index:
    """An index that gives a queue newest first, page after page."""
    return Index(name, *columns, desc("last_message_at"), desc("id"), postgresql_where=text(where))


class Ticket(Row):
    """Something a customer asked for, until it is settled."""

    __tablename__ = "ticket"

    number: Mapped[int] = mapped_column(
        BigInteger, server_default=text("nextval('ticket_number')"), unique=True
    )
    subject: Mapped[str]
    category: Mapped[Category] = mapped_column(Choice(Category), default=Category.new)
    status_id: Mapped[int] = mapped_column(BigInteger, default=BUILT_IN[Category.new])
    """Which status of the category; a composite key keeps the two together."""
    settled: Mapped[bool] = mapped_column(Computed("category IN ('resolved', 'closed')", persisted=True))
    priority: Mapped[Priority] = mapped_column(Choice(Priority), default=Priority.normal)
    type_id: Mapped[int | None] = mapped_column(ForeignKey("ticket_type.id"))
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Custom fields by key, as `helpdesk/fields.py` stores them."""
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    reply_key: Mapped[bytes] = mapped_column(default=lambda: secrets.token_bytes(16), unique=True)
    """128 random bits that reply addresses carry, signed per recipient."""
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("sla_policy.id"))

    snoozed_until: Mapped[datetime | None]
    """Out of sight until then; `NEXT_REPLY` where only the customer wakes it."""
    removed: Mapped[Removal | None] = mapped_column(Choice(Removal))
    """Why it stands in no queue of work."""
    removed_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    """Where its messages are now; replies follow."""

    language: Mapped[str | None]
    sentiment: Mapped[str | None]
    has_suggestion: Mapped[bool] = mapped_column(default=False)

    preview: Mapped[str] = mapped_column(default="")
    last_direction: Mapped[Direction | None] = mapped_column(Choice(Direction))
    last_message_at: Mapped[datetime] = mapped_column(default=now)
    waiting_since: Mapped[datetime | None]
    """Since when the customer has waited for an answer of ours."""
    first_replied_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]

    inbox: Mapped[Inbox] = relationship(lazy="raise")
    contact: Mapped[Contact] = relationship(lazy="raise")
    team: Mapped[Team | None] = relationship(lazy="raise")
    assignee: Mapped[Agent | None] = relationship(lazy="raise")
    policy: Mapped[sla.Policy | None] = relationship(lazy="raise")
    status: Mapped[Status] = relationship(lazy="raise", viewonly=True, foreign_keys=[status_id])
    type: Mapped[TicketType | None] = relationship(lazy="raise")
    tags: Mapped[list[Tag]] = relationship(secondary=ticket_tag, lazy="raise", order_by=Tag.name)
    participants: Mapped[list[Participant]] = relationship(lazy="raise", cascade="all, delete-orphan")
    clocks: Mapped[list[sla.Clock]] = relationship(lazy="raise", cascade="all, delete-orphan")
    messages: WriteOnlyMapped[Message] = relationship(
        back_populates="ticket", foreign_keys="Message.ticket_id"
    )
    events: WriteOnlyMapped[Event] = relationship(back_populates="ticket")

    __table_args__ = (
        ForeignKeyConstraint(
            ["status_id", "category"],
            ["ticket_status.id", "ticket_status.category"],
            name="fk_ticket_status_id_category",
        ),
        CheckConstraint("(removed = 'merged') = (merged_into_id IS NOT NULL)", name="merged"),
        _in_order("ix_ticket_active", where=ACTIVE),
        _in_order("ix_ticket_active_assignee", "assignee_id", where=ACTIVE),
        _in_order("ix_ticket_active_team", "team_id", where=ACTIVE),
        Index("ix_ticket_active_counts", "team_id", "assignee_id", postgresql_where=text(ACTIVE)),
        _in_order("ix_ticket_settled", where="settled AND removed IS NULL"),
        _in_order("ix_ticket_removed", "removed", where="removed IS NOT NULL"),
        Index("ix_ticket_snoozed", "snoozed_until", postgresql_where=text("snoozed_until IS NOT NULL")),
        Index("ix_ticket_merged", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        Index("ix_ticket_contact", "contact_id", desc("last_message_at")),
        Index(
            "ix_ticket_fields", "fields", postgresql_using="gin", postgresql_ops={"fields": "jsonb_path_ops"}
        ),
    )

    @hybrid_property
    def is_active(self) -> bool:
        """Somebody's work now: neither settled, nor asleep, nor removed."""
        return not self.is_settled and self.snoozed_until is None and self.removed is None

    @is_active.inplace.expression
    @classmethod
    def _is_active(cls) -> ColumnElement[bool]:
        return and_(~cls.settled, cls.snoozed_until.is_(None), cls.removed.is_(None))

    @property
    def is_settled(self) -> bool:
        return self.category.is_settled

    @property
    def is_waiting(self) -> bool:
        return self.waiting_since is not None

    @classmethod
    def opened(cls, subject: str, *, contact: Contact, inbox: Inbox, at: datetime) -> "Ticket":
        return cls(
            subject=subject,
            contact=contact,
            inbox=inbox,
            category=Category.new,
            status_id=BUILT_IN[Category.new],
            priority=Priority.normal,
            policy=None,
            clocks=[],
            preview="",
            last_message_at=at,
        )

    def receive(
        self, inbound: InboundMessage, contact: Contact, *, inbox: Inbox, matched: Match | None = None
    ) -> Message:
        """The customer wrote. A settled or waiting ticket opens again, unless a machine wrote."""
        message = Message.inbound(inbound, contact, inbox=inbox, matched=matched)
        self._add(message)
        self.events.add(Event(Kind.message_received, by=contact, message=message))
        if not inbound.automatic:
            self.waiting_since = self.waiting_since or message.sent_at
            self.has_suggestion = False
            self._wake(contact)
        return message

    def reply(
        self,
        body: str,
        *,
        by: Actor,
        client_id: str | None = None,
        wait: timedelta = UNDO,
        copies: tuple[str, ...] = (),
    ) -> Message:
        """Queue an answer; it leaves when its time to be taken back is over. Delivery is a reaction.

        `client_id` names the attempt of one composer, so that a form that is sent twice is one reply.
        """
        message = Message.written(Direction.outbound, body, by=by, inbox_id=self.inbox_id)
        message.client_id, message.copies = client_id, list(copies)
        message.delivery, message.send_after = Delivery.queued, message.sent_at + wait
        message.before = {
            "status": self.category,
            "status_id": self.status_id,
            "snoozed_until": self.snoozed_until and self.snoozed_until.isoformat(),
            "waiting_since": self.waiting_since and self.waiting_since.isoformat(),
            "first_replied_at": self.first_replied_at and self.first_replied_at.isoformat(),
            "preview": self.preview,
            "last_direction": self.last_direction,
        }
        self._add(message)
        self._stand(Category.waiting)
        self.waiting_since, self.has_suggestion = None, False
        if by.actor is ActorKind.agent and self.first_replied_at is None:
            self.first_replied_at = message.sent_at
            sla.meet(self, sla.Metric.first_response, message.sent_at)
        self.events.add(Event(Kind.replied, by=by, message=message))
        return message

    def withdraw(self, message: Message, *, by: Actor) -> None:
        """Take back a reply that has not left: the ticket is as it was before."""
        if message.delivery is not Delivery.queued or message.before is None:
            raise AlreadySent
        before = message.before
        message.delivery, message.withdrawn_at = None, now()
        self._stand(Category(before["status"]), before.get("status_id"))
        self.waiting_since = _instant(before["waiting_since"])
        self.snoozed_until = _instant(before.get("snoozed_until"))
        self.preview, self.last_direction = before["preview"], before["last_direction"]
        if self.first_replied_at == message.sent_at and before["first_replied_at"] is None:
            self.first_replied_at = None
            sla.unmeet(self, sla.Metric.first_response, message.sent_at)
        self.events.add(Event(Kind.reply_withdrawn, by=by, message=message))

    def retry(self, message: Message, *, by: Actor) -> None:
        """Send a reply once more that was not taken."""
        if message.delivery is not Delivery.failed:
            raise NotFailed
        message.delivery, message.send_after, message.trouble = Delivery.queued, now(), None
        self.events.add(Event(Kind.reply_retried, by=by, message=message))

    def note(self, body: str, *, by: Actor, client_id: str | None = None) -> Message:
        """Something for colleagues only; the customer never sees it."""
        message = Message.written(Direction.note, body, by=by, inbox_id=self.inbox_id)
        message.client_id = client_id
        self.messages.add(message)
        self.events.add(Event(Kind.noted, by=by, message=message))
        return message

    def assign(self, agent: Agent | None, *, by: Actor, **why: Any) -> None:
        """Make it somebody's own, or nobody's. Needs `assignee` loaded only by who shows it."""
        if self.assignee_id == (agent.id if agent else None):
            return
        before, self.assignee_id = self.assignee_id, agent.id if agent else None
        if agent and self.category is Category.new:
            self._stand(Category.open)
        self.events.add(Event(Kind.assigned, by=by, was=before, now=self.assignee_id, **why))

    def move(self, team: Team | None, *, by: Actor, **why: Any) -> None:
        if self.team_id == (team.id if team else None):
            return
        before, self.team_id = self.team_id, team.id if team else None
        self.events.add(Event(Kind.team_changed, by=by, was=before, now=self.team_id, **why))

    def prioritise(self, priority: Priority, *, by: Actor) -> None:
        """Its targets are measured anew from the start; `policy.calendar` and `clocks` are loaded."""
        if priority is self.priority:
            return
        before, self.priority = self.priority, priority
        sla.retarget(self)
        self.events.add(Event(Kind.priority_changed, by=by, was=before, now=priority))

    def resolve(self, *, by: Actor) -> None:
        if self.is_settled:
            raise AlreadyResolved
        self._stand(Category.resolved)
        self.resolved_at, self.waiting_since, self.snoozed_until = now(), None, None
        sla.meet(self, sla.Metric.resolution, self.resolved_at)
        self.events.add(Event(Kind.resolved, by=by))

    def reopen(self, *, by: Actor) -> None:
        if not self.is_settled:
            raise NotSettled
        self._stand(Category.open)
        self.resolved_at = None
        if self.last_direction is Direction.inbound:
            self.waiting_since = self.last_message_at
        sla.resume(self)
        self.events.add(Event(Kind.reopened, by=by))

    def hold(self, *, by: Actor) -> None:
        """Somebody other than the customer and us has to act first."""
        self._change(Category.on_hold, by=by)

    def close(self, *, by: Actor) -> None:
        """Resolved for good."""
        if self.category is not Category.resolved:
            self.resolve(by=by)
        self._change(Category.closed, by=by)

    def become(self, status: Status, *, by: Actor) -> None:
        """Take a status that somebody chose, by the verb that its category stands for."""
        if status.id == self.status_id:
            return
        if status.category.is_settled and not self.is_settled:
            self.resolve(by=by)
        elif self.is_settled and not status.category.is_settled:
            self.reopen(by=by)
        self._change(status.category, by=by, status_id=status.id)

    def _change(self, category: Category, *, by: Actor, status_id: int | None = None) -> None:
        was, was_id = self.category, self.status_id
        self._stand(category, status_id)
        if self.status_id != was_id:
            self.events.add(Event(Kind.status_changed, by=by, was=was, now=category, status=self.status_id))

    def _stand(self, category: Category, status_id: int | None = None) -> None:
        """Category and status together, or the database refuses."""
        self.category, self.status_id = category, status_id or BUILT_IN[category]

    def _wake(self, contact: Contact) -> None:
        self.snoozed_until = None
        if self.is_settled:
            self.reopen(by=contact)
        elif self.category in {Category.waiting, Category.on_hold}:
            self._change(Category.open, by=DESK)

    def _add(self, message: Message) -> None:
        self.messages.add(message)
        self.preview = preview(message.text)
        self.last_direction = message.direction
        self.last_message_at = max(self.last_message_at or message.created_at, message.created_at)


class TicketRead(Row):
    """How far an agent has read a ticket."""

    __tablename__ = "ticket_read"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    seen_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("agent_id", "ticket_id"),)


class AlreadyResolved(Conflict):
    message = _("This ticket is already resolved.")


class NotSettled(Conflict):
    message = _("This ticket is open already.")


class AlreadySent(Conflict):
    message = _("This reply has already left and cannot be taken back.")


class NotFailed(Conflict):
    message = _("Only a reply that could not be delivered can be sent again.")


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
