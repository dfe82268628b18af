"""Visitors of a chat, as their frames speak to the desk."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import jwt
import msgspec
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.database import CHANNEL, committed
from helpdesk.inboxes import Inbox
from tests.scenes import Scene
from tests.web.served import Console, Person
from tests.workers.hands import at_work
from web.chat import talking

KEY = "a key that the shop signs with, 32 bytes"
SHOP = "https://shop.example"


async def chat_inbox(scene: Scene, **settings: Any) -> Inbox:
    given = {"origins": SHOP, "jwt_key": KEY} | settings
    inbox = Inbox(
        name="Lumen chat",
        channel="chat",
        address="chat@desk.example",
        sealed_settings=scene.desk.keys.seal(given),
        team_id=scene.teams["Billing"].id,
    )
    async with committed(scene.desk.sessions) as session:
        session.add(inbox)
    return inbox


@asynccontextmanager
async def answering(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    """A chat whose messages become tickets while their authors wait."""
    monkeypatch.setattr(talking, "PATIENCE", 40.0)  # a busy machine is no reason to answer sooner
    inbox = await chat_inbox(scene)
    async with at_work(scene.desk, jobs=False):
        yield inbox


def signed(key: str = KEY, *, minutes: float = 10, algorithm: str = "HS256", **claims: Any) -> str:
    """What the shop's server would sign for somebody who is signed in there."""
    given = {"sub": "77", "exp": now() + timedelta(minutes=minutes)} | claims
    return jwt.encode({k: v for k, v in given.items() if v is not None}, key, algorithm=algorithm)


async def tell_frames(session: AsyncSession, name: str) -> None:
    """As the database says it to all open frames that listen to this name."""
    await session.execute(select(func.pg_notify(CHANNEL, name)))


class Frame:
    """One browser with the chat open."""

    def __init__(self, person: Person, inbox: Inbox) -> None:
        self.person, self.base, self.token = person, f"/chat/{inbox.public_id}", ""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    async def arrives(self, **given: Any) -> httpx.Response:
        answer = await self.person.post(f"{self.base}/visitors", json=given)
        if answer.status_code == 201:
            self.token = answer.json()["token"]
        return answer

    async def writes(self, text: str = "Where is my parcel?", **given: Any) -> httpx.Response:
        said = {"id": str(uuid.uuid4()), "text": text} | given
        path = f"{self.base}/messages"
        return await self.person.post(path, json=said, headers=self.headers, timeout=60)

    async def asks(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        return await self.person.request(method, self.base + path, headers=self.headers, **options)

    async def state(self) -> dict[str, Any]:
        answer = await self.asks("/state")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def read(self) -> list[tuple[str, str]]:
        """Who said what, as the frame shows it."""
        return [(each["from"], each["text"]) for each in (await self.state())["messages"]]

    @asynccontextmanager
    async def listens(self, after: int | None = None) -> AsyncIterator["Ear"]:
        headers = self.headers | ({"last-event-id": str(after)} if after is not None else {})
        async with self.person.stream("GET", f"{self.base}/live", headers=headers, timeout=30) as answer:
            assert answer.status_code == 200
            yield Ear(answer)


class Ear:
    """The line down, event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.reached = 0

    async def hears(self, kind: str, within: float = 10) -> Any:
        """The next event of this kind; others are passed over."""
        name = ""
        async with asyncio.timeout(within):
            async for line in self._lines:
                if line.startswith("id: "):
                    self.reached = int(line[4:])
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: ") and name == kind:
                    return msgspec.json.decode(line[6:])
        raise AssertionError(f"the line ended before {kind} came")


async def frame_of(console: Console, inbox: Inbox, **given: Any) -> Frame:
    frame = Frame(await console.stranger(), inbox)
    answer = await frame.arrives(**given)
    assert answer.status_code == 201, answer.text
    return frame
