"""What crosses the boundary between a channel and the desk."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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
    automatic: bool = False  # out of office, bounce, list: never answered automatically
    fingerprint: str = ""  # hex sha256 of the canonical content; with external_id it makes the message unique


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


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What the other side said when it took the message over."""

    external_id: str
    answer: str = ""
    refused: dict[str, str] = field(default_factory=dict)  # recipient → why, where only some were taken
