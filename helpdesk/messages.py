"""What is said: messages as they cross a channel's boundary, and as the desk keeps them."""

import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, Index, UniqueConstraint, and_
from sqlalchemy import text as sql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk import marks
from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Invalid
from helpdesk.events import Actor, ActorKind
from helpdesk.i18n import _
from helpdesk.texts import clean, preview, written

if TYPE_CHECKING:
    from helpdesk.inboxes import Inbox
    from helpdesk.people import Agent, Contact
    from helpdesk.tickets import Ticket

LINE = 1_000
"""Characters that a list's line is taken from."""


class Proof(StrEnum):
    """How sure the channel is that the sender is who the address says."""

    none = "none"
    authenticated = "authenticated"  # e.g. DMARC passed, or a token signed by the host site
    failed = "failed"


@dataclass(frozen=True, kw_only=True)
class Sender:
    address: str  # as compared: an e-mail address in lower case, a Slack user id, a visitor id
    name: str = ""
    kind: str = "email"  # which sort of identity the address is
    proof: Proof = Proof.none


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file on its way in or out."""

    name: str
    content_type: str
    content: bytes
    content_id: str | None = None  # without angle brackets; set where the HTML refers to it
    inline: bool = False


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    external_id: str  # Message-ID without angle brackets, Slack ts, widget id; "" where there is none
    sender: Sender
    text: str  # all of it, quotes included
    received_at: datetime
    visible_text: str | None = None  # what the sender wrote now; None where the channel has no quoting
    html: str | None = None  # raw; sanitised when it is shown, never before
    subject: str | None = None
    thread: tuple[str, ...] = ()  # external ids it answers, nearest first
    tokens: tuple[str, ...] = ()  # reply tokens found in addresses and ids, unchecked
    recipients: tuple[str, ...] = ()  # other addresses it went to, ours left out
    reply_to: tuple[str, ...] = ()  # where the sender asks answers to go; says nothing about who it is
    attachments: tuple[Upload, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()  # custom fields that a new ticket begins with, as they are kept
    automatic: bool = False  # out of office, bounce, list: never answered automatically
    marked: bool = False  # what stands in `text` as marks of Markdown was formatted by who wrote it
    fingerprint: str = ""  # hex sha256 of the canonical content; with external_id it makes the message unique

    def storable(self) -> "InboundMessage":
        """Without what no database can hold: NUL characters and lone surrogates."""

        def words(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(words, value))
            return clean(value) if type(value) is str else value

        sender = replace(self.sender, address=clean(self.sender.address), name=clean(self.sender.name))
        rest = {f.name: words(getattr(self, f.name)) for f in fields(self) if f.name != "sender"}
        return InboundMessage(sender=sender, **rest)


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One answer to one customer, complete: a channel needs nothing else to send it."""

    message_id: int  # ours; the same on every attempt, so that external ids can be derived from it
    external_id: str  # fixed at creation, so that a second attempt is the same message
    to: tuple[str, ...]
    subject: str
    text: str
    from_name: str
    cc: tuple[str, ...] = ()
    html: str | None = None
    reply_token: str = ""
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()  # oldest first
    attachments: tuple[Upload, ...] = ()
    written_at: datetime | None = None
    automatic: bool = False  # written by the desk itself; says so, so that no machine answers it
    question: "Question | None" = None  # what `text` asks, for channels that can take an answer by a button


@dataclass(frozen=True, kw_only=True)
class Question:
    """Without links: who presses is known where the button stands, and others may read along there."""

    words: str
    rating: str  # its public id
    choices: tuple[tuple[int, str], ...]  # score and label


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the other side said when it took the message over."""

    external_id: str
    answer: str = ""
    refused: dict[str, str] = field(default_factory=dict)  # recipient → why, where only some were taken


class Direction(StrEnum):
    inbound = "inbound"
    outbound = "outbound"
    note = "note"


class Delivery(StrEnum):
    scheduled = "scheduled"  # leaves at a time that its author chose
    held = "held"  # would have left, but the customer wrote first
    queued = "queued"
    sending = "sending"
    sent = "sent"
    failed = "failed"
    unknown = "unknown"  # the line broke after everything was handed over; it may have arrived


class Match(StrEnum):
    """Which proof put an inbound message into its ticket."""

    token = "token"  # noqa: S105 - the reply address we gave to this sender
    stranger_token = "stranger_token"  # noqa: S105 - one we gave to somebody else on the ticket
    participant = "participant"  # the reply address of this ticket, and the sender is in copy of it
    reference = "reference"  # it answers a message of this ticket, and the sender takes part in it
    same_mail = "same_mail"  # the same mail came to another of our inboxes


def may_be_marked(direction: "Direction", author: ActorKind, automatic: bool, marked: bool = False) -> bool:
    """`marked`: its channel knows formatting, and says it with these marks."""
    spoken = author in {ActorKind.agent, ActorKind.assistant}
    return marked or (direction is Direction.outbound and spoken and not automatic)


def is_proved(sender: str | None, proof: str | None, matched: "Match | None") -> bool:
    """A check of the channel says so, or the reply address that only they were given. A chat's or Slack's name for
    somebody claims no address."""
    if proof == Proof.authenticated or "@" not in (sender or ""):
        return True
    return matched == Match.token and proof != Proof.failed


def line_of(text: str, *, marked: bool) -> str:
    start = text[:LINE]
    return preview(marks.plain(start) if marked else start)


class Message(Row):
    """One thing that was said in a ticket: by the customer, to the customer, or among colleagues."""

    __tablename__ = "message"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    direction: Mapped[Direction] = mapped_column(Choice(Direction))
    author: Mapped[ActorKind] = mapped_column(Choice(ActorKind))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    text: Mapped[str]
    """What was written, without quotes."""
    quoted: Mapped[str | None]
    """What was cut from an inbound text; shown folded, never thrown away."""
    html: Mapped[str | None]
    """As it came; sanitised whenever it is shown."""
    sent_at: Mapped[datetime]

    external_id: Mapped[str | None]
    """Message-ID, Slack ts, …; of ours, fixed before the first attempt to send."""
    dedup_key: Mapped[str | None]
    copy_of_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """The same mail in another of our inboxes; shown once."""
    sender: Mapped[str | None]
    recipients: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    copies: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    automatic: Mapped[bool] = mapped_column(default=False)
    marked: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))
    """A customer's words that came with formatting: marks of Markdown in them are meant."""
    proof: Mapped[str | None]
    matched: Mapped[Match | None] = mapped_column(Choice(Match))

    client_id: Mapped[str | None]
    delivery: Mapped[Delivery | None] = mapped_column(Choice(Delivery))
    send_after: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    delivered_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    """What the other side said when it was not taken, in words."""
    withdrawn_at: Mapped[datetime | None]
    original: Mapped[str | None]
    """A note's first words, once it was edited."""
    edited_at: Mapped[datetime | None]
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    """The ticket it was written to, where a merge or split moved it."""
    side_id: Mapped[int | None] = mapped_column(BigInteger)
    """Said with a third party, apart from the customer."""
    before: Mapped[dict[str, Any] | None]
    """The ticket before this reply, while the reply can still be taken back."""

    ticket: Mapped["Ticket"] = relationship(
        back_populates="messages", lazy="raise", foreign_keys="Message.ticket_id"
    )
    contact: Mapped["Contact | None"] = relationship(lazy="raise")
    agent: Mapped["Agent | None"] = relationship(lazy="raise")
    attachments: Mapped[list["Attachment"]] = relationship(lazy="raise", order_by="Attachment.id")

    __table_args__ = (
        UniqueConstraint("inbox_id", "dedup_key"),
        UniqueConstraint("ticket_id", "client_id"),
        Index(None, "ticket_id", "id"),
        Index("ix_message_contact", "contact_id", "id", postgresql_where=sql("contact_id IS NOT NULL")),
        Index(
            "ix_message_external_id",
            sql("md5(external_id)"),  # ids of 10 kB exist, index rows of 10 kB do not
            postgresql_where=sql("external_id IS NOT NULL"),
        ),
        Index("ix_message_copy_of", "copy_of_id", postgresql_where=sql("copy_of_id IS NOT NULL")),
        Index("ix_message_dedup_key", "dedup_key", postgresql_where=sql("dedup_key IS NOT NULL")),
        Index("ix_message_side", "side_id", "id", postgresql_where=sql("side_id IS NOT NULL")),
        Index("ix_message_origin", "origin_id", "id", postgresql_where=sql("origin_id IS NOT NULL")),
        Index(
            "ix_message_later", "ticket_id", "id", postgresql_where=sql("delivery IN ('scheduled', 'held')")
        ),
        Index("ix_message_delivery", "send_after", postgresql_where=sql("delivery IN ('queued', 'sending')")),
    )

    @hybrid_property
    def announced(self) -> bool:
        """A message of the desk's own to the customer, which answers nothing."""
        return self.direction is Direction.outbound and self.automatic

    @announced.inplace.expression
    @classmethod
    def _announced(cls) -> ColumnElement[bool]:
        return and_(cls.direction == Direction.outbound, cls.automatic)

    @property
    def is_proved(self) -> bool:
        """Whether its sender is who it names."""
        return is_proved(self.sender, self.proof, self.matched)

    @property
    def may_be_marked(self) -> bool:
        """Whether marks of Markdown in it are meant: what customers typed, and what quotes it, stays as it is."""
        return may_be_marked(self.direction, self.author, self.automatic, self.marked)

    @property
    def line(self) -> str:
        """The beginning, for a list: words alone."""
        return line_of(self.text, marked=self.may_be_marked)

    def begun(self, length: int) -> str:
        """So many characters of it, to be quoted: words alone."""
        start = self.text[:length].strip()
        return marks.plain(start) if self.may_be_marked else start

    @classmethod
    def inbound(
        cls, inbound: InboundMessage, contact: "Contact", *, inbox: "Inbox", matched: Match | None
    ) -> "Message":
        visible = inbound.text if inbound.visible_text is None else inbound.visible_text
        return cls(
            direction=Direction.inbound,
            author=contact.actor,
            contact_id=contact.id,
            inbox_id=inbox.id,
            text=visible,
            quoted=inbound.text if inbound.text.strip() != visible.strip() else None,
            html=inbound.html,
            sent_at=inbound.received_at,
            created_at=now(),
            external_id=inbound.external_id or None,
            dedup_key=dedup_key(inbound),
            sender=inbound.sender.address,
            recipients=list(inbound.recipients),
            automatic=inbound.automatic,
            marked=inbound.marked,
            proof=inbound.sender.proof,
            matched=matched,
        )

    @classmethod
    def written(cls, direction: Direction, body: str, *, by: Actor, inbox_id: int) -> "Message":
        return cls(
            direction=direction,
            author=by.actor,
            agent_id=by.id if by.actor is ActorKind.agent else None,
            inbox_id=inbox_id,
            text=wording(body),
            sent_at=now(),
            created_at=now(),
            attachments=[],
        )


class Attachment(Row):
    __tablename__ = "attachment"

    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"), index=True)
    name: Mapped[str]
    content_type: Mapped[str]
    size: Mapped[int]
    key: Mapped[str]
    """Where `Files` keeps the bytes: their sha256."""
    content_id: Mapped[str | None]
    inline: Mapped[bool] = mapped_column(default=False)


class Empty(Invalid):
    message = _("There is nothing to send: write something first.")


def wording(body: str) -> str:
    """What a person typed, as it is kept; raises Empty."""
    text = written(body)
    if not text:
        raise Empty
    return text


def dedup_key(inbound: InboundMessage) -> str | None:
    """An id alone must not suppress a mail, or a stranger who knows it could; so the content counts too."""
    if not (inbound.external_id or inbound.fingerprint):
        return None
    return hashlib.sha256(f"{inbound.external_id}\0{inbound.fingerprint}".encode()).hexdigest()
