import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from channels.contract import Source, WebhookReply, WebhookRequest
from channels.slack import calling, lines, people
from channels.slack.channel import SlackChannel
from channels.slack.filing import LAST
from channels.slack.settings import SlackSettings
from helpdesk import intake
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from tests.channels.slack.fake import BOT, HOME, SECRET, TOKEN, FakeSlack, signed
from tests.scenes import Scene
from workers.connecting import channel_of
from workers.delivery import deliver
from workers.interpreting import interpret_next


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack.at_work() as fake:
        fake.add(BOT, "helpdesk", team=HOME, is_bot=True)
        fake.add("U0ADA", "Ada", team=HOME, email="Ada@desk.example")
        fake.add("U0GRACE", "Grace", team=HOME, email="grace@desk.example")
        fake.add("U0MARTA", "Marta Lumen")
        fake.add("U0BEN", "Ben Lumen")
        people._known.clear()
        lines._inside.clear()
        calling._waits.clear()
        yield fake


@dataclass
class Room:
    """A desk with one Slack inbox, and a Slack that it is connected to."""

    desk: Desk
    scene: Scene
    slack: FakeSlack
    inbox: Inbox

    @property
    def channel(self) -> SlackChannel:
        found = channel_of(self.desk, self.inbox)
        assert isinstance(found, SlackChannel)
        return found

    async def hears(self, *payloads: dict[str, Any], form: bool = False) -> None:
        """Slack calls with each, signed; then the desk makes of them what they are."""
        for payload in payloads:
            assert (await self.is_called(payload, form=form)).status == 200
        await self.interprets()

    async def is_called(self, payload: dict[str, Any], *, form: bool = False) -> WebhookReply:
        headers, body = signed(payload, form=form)
        return await self.channel.webhook(WebhookRequest(headers, body), self.keep)

    async def keep(self, batch: Any) -> None:
        async with committed(self.desk.sessions) as session:
            arrived = [(raw, source.key) for raw, source in batch if isinstance(source, Source)]
            await intake.keep(session, self.inbox.id, arrived, handed=True)

    async def interprets(self) -> None:
        while await interpret_next(self.desk, self.inbox.id):
            pass

    async def outcomes(self) -> list[str]:
        """What came of everything that arrived, in words."""
        async with self.desk.sessions() as session:
            found = await session.scalars(
                select(Kept.outcome)
                .where(Kept.inbox_id == self.inbox.id, ~Kept.source.startswith(LAST))
                .order_by(Kept.id)
            )
            return [one or "" for one in found]

    async def tickets(self) -> list[Ticket]:
        async with self.desk.sessions() as session:
            query = select(Ticket).options(joinedload(Ticket.contact)).order_by(Ticket.id)
            return list(await session.scalars(query))

    async def texts(self, ticket: Ticket) -> list[str]:
        return [message.text for message in await self.scene.messages(ticket)]

    async def answers(self, ticket: Ticket, body: str = "Here it is.", **more: Any) -> Message:
        """An agent answers in the console, and it leaves."""
        message: Message = await self.scene.does(ticket, "reply", body, by=self.scene.agents["Ada"], **more)
        await self.leaves(message)
        return message

    async def leaves(self, message: Message) -> None:
        async with committed(self.desk.sessions) as session:
            row = await session.get_one(Message, message.id)
            row.send_after = None if row.delivery == "queued" else row.send_after
        await deliver(self.desk, message.id)


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    return await connected(desk, slack)


async def connected(desk: Desk, slack: FakeSlack, **chosen: Any) -> Room:
    allowed = replace_settings(desk, allow_hosts=slack.host)
    settings = SlackSettings(bot_token=TOKEN, signing_secret=SECRET, api_url=slack.api, **chosen)
    scene = await Scene.set(allowed)
    inbox = Inbox(
        name="Shared channels",
        channel="slack",
        address="slack@desk.example",
        sealed_settings=desk.keys.seal(json.loads(msgspec.json.encode(settings))),
    )
    async with committed(desk.sessions) as session:
        session.add(inbox)
    return Room(allowed, scene, slack, inbox)


def replace_settings(desk: Desk, **changed: Any) -> Desk:
    return replace(desk, settings=msgspec.structs.replace(desk.settings, **changed))
