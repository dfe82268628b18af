"""A channel that goes nowhere: what is sent stays in a list. For the demo and for tests."""

import hashlib
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from channels.contract import Capabilities, Rejected, Unreadable
from helpdesk import clock
from helpdesk.i18n import Text, _
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt, Sender


class LoopbackSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    refuses: str = ""
    """A recipient that is always refused, to see what the desk makes of it."""


class Note(Struct, frozen=True, kw_only=True, rename={"sender": "from"}):
    """The JSON that comes in: `{"from": "ada@example.com", "text": "…"}` is enough."""

    sender: str
    text: str
    id: str = ""
    name: str = ""
    subject: str | None = None
    html: str | None = None
    thread: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    automatic: bool = False
    at: datetime | None = None


class LoopbackChannel:
    name: ClassVar[str] = "loopback"
    label: ClassVar[Text] = _("Loopback")
    capabilities: ClassVar[Capabilities] = Capabilities(
        html=True, attachments=True, cc=True, quotes=True, marks="html"
    )
    Settings: ClassVar[type[Struct]] = LoopbackSettings
    sent: ClassVar[dict[str, list[OutboundMessage]]] = {}  # address of the inbox → what left it

    def __init__(self, settings: Any, *, address: str) -> None:
        self.settings: LoopbackSettings = settings
        self.address = address

    def parse(self, raw: bytes) -> InboundMessage:
        try:
            note = msgspec.json.decode(raw, type=Note)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unreadable(f"This is no note of the loopback channel: {error}") from None
        return InboundMessage(
            external_id=note.id,
            sender=Sender(address=note.sender.strip().lower(), name=note.name),
            text=note.text.replace("\0", ""),
            received_at=note.at or clock.now(),
            html=note.html,
            subject=note.subject,
            thread=note.thread,
            tokens=note.tokens,
            automatic=note.automatic,
            fingerprint=hashlib.sha256(raw).hexdigest(),
        )

    async def check(self) -> None:
        """It always works: there is no other side."""

    async def send(self, message: OutboundMessage) -> Receipt:
        if self.settings.refuses in message.to:
            raise Rejected(f"{self.settings.refuses} was refused, as the settings ask for.")
        self.sent.setdefault(self.address, []).append(message)
        return Receipt(external_id=message.external_id, answer="kept")


CHANNEL = LoopbackChannel
