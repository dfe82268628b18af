"""A program that listens: it verifies what it is sent as its own library does, and answers as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from standardwebhooks import Webhook as Verifier

from helpdesk import webhooks
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.webhooks import Webhook
from tests.helpdesk.servers import Asked, server
from tests.scenes import Scene

Told = tuple[str, bytes]  # status line, further head lines


@dataclass
class Receiver:
    port: int = 0
    secret: str = ""
    answers: list[Told] = field(default_factory=list)
    """What it says next; 200 when this is empty."""
    received: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    hangs: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.received]

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        if self.secret:
            self.received.append(Verifier(self.secret).verify(asked.body, asked.headers))
        else:
            self.received.append(msgspec.json.decode(asked.body))
        self.ids.append(asked.headers["webhook-id"])
        if self.hangs:
            await asyncio.sleep(60)
        status, head = self.answers.pop(0) if self.answers else ("200 OK", b"")
        body = f"said {status}".encode()
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n".encode() + head + b"\r\n" + body)
        await writer.drain()


@asynccontextmanager
async def listening(**given: Any) -> AsyncIterator[Receiver]:
    receiver = Receiver(**given)
    async with server(receiver.answer) as there:
        receiver.port = there.port
        yield receiver


def allowing(desk: Desk, *receivers: Receiver) -> Desk:
    """The same desk, whose operator has named these receivers."""
    hosts = ",".join(f"127.0.0.1:{receiver.port}" for receiver in receivers)
    return replace(desk, settings=msgspec.structs.replace(desk.settings, allow_hosts=hosts))


async def subscribed(
    scene: Scene, receiver: Receiver, *events: str, includes: tuple[str, ...] = ()
) -> Webhook:
    webhook, secret = webhooks.made(
        scene.desk.keys,
        name="Receiver",
        url=receiver.url,
        events=list(events),
        includes=list(includes),
        by=scene.agents["Ada"],
    )
    async with committed(scene.desk.sessions) as session:
        session.add(webhook)
    receiver.secret = secret
    return webhook
