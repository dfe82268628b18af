"""What a ticket is made of: its columns, what belongs to it, and its indexes. Its verbs stand beside this."""

import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    and_,
    desc,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.messages import Direction
from helpdesk.statuses import BUILT_IN, Category

if TYPE_CHECKING:
    from helpdesk import sla
    from helpdesk.events import Event
    from helpdesk.inboxes import Inbox
    from helpdesk.labels import Tag, TicketType
    from helpdesk.messages import Message
    from helpdesk.participants import Participant
    from helpdesk.people import Agent, Contact, Team
    from helpdesk.statuses import Status

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

SETTLED = "settled AND removed IS NULL"
"""What is done, likewise."""


def _in_order(name: str, *columns: str, where: str) -> Index:
    """An index that gives a queue newest first, page after page."""
    return Index(name, *columns, desc("last_message_at"), desc("id"), postgresql_where=text(where))


WAITS = "category = 'waiting' AND snoozed_until IS NULL AND removed IS NULL AND left_alone_at IS NULL"
"""The customer has to answer, in the words that the partial indexes use: helpdesk/patience goes by them."""

RANK = "array_position(ARRAY['low', 'normal', 'high', 'urgent'], priority)"
"""Priorities in order, in the words of the index."""


def _active(name: str, *columns: Any) -> Index:
    """Open work in another order than newest first."""
    return Index(f"ix_ticket_active_{name}", *columns, postgresql_where=text(ACTIVE))


def _settled(name: str, *columns: Any) -> Index:
    """What is done, likewise."""
    return Index(f"ix_ticket_settled_{name}", *columns, postgresql_where=text(SETTLED))


class TicketRow(Row):
    """The base of the classes with a ticket's verbs; the only thing made of it is `Ticket`."""

    __abstract__ = True

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
    policy_fixed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Somebody chose the policy: what the ticket is changes it no more."""

    snoozed_until: Mapped[datetime | None]
    """Out of sight until then; `NEXT_REPLY` where only the customer wakes it."""
    removed: Mapped[Removal | None] = mapped_column(Choice(Removal))
    """Why it stands in no queue of work."""
    removed_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    """Where its messages are now; replies follow."""

    language: Mapped[str | None]
    sentiment: Mapped[str | None]
    urgency: Mapped[str | None]
    """As the newest message was read: can_wait, soon, urgent."""
    topic_id: Mapped[int | None] = mapped_column(BigInteger)
    """What it is about. No foreign key: topics are archived, never deleted."""
    has_suggestion: Mapped[bool] = mapped_column(default=False)
    with_assistant: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The assistant holds it: helpdesk/engagements.py."""

    preview: Mapped[str] = mapped_column(default="")
    last_direction: Mapped[Direction | None] = mapped_column(Choice(Direction))
    last_message_at: Mapped[datetime] = mapped_column(default=now)
    waiting_since: Mapped[datetime | None]
    """Since when the customer has waited for an answer of ours."""
    first_replied_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    silent_since: Mapped[datetime | None]
    """While it waits for the customer: since when nobody has said anything. Empty on what waited before the desk
    wrote this down; then its last message counts."""
    reminded_at: Mapped[datetime | None]
    """When the desk reminded the customer in this silence."""
    left_alone_at: Mapped[datetime | None]
    """Since when the desk neither reminds nor resolves nor closes it by itself, because somebody said so."""
    next_due_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    """Since when nothing is kept of what was said."""

    if TYPE_CHECKING:  # declared by Ticket: an abstract class may not
        inbox: Mapped[Inbox]
        contact: Mapped[Contact]
        team: Mapped[Team | None]
        assignee: Mapped[Agent | None]
        policy: Mapped[sla.Policy | None]
        status: Mapped[Status]
        type: Mapped[TicketType | None]
        tags: Mapped[list[Tag]]
        participants: Mapped[list[Participant]]
        clocks: Mapped[list[sla.Clock]]
        ledger: WriteOnlyMapped[sla.Entry]
        messages: WriteOnlyMapped[Message]
        events: WriteOnlyMapped[Event]

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
        _in_order("ix_ticket_active_inbox", "inbox_id", where=ACTIVE),
        _in_order("ix_ticket_kept", where="removed IS NULL"),
        _active("created", desc("created_at"), desc("id")),
        _active("waiting", text("coalesce(waiting_since, 'infinity')"), "id"),
        _active("due", text("coalesce(next_due_at, 'infinity')"), "id"),
        _active("priority", desc(text(RANK)), desc("last_message_at"), desc("id")),
        Index("ix_ticket_active_counts", "team_id", "assignee_id", postgresql_where=text(ACTIVE)),
        Index(
            "ix_ticket_active_load",  # the board reads it alone
            "assignee_id",
            "team_id",
            postgresql_include=["id", "inbox_id", "category", "waiting_since"],
            postgresql_where=text(ACTIVE),
        ),
        _in_order("ix_ticket_settled", where=SETTLED),
        _settled("created", desc("created_at"), desc("id")),
        _settled("priority", desc(text(RANK)), desc("last_message_at"), desc("id")),
        _in_order("ix_ticket_removed", "removed", where="removed IS NOT NULL"),
        Index("ix_ticket_snoozed", "snoozed_until", postgresql_where=text("snoozed_until IS NOT NULL")),
        Index("ix_ticket_merged", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
        Index(
            "ix_ticket_retention",
            "inbox_id",
            "resolved_at",
            postgresql_where=text("settled AND erased_at IS NULL"),
        ),
        Index(
            "ix_ticket_silent",
            "inbox_id",
            text("coalesce(silent_since, last_message_at)"),
            postgresql_where=text(f"{WAITS} AND reminded_at IS NULL"),
        ),
        Index(
            "ix_ticket_reminded",
            "inbox_id",
            "reminded_at",
            postgresql_where=text(f"{WAITS} AND reminded_at IS NOT NULL"),
        ),
        Index(
            "ix_ticket_closing",
            "inbox_id",
            text("coalesce(resolved_at, last_message_at)"),
            postgresql_where=text("category = 'resolved' AND removed IS NULL"),
        ),
        Index("ix_ticket_contact", "contact_id", desc("last_message_at")),
        Index(
            "ix_ticket_of_contact",  # customers' own pages read it alone
            "contact_id",
            "settled",
            desc("last_message_at"),
            desc("id"),
            postgresql_include=["inbox_id"],
            postgresql_where=text("removed IS NULL"),
        ),
        Index(
            "ix_ticket_fields", "fields", postgresql_using="gin", postgresql_ops={"fields": "jsonb_path_ops"}
        ),
        Index(
            "ix_ticket_field_words",
            text("field_words(fields) gin_trgm_ops"),
            postgresql_using="gin",
            postgresql_where=text("fields <> '{}'"),
        ),
        Index(
            "ix_ticket_subject_words",
            "subject",
            postgresql_using="gin",
            postgresql_ops={"subject": "gin_trgm_ops"},
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
