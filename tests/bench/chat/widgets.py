"""Visitors with the chat open, as their browsers speak to the desk."""

import asyncio
import random
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import msgspec

from tests.bench.chat.tally import Tally
from tests.bench.chat.wire import Answer, Events, Wires, request

luck = random.Random(7)  # noqa: S311 - nobody's secret
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0  # seconds; as web/static/widget/line.js


@dataclass(eq=False)
class Widget:
    wires: Wires
    tally: Tally
    base: str
    address: str
    gestures: bool
    token: str = ""
    number: int = 0
    """Of its conversation."""
    reached: int = 0
    asked: tuple[str, float] | None = None
    """What it wrote last and the desk has not answered, and when."""
    awaited: dict[str, float] = field(default_factory=dict)
    """What an agent wrote, and when."""
    told: set[int] = field(default_factory=set)
    answered: float = 0.0
    events: Events | None = None
    staying: bool = True
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.token}",
            "x-forwarded-for": self.address,
            "sec-fetch-site": "same-origin",
            "content-type": "application/json",
        }

    async def ask(self, method: str, path: str, **given: Any) -> Answer:
        return await self.wires.ask(method, self.base + path, self.headers, msgspec.json.encode(given))

    async def arrive(self) -> None:
        while (answer := await self.ask("POST", "/visitors")).status != 201:
            self.tally.count[f"was refused when it came: {answer.status}"] += 1
            await asyncio.sleep(2)
        self.token = msgspec.json.decode(answer.body)["token"]

    async def write(self, text: str) -> None:
        said = {"id": str(uuid.uuid4()), "text": text}
        if self.gestures:
            await self.ask("POST", "/me/typing")
        self.asked = (text, monotonic())
        while (answer := await self.ask("POST", "/messages", **said)).status == 503:
            self.tally.count["wrote once more, since the desk was busy"] += 1
            await asyncio.sleep(1)
        self.tally.count[f"customers wrote: {answer.status}"] += 1
        if answer.status != 201:
            self.asked = None
        elif self.number == 0:
            self.number = msgspec.json.decode(answer.body)["conversation"] or 0

    async def look(self) -> None:
        state = msgspec.json.decode((await self.ask("GET", "/state")).body)
        self.number = next(
            (each["number"] for each in state.get("conversations", ())), 0
        )  # none while it is refused

    async def listen(self) -> int:
        """Opens the stream; returns what the desk answered."""
        headers = self.headers | {"last-event-id": str(self.reached)}
        ask = request(self.wires, "GET", f"{self.base}/live", headers)
        self.events = Events(ask, self._hear, self._lost)
        return await self.events.opened(self.wires)

    async def come_back(self) -> None:
        """As often as it takes, ever more slowly, and not all at once."""
        wait = FIRST_WAIT
        while True:
            await asyncio.sleep(wait * (0.5 + luck.random() * 1.5))
            status = await self.listen()
            self.tally.count[f"came back: {status}"] += 1
            if status == 200:
                return
            wait = min(wait * 2, LONGEST_WAIT)

    def leave(self) -> None:
        self.staying = False
        if self.events:
            self.events.close()

    def _hear(self, name: str, data: bytes, number: int | None) -> None:
        if number is not None:
            self.reached = number
        if name != "message":
            return
        message = msgspec.json.decode(data)
        if message["id"] in self.told:
            self.tally.count["doubled at customers"] += 1
            return
        self.told.add(message["id"])
        if (sent := self.awaited.pop(message["text"], None)) is not None:
            self.answered = monotonic()
            self.tally.add("agent to customer", self.answered - sent)
            if self.gestures:
                self._start(self.ask("POST", "/me/reading", upto=message["id"]))

    def _start(self, doing: Any) -> None:
        task = asyncio.ensure_future(doing)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _lost(self, events: Events) -> None:
        if events is self.events and self.staying:
            self.tally.count["streams that the desk ended"] += 1
            with suppress(RuntimeError):  # the crowd goes home
                self._start(self.come_back())
