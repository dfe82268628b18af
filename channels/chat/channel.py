"""The chat as a channel. What is stored is delivered: an open widget is told at once, a closed one when it opens."""

from typing import Any, ClassVar

from msgspec import Struct

from channels.chat import reading
from channels.chat.settings import COLOUR, ChatSettings
from channels.contract import Capabilities
from helpdesk.errors import Misconfigured
from helpdesk.i18n import Text, _, gettext
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt


class ChatChannel:
    name: ClassVar[str] = "chat"
    label: ClassVar[Text] = _("Chat on your site")
    capabilities: ClassVar[Capabilities] = Capabilities(
        attachments=True, realtime=True, stored_is_delivered=True, writes_to=frozenset(), marks="html"
    )
    Settings: ClassVar[type[Struct]] = ChatSettings

    def __init__(self, settings: Any, *, address: str) -> None:
        self.settings: ChatSettings = settings
        self.address = address.lower()

    def parse(self, raw: bytes) -> InboundMessage:
        return reading.message(raw, address=self.address)

    async def check(self) -> None:
        if not COLOUR.fullmatch(self.settings.accent):
            raise Misconfigured(gettext("A colour is written as # and six digits, such as #3f5bd8."))

    async def send(self, message: OutboundMessage) -> Receipt:
        return Receipt(external_id=message.external_id, answer="ready to be read")
