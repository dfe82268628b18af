"""What a channel must do, and may do."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt
from helpdesk.outbound import Outbound


@dataclass(frozen=True)
class Source:
    """Where raw bytes came from; `key` is unique within the inbox and the same when they come again."""

    key: str  # e.g. "INBOX/1718000000/42": folder, UIDVALIDITY, UID
    cursor: Mapping[str, Any] | None = None  # stored on the inbox in the same commit
    cut_from: int | None = None  # bytes the message really has, where it was too big to be taken whole


Keep = Callable[[Sequence[tuple[bytes, Source]]], Awaitable[None]]
"""Returns once all of the batch is committed: mark seen, or acknowledge, only after it.

One commit for many messages costs little more than for one. The cursor to store is the last one's.
Raising means that nothing of the batch was kept: the channel offers all of it again.
"""


@dataclass(frozen=True)
class Capabilities:
    html: bool = False
    attachments: bool = False
    cc: bool = False
    max_length: int | None = None  # characters of one message
    realtime: bool = False  # typing, presence
    stored_is_delivered: bool = False  # the other side reads what is here: `send` reaches nobody outside
    quotes: bool = False  # an answer repeats what it answers, as mail does
    writes_to: frozenset[str] | None = None
    """Kinds of identities that it can write to; empty: only who wrote there before; None: whatever it is given."""
    marks: str = ""  # what Markdown in an answer becomes where it is read: html, mrkdwn


class Channel(Protocol):
    """One inbox's connection to the outside, made from the inbox's own settings.

    Making one is cheap and opens nothing: make it where it is needed.
    """

    name: ClassVar[str]
    label: ClassVar[Text]
    capabilities: ClassVar[Capabilities]
    Settings: ClassVar[type[Struct]]

    def __init__(self, settings: Any, *, address: str) -> None: ...

    def parse(self, raw: bytes) -> InboundMessage:
        """Read kept bytes; pure, no IO. Raises `Unreadable` where no person's words can be got out.

        What it says depends on the inbox: its own address is no other recipient, and who may vouch
        for a sender is a setting.
        """
        ...

    async def check(self) -> None:
        """Raise ChannelError, in words, when these settings can't work."""
        ...

    async def send(self, message: OutboundMessage) -> Receipt:
        """Hand over one message. Raises Rejected (permanent), Unavailable (try again) or Uncertain."""
        ...


@dataclass(frozen=True)
class Step:
    """One thing that was tried, and what came of it, in words."""

    what: str
    found: str = ""
    trouble: str = ""


@runtime_checkable
class Diagnoses(Protocol):
    """A channel that can say how far its settings go, one step after the other. Raises nothing of its own."""

    def diagnose(self) -> AsyncIterator[Step]: ...


@runtime_checkable
class Listens(Protocol):
    """A channel that fetches: listen() runs until it is cancelled and reconnects on its own.

    `trouble` hears in words why the channel is off line, and None as soon as it is back.
    """

    async def listen(
        self,
        keep: Keep,
        cursor: Mapping[str, Any],
        *,
        trouble: Callable[["ChannelError | None"], None] | None = None,
    ) -> None: ...


@dataclass(frozen=True)
class WebhookRequest:
    """What another program sent to `/hooks/<inbox>`, unread."""

    headers: Mapping[str, str]  # names in lower case
    body: bytes


@dataclass(frozen=True)
class WebhookReply:
    """What it is answered. `kept` is the source's key: the route then adds the number of the ticket."""

    status: int = 202
    content: Mapping[str, Any] = field(default_factory=dict)
    kept: str | None = None


@runtime_checkable
class TakesWebhooks(Protocol):
    """A channel that is called: each request brings its own proof, since anybody may send one.

    `admits` looks at the head alone, so that nobody's megabytes are read without a reason, and says whether that
    proves it already: less is read at once of what it does not. `webhook` proves the rest, keeps, and answers only
    once all of it is stored. Both raise HelpdeskError to refuse, in words.
    """

    largest: ClassVar[int]  # bytes of a body
    often: ClassVar[int]  # requests of one inbox a minute that bring their proof

    def admits(self, headers: Mapping[str, str]) -> bool: ...

    async def webhook(self, request: WebhookRequest, keep: Keep) -> WebhookReply: ...


@dataclass(frozen=True)
class Outcome:
    """What came of something that was kept, in words for who looks into it; a message where it is one."""

    words: str
    message_id: int | None = None


@runtime_checkable
class Interprets(Protocol):
    """A channel where more arrives than messages: edits, reactions, buttons, notes of colleagues.

    What was kept comes back to it, one after the other as it arrived, perhaps more than once, and all of it must be
    as if it had come once. Raises Unavailable where it has to be tried again later.
    """

    async def interpret(self, desk: Desk, inbox: Inbox, raw: bytes) -> Outcome: ...


@runtime_checkable
class Mirrors(Protocol):
    """A channel that shows colleagues the tickets of its inbox where they are, as they stand.

    `mirror` posts what is missing and changes what is not so any more; calling it again changes nothing.
    """

    @property
    def mirrors(self) -> bool: ...

    async def mirror(self, desk: Desk, inbox: Inbox, ticket_id: int) -> None: ...

    async def tell(self, desk: Desk, inbox: Inbox, *, since: int, until: int) -> None:
        """Say to teams what happened in the events between; each once, however often it is asked to."""


@runtime_checkable
class ReachesOut(Protocol):
    """A channel that calls an address that somebody entered: the desk gives it the guarded way out."""

    outbound: Outbound


class ChannelError(HelpdeskError):
    status = 502
    message = _("The other side could not be reached.")


class Rejected(ChannelError):
    """Refused for good: trying again would not help."""


class Unavailable(ChannelError):
    """Not now; `retry_after` says when to try again."""

    def __init__(
        self, detail: str | Text | None = None, *, retry_after: timedelta = timedelta(minutes=1)
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Uncertain(ChannelError):
    """The line broke after everything was handed over: it may or may not have been taken."""


class Unreadable(ChannelError):
    """These bytes hold no message that a person could read; they are kept in the quarantine."""
