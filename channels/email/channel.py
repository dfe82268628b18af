"""E-mail as a channel: fetched over IMAP, read, answered over SMTP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from channels.contract import Capabilities, ChannelError, Keep, Step
from channels.email import listening, sending
from channels.email.composing import compose
from channels.email.diagnosis import diagnose
from channels.email.reading import message, read
from channels.email.settings import EmailSettings
from helpdesk.i18n import Text, _
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt
from helpdesk.outbound import Outbound, Policy


class EmailChannel:
    name: ClassVar[str] = "email"
    label: ClassVar[Text] = _("E-mail")
    capabilities: ClassVar[Capabilities] = Capabilities(
        html=True, attachments=True, cc=True, quotes=True, writes_to=frozenset({"email"}), marks="html"
    )
    Settings: ClassVar[type[Struct]] = EmailSettings

    def __init__(self, settings: Any, *, address: str) -> None:
        self.settings: EmailSettings = settings
        self.address = address.lower()
        self.outbound = Outbound(Policy())
        """Public servers alone, until the desk gives it its own way out."""

    def parse(self, raw: bytes) -> InboundMessage:
        return message(read(raw), address=self.address, authserv_id=self.settings.authserv_id)

    async def check(self) -> None:
        if self.settings.imap_host:
            await listening.check(self.settings, self.outbound.policy)
        await sending.check(self.settings, self.address, self.outbound.policy)

    def diagnose(self) -> AsyncIterator[Step]:
        return diagnose(self.settings, self.address, self.outbound.policy)

    async def listen(
        self,
        keep: Keep,
        cursor: Mapping[str, Any],
        *,
        trouble: Callable[[ChannelError | None], None] | None = None,
    ) -> None:
        if not self.settings.imap_host:
            await asyncio.Event().wait()
        await listening.listen(self.settings, self.outbound.policy, keep, cursor, trouble)

    async def send(self, message: OutboundMessage) -> Receipt:
        return await sending.send(
            self.settings,
            self.outbound.policy,
            compose(message, address=self.address, from_name=self.settings.from_name),
            external_id=message.external_id,
            sender=self.address,
            recipients=(*message.to, *message.cc),
        )
