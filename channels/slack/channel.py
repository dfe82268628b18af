"""Slack as a channel: threads in, answers into the thread that was asked in."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from channels.contract import (
    Capabilities,
    ChannelError,
    Keep,
    Outcome,
    Step,
    WebhookReply,
    WebhookRequest,
)
from channels.slack import arriving, checking, mrkdwn, reading, sending
from channels.slack.calling import Calls
from channels.slack.settings import SlackSettings
from helpdesk.desk import Desk
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt
from helpdesk.outbound import Outbound, Policy


class SlackChannel:
    name: ClassVar[str] = "slack"
    label: ClassVar[Text] = _("Slack")
    capabilities: ClassVar[Capabilities] = Capabilities(
        attachments=True, max_length=mrkdwn.LONGEST, writes_to=frozenset({"slack"}), marks="mrkdwn"
    )
    Settings: ClassVar[type[Struct]] = SlackSettings
    largest: ClassVar[int] = 1024**2  # bytes; Slack's own payloads stay far below
    often: ClassVar[int] = 30_000
    """Calls a minute; Slack sends so many in an hour, and what is refused comes again late, or not at all."""

    def __init__(self, settings: Any, *, address: str) -> None:
        self.settings: SlackSettings = settings
        self.address = address
        self.outbound = Outbound(Policy())

    @property
    def calls(self) -> Calls:
        return Calls(self.outbound, self.settings)

    def parse(self, raw: bytes) -> InboundMessage:
        return reading.parse(raw)

    async def check(self) -> None:
        async for step in self.diagnose():
            if step.trouble:
                raise ChannelError(f"{step.what}: {step.trouble}")

    async def diagnose(self) -> AsyncIterator[Step]:
        async for step in checking.steps(self.calls):
            yield step

    def admits(self, headers: Mapping[str, str]) -> bool:
        """The signature is over the body, so that has to be read first."""
        if not self.settings.signing_secret or not headers.get("x-slack-signature"):
            raise arriving.NotSigned
        return False

    async def webhook(self, request: WebhookRequest, keep: Keep) -> WebhookReply:
        self.admits(request.headers)
        return await arriving.called(self.settings.signing_secret, request, keep)

    async def listen(
        self,
        keep: Keep,
        cursor: Mapping[str, Any],
        *,
        trouble: Callable[[ChannelError | None], None] | None = None,
    ) -> None:
        """With an app token the desk opens the connection; without one Slack calls, and nothing is to be done."""
        told = trouble or (lambda _error: None)
        if self.settings.app_token:
            await arriving.connected(self.calls, self.settings.app_token, keep, told)
        else:
            await checking.watched(self.calls, told)

    async def send(self, message: OutboundMessage) -> Receipt:
        return await sending.send(self.calls, message)

    async def interpret(self, desk: Desk, inbox: Inbox, raw: bytes) -> Outcome:
        from channels.slack import happening

        return await happening.interpret(desk, inbox, self.calls, raw)

    @property
    def mirrors(self) -> bool:
        return True

    async def mirror(self, desk: Desk, inbox: Inbox, ticket_id: int) -> None:
        from channels.slack import triage

        await triage.show(desk, inbox, self.calls, ticket_id)

    async def tell(self, desk: Desk, inbox: Inbox, *, since: int, until: int) -> None:
        from channels.slack import lines

        await lines.tell(desk, inbox, self.calls, since=since, until=until)
