"""Programs as a channel: they call in with the inbox's key, and answers are called back, signed."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from channels.api import reading
from channels.api.settings import ApiSettings
from channels.contract import (
    Capabilities,
    Keep,
    Rejected,
    Source,
    Unavailable,
    WebhookReply,
    WebhookRequest,
)
from helpdesk import clock, signing
from helpdesk.errors import HelpdeskError, Misconfigured
from helpdesk.i18n import Text, _, gettext
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt
from helpdesk.outbound import NotAllowed, Outbound, Policy
from helpdesk.webhooks import VERSION, post

REPLY = "message.reply"
FOR_GOOD = {400, 404, 410, 413, 415, 422}
"""Answers to a callback after which trying again would not help."""
BEARER = "Bearer "


class NoKey(HelpdeskError):
    status = 401
    message = _(
        "This inbox takes messages of programs only with its key: `Authorization: Bearer …`, or a signature."
    )


class ApiChannel:
    name: ClassVar[str] = "api"
    label: ClassVar[Text] = _("Programs and web forms")
    capabilities: ClassVar[Capabilities] = Capabilities(attachments=True)
    Settings: ClassVar[type[Struct]] = ApiSettings
    largest: ClassVar[int] = reading.LARGEST
    often: ClassVar[int] = 600

    def __init__(self, settings: Any, *, address: str) -> None:
        self.settings: ApiSettings = settings
        self.address = address.lower()
        self.outbound = Outbound(Policy())

    def parse(self, raw: bytes) -> InboundMessage:
        return reading.message(raw, address=self.address, vouches=self.settings.vouches)

    async def check(self) -> None:
        if not self.settings.callback_url:
            return
        if not signing.is_secret(self.settings.callback_secret):
            raise Misconfigured(gettext("Callbacks need a secret to be signed with: whsec_ and base64."))
        try:
            self.outbound.policy.check(self.settings.callback_url)
        except NotAllowed as error:
            raise Misconfigured(str(error)) from None

    def admits(self, headers: Mapping[str, str]) -> bool:
        """A right key proves it; for what looks like a signature the body has to be read."""
        if not self.settings.key:
            raise NoKey
        given = headers.get("authorization", "")
        if given:
            if not given.startswith(BEARER) or not self._knows(given.removeprefix(BEARER).strip()):
                raise NoKey
        elif not headers.get("webhook-signature"):
            raise NoKey
        return bool(given)

    async def webhook(self, request: WebhookRequest, keep: Keep) -> WebhookReply:
        """The same `external_id`, or the same signed id, is the same message however often it comes."""
        self.admits(request.headers)
        signed = None
        if "authorization" not in request.headers:
            keys = self.settings.keys(clock.now())
            signed = signing.verify(keys, request.headers, request.body, datetime.now(UTC))
        found = reading.program(request.body)
        key = f"id/{found.external_id}" if found.external_id else f"call/{signed or secrets.token_hex(16)}"
        await keep([(request.body, Source(key))])
        return WebhookReply(kept=key)

    async def send(self, message: OutboundMessage) -> Receipt:
        """Without a callback the program asks for answers itself: then they are sent once they stand there."""
        if not self.settings.callback_url:
            return Receipt(external_id=message.external_id, answer=gettext("ready to be asked for"))
        body = msgspec.json.encode(
            {
                "type": REPLY,
                "version": VERSION,
                "timestamp": message.written_at or clock.now(),
                "data": reply(message, self.address),
            }
        )
        outcome = await post(
            self.outbound,
            self.settings.callback_url,
            [self.settings.callback_secret],
            f"msg_reply_{message.message_id}",
            body,
        )
        if outcome.taken:
            return Receipt(external_id=message.external_id, answer=str(outcome.status))
        if outcome.status in FOR_GOOD:
            raise Rejected(outcome.words)
        raise Unavailable(outcome.words, retry_after=outcome.retry_after or timedelta(minutes=1))

    def _knows(self, given: str) -> bool:
        return any(
            hmac.compare_digest(key.encode(), given.encode()) for key in self.settings.keys(clock.now())
        )


def reply(message: OutboundMessage, address: str) -> dict[str, Any]:
    """An answer as programs are given it, called back or asked for alike."""
    return {
        "id": message.message_id,
        "external_id": message.external_id,
        "in_reply_to": reading.unnamed(message.in_reply_to, address),
        "to": [reading.unnamed(each, address) or each for each in message.to],
        "from_name": message.from_name,
        "subject": message.subject,
        "text": message.text,
        "reply_token": message.reply_token,
        "attachments": [
            {
                "name": file.name,
                "content_type": file.content_type,
                "content": base64.b64encode(file.content).decode(),
            }
            for file in message.attachments
        ],
    }
