"""What a channel must do, and may do."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Protocol, runtime_checkable

from msgspec import Struct

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import Text, _
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt


@dataclass(frozen=True)
class Source:
    """Where raw bytes came from; `key` is unique within the inbox and the same when they come again."""

    key: str  # e.g. "INBOX/1718000000/42": folder, UIDVALIDITY, UID
    cursor: Mapping[str, Any] | None = None  # stored on the inbox in the same commit


Keep = Callable[[bytes, Source], Awaitable[None]]
"""Returns once the bytes are committed: mark seen, or acknowledge, only after it."""


@dataclass(frozen=True)
class Capabilities:
    html: bool = False
    attachments: bool = False
    cc: bool = False
    max_length: int | None = None  # characters of one message
    realtime: bool = False  # typing, presence


class Channel(Protocol):
    """One inbox's connection to the outside, made from the inbox's own settings."""

    name: ClassVar[str]
    label: ClassVar[Text]
    capabilities: ClassVar[Capabilities]
    Settings: ClassVar[type[Struct]]

    def __init__(self, settings: Any, *, address: str) -> None: ...

    @staticmethod
    def parse(raw: bytes) -> InboundMessage:
        """Read kept bytes; pure, no IO. Raises `Unreadable` where no person's words can be got out."""
        ...

    async def check(self) -> None:
        """Raise ChannelError, in words, when these settings can't work."""
        ...

    async def send(self, message: OutboundMessage) -> Receipt:
        """Hand over one message. Raises Rejected (permanent) or Unavailable (try again)."""
        ...


@runtime_checkable
class Listens(Protocol):
    """A channel that fetches: listen() runs until it is cancelled and reconnects on its own."""

    async def listen(self, keep: Keep, cursor: Mapping[str, Any]) -> None: ...


class ChannelError(HelpdeskError):
    status = 502
    message = _("The other side could not be reached.")


class Rejected(ChannelError):
    """Refused for good: trying again would not help."""


class Unavailable(ChannelError):
    """Not now; `retry_after` says when to try again."""

    def __init__(self, detail: str | None = None, *, retry_after: timedelta = timedelta(minutes=1)) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Uncertain(ChannelError):
    """The line broke after everything was handed over: it may or may not have been taken."""


class Unreadable(ChannelError):
    """These bytes hold no message that a person could read; they are kept in the quarantine."""
