"""What happened, once and for all: timeline, audit and outbox in one insert-only table.

A trigger puts every new event into `event_dispatch`, which the workers empty, and notifies the consoles.
Personal text lives in messages, never here, so that erasing a person works.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy import event as sa_event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from helpdesk.database import Base, Choice, Row

if TYPE_CHECKING:
    from helpdesk.messages import Message
    from helpdesk.tickets import Ticket


class Kind(StrEnum):
    ticket_created = "ticket_created"
    message_received = "message_received"
    replied = "replied"
    reminded = "reminded"  # the desk wrote to a customer who was silent
    left_alone = "left_alone"  # the desk does nothing by itself to a silent customer's ticket, or does again
    patience_edited = "patience_edited"  # how long an inbox waits for its customers
    announced = "announced"  # a message of the desk's own to the customer
    reply_scheduled = "reply_scheduled"  # to leave at a time that was chosen
    reply_withdrawn = "reply_withdrawn"
    reply_sent = "reply_sent"
    reply_failed = "reply_failed"
    reply_uncertain = "reply_uncertain"  # it may or may not have been taken
    reply_retried = "reply_retried"
    noted = "noted"
    assigned = "assigned"
    team_changed = "team_changed"
    priority_changed = "priority_changed"
    status_changed = "status_changed"
    type_changed = "type_changed"
    tagged = "tagged"
    untagged = "untagged"
    field_changed = "field_changed"
    subject_changed = "subject_changed"
    inbox_changed = "inbox_changed"
    requester_changed = "requester_changed"
    participant_added = "participant_added"
    participant_removed = "participant_removed"
    snoozed = "snoozed"
    woken = "woken"
    removed = "removed"  # to spam or trash
    restored = "restored"
    note_edited = "note_edited"
    message_edited = "message_edited"  # the customer changed, or took back, what they had written
    linked = "linked"
    unlinked = "unlinked"
    merged = "merged"
    unmerged = "unmerged"
    split_off = "split_off"
    forwarded = "forwarded"
    third_party_answered = "third_party_answered"
    bulk_changed = "bulk_changed"
    bulk_undone = "bulk_undone"
    macro_used = "macro_used"
    macro_undone = "macro_undone"
    rule_applied = "rule_applied"
    rule_undone = "rule_undone"
    rule_stopped = "rule_stopped"  # a chain of rules was cut, or a ticket met too many
    rule_notified = "rule_notified"  # a rule tells colleagues
    rule_called = "rule_called"  # a rule tells another program
    rule_edited = "rule_edited"
    draft_wanted = "draft_wanted"  # a rule asks the assistant
    rated = "rated"  # by the customer; what they wrote beside it is not told here
    ratings_declined = "ratings_declined"  # a customer does not want to be asked any more
    ratings_welcome = "ratings_welcome"  # and may be asked again
    surveys_changed = "surveys_changed"  # what an inbox or the desk asks customers
    resolved = "resolved"
    reopened = "reopened"
    sla_started = "sla_started"
    sla_met = "sla_met"
    sla_warned = "sla_warned"  # a promise is due soon
    sla_breached = "sla_breached"
    sla_escalated = "sla_escalated"  # a promise was not kept, and others are told
    policy_changed = "policy_changed"  # another policy holds for a ticket
    policy_edited = "policy_edited"
    triaged = "triaged"
    reading_corrected = "reading_corrected"  # an agent says what a message really is
    triage_undone = "triage_undone"  # something that triage did by itself was taken back
    topic_edited = "topic_edited"
    triage_changed = "triage_changed"  # how far triage goes by itself, or which reader is at work
    suggested = "suggested"
    suggestion_used = "suggestion_used"
    suggestion_dismissed = "suggestion_dismissed"
    tone_changed = "tone_changed"  # how proposed replies begin and end
    assistant_engaged = "assistant_engaged"  # the assistant holds the ticket from now on
    assistant_handed_over = "assistant_handed_over"  # it gives the ticket to people, and why
    assistant_stopped = "assistant_stopped"  # a colleague goes on from here
    assistant_acted = "assistant_acted"  # a tool was proposed, used or refused
    assistant_code_sent = "assistant_code_sent"  # to an address on file, to prove who writes
    assistant_verified = "assistant_verified"  # the code was right
    assistant_edited = "assistant_edited"  # its policies or tools
    article_changed = "article_changed"  # written, published, taken back, moved; `what` says it
    article_reviewed = "article_reviewed"  # a colleague was asked to read it, or has decided
    article_shelf_changed = "article_shelf_changed"  # collections and categories
    article_wanted = "article_wanted"  # of what people answered, by a language model
    learning_wanted = "learning_wanted"  # somebody asks what work teaches
    finding_decided = "finding_decided"  # what becomes of a gap, a contradiction, an incident
    quarantined = "quarantined"
    contact_created = "contact_created"
    contact_changed = "contact_changed"
    contact_noted = "contact_noted"
    contact_note_removed = "contact_note_removed"
    contact_blocked = "contact_blocked"
    contact_unblocked = "contact_unblocked"
    contact_merged = "contact_merged"
    contact_unmerged = "contact_unmerged"
    contacts_distinct = "contacts_distinct"  # not the same person, said an agent
    identity_added = "identity_added"
    identity_removed = "identity_removed"
    company_created = "company_created"
    company_changed = "company_changed"
    domain_added = "domain_added"
    domain_removed = "domain_removed"
    knowledge_import_wanted = "knowledge_import_wanted"  # articles from elsewhere wait to be read, or written
    contacts_import_wanted = "contacts_import_wanted"  # a check, a run or its revert waits for a worker
    contacts_imported = "contacts_imported"
    contacts_import_reverted = "contacts_import_reverted"
    contacts_exported = "contacts_exported"
    invited = "invited"
    invitation_revoked = "invitation_revoked"
    invitation_accepted = "invitation_accepted"
    agent_changed = "agent_changed"
    agent_deactivated = "agent_deactivated"
    agent_reactivated = "agent_reactivated"
    role_changed = "role_changed"
    availability_changed = "availability_changed"
    password_reset_asked = "password_reset_asked"  # noqa: S105 - no password
    password_changed = "password_changed"  # noqa: S105 - no password
    session_ended = "session_ended"
    sign_in_failed = "sign_in_failed"
    identity_confirmed = "identity_confirmed"  # the password was asked for again
    custom_role_changed = "custom_role_changed"
    custom_role_removed = "custom_role_removed"
    team_created = "team_created"
    team_edited = "team_edited"
    team_removed = "team_removed"
    routing_changed = "routing_changed"  # how a team shares out, or what a colleague can take
    inbox_connected = "inbox_connected"
    inbox_edited = "inbox_edited"
    status_edited = "status_edited"
    template_edited = "template_edited"  # of new tickets
    macro_edited = "macro_edited"  # one that others have, too
    report_edited = "report_edited"  # one that others have, too
    report_sent_to = "report_sent_to"  # who gets a report by mail, and when, was chosen
    type_edited = "type_edited"
    tag_edited = "tag_edited"
    tags_merged = "tags_merged"
    tag_deleted = "tag_deleted"
    custom_field_edited = "custom_field_edited"
    ticket_deleted = "ticket_deleted"  # for good
    calendar_changed = "calendar_changed"  # open or closed at other times than before, or called otherwise
    calendar_feed_wanted = "calendar_feed_wanted"
    configuration_applied = "configuration_applied"  # from a file
    options_changed = "options_changed"
    model_connected = "model_connected"  # a language model
    model_changed = "model_changed"
    model_removed = "model_removed"
    model_trial_wanted = "model_trial_wanted"  # of one that runs on this machine
    models_chosen = "models_chosen"  # which of them serves what
    audit_exported = "audit_exported"
    webhook_created = "webhook_created"
    webhook_changed = "webhook_changed"
    webhook_key_changed = "webhook_key_changed"
    webhook_switched_on = "webhook_switched_on"
    webhook_switched_off = "webhook_switched_off"
    webhook_replayed = "webhook_replayed"
    webhook_removed = "webhook_removed"
    inbox_key_changed = "inbox_key_changed"
    token_created = "token_created"  # noqa: S105 - the name of what happened
    token_revoked = "token_revoked"  # noqa: S105
    imported = "imported"  # from another product
    import_wanted = "import_wanted"  # a run, a dry run or its revert waits for a worker
    import_reverted = "import_reverted"
    evaluation_wanted = "evaluation_wanted"
    export_wanted = "export_wanted"
    backup_made = "backup_made"
    retention_changed = "retention_changed"
    content_erased = "content_erased"  # by a rule, when a ticket's time was over
    contact_erased = "contact_erased"
    contact_copied_out = "contact_copied_out"  # everything about a person, for that person
    signed_in = "signed_in"
    signed_out = "signed_out"
    help_centre_edited = "help_centre_edited"  # a brand of the help centre
    customer_link_asked = "customer_link_asked"  # a link by mail, to sign in to a help centre
    customer_signed_in = "customer_signed_in"
    chat_code_asked = "chat_code_asked"  # six digits by mail, to prove an address in a chat
    address_proved = "address_proved"  # by such a code
    mailed_after_leaving = "mailed_after_leaving"  # an answer in a chat, to whoever had left it
    customer_signed_out = "customer_signed_out"  # everywhere


FREQUENT = (
    Kind.ticket_created,
    Kind.message_received,
    Kind.replied,
    Kind.resolved,
    Kind.sla_started,
    Kind.sla_met,
)
"""Kinds that most tickets have: the newest are found from the end of all events, and need no index."""


class ActorKind(StrEnum):
    agent = "agent"
    contact = "contact"
    assistant = "assistant"
    rule = "rule"
    desk = "desk"


class Actor(Protocol):
    """Who did it. An agent, a contact, the assistant, a rule, or the desk on its own."""

    actor: ClassVar[ActorKind]

    @property
    def id(self) -> int | None: ...

    @property
    def token_id(self) -> int | None:
        """The API token by which an agent acts; None in person."""


class Desk:
    """The desk itself: clocks, rules, deliveries."""

    actor: ClassVar[ActorKind] = ActorKind.desk
    id: int | None = None
    token_id: int | None = None


class Assistant:
    """The models: they propose, and where they are allowed to, act."""

    actor: ClassVar[ActorKind] = ActorKind.assistant
    id: int | None = None
    token_id: int | None = None


DESK, ASSISTANT = Desk(), Assistant()

UNDONE = "undone"
"""In the data of events that come from taking back what a rule, a macro, a bulk change, a deed or a merge did: nobody
asks rules about them, or they would do it again."""


class Event(Row):
    __tablename__ = "event"

    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    """No foreign key, nor below: what happened stays on record when the ticket is deleted."""
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    actor: Mapped[ActorKind] = mapped_column(Choice(ActorKind))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    """The API token that an agent acted by."""
    about: Mapped[str | None]
    """What else it happened to: the name of a table, with the row's id beside it."""
    about_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")

    ticket: Mapped["Ticket | None"] = relationship(
        back_populates="events", lazy="raise", primaryjoin="foreign(Event.ticket_id) == Ticket.id"
    )
    message: Mapped["Message | None"] = relationship(
        lazy="raise", primaryjoin="foreign(Event.message_id) == Message.id"
    )

    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index("ix_event_about", "about", "about_id", "id", postgresql_where=text("about IS NOT NULL")),
        Index("ix_event_desk", "id", postgresql_where=text("ticket_id IS NULL")),
        Index(
            "ix_event_created_at",
            "created_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        Index("ix_event_agent", "actor_id", "id", postgresql_where=text("actor = 'agent'")),
        Index(
            "ix_event_kind",
            "kind",
            "id",
            postgresql_where=text(f"kind NOT IN ({', '.join(repr(kind.value) for kind in FREQUENT)})"),
        ),
        Index("ix_event_actor", "actor", "id", postgresql_where=text("actor IN ('assistant', 'rule')")),
        Index("ix_event_token", "id", "token_id", postgresql_where=text("token_id IS NOT NULL")),
    )

    def __init__(
        self,
        kind: Kind,
        *,
        by: Actor,
        message: "Message | None" = None,
        ticket_id: int | None = None,
        about: Row | None = None,
        **data: Any,
    ) -> None:
        """`ticket_id` only where the event is not added to a ticket's own `events`; `data` is plain JSON.

        `about` has its id already: flush it first.
        """
        super().__init__(kind=kind, actor=by.actor, actor_id=by.id, token_id=by.token_id, data=data)
        if about is not None:
            self.about, self.about_id = about.__tablename__, about.id
        if message is not None:
            self.message = message
        if ticket_id is not None:
            self.ticket_id = ticket_id


class EventDispatch(Base):
    """An event that nobody has reacted to yet."""

    __tablename__ = "event_dispatch"

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True)


@contextmanager
def marked(session: AsyncSession, name: str, value: int) -> Iterator[list[Event]]:
    """Every event that is made inside says what it comes from: `data[name]`. They are collected as they are kept."""
    events: list[Event] = []

    def mark(inner: Session, *_: Any) -> None:
        for one in inner.new:
            if isinstance(one, Event) and name not in one.data:
                one.data = {**one.data, name: value}
        events.extend(one for one in inner.new if isinstance(one, Event) and one not in events)

    sa_event.listen(session.sync_session, "before_flush", mark)
    try:
        yield events
    finally:
        sa_event.remove(session.sync_session, "before_flush", mark)
