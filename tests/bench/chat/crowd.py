"""python -m tests.bench.chat.crowd: everybody who has the desk open. Told what to be by a line on standard input;
says by lines on standard output how far it is, so that another process can measure the desk at each of them."""

import asyncio
import resource
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

import msgspec
import uvloop
from msgspec import Struct

from tests.bench.chat.consoles import Console
from tests.bench.chat.tally import Tally
from tests.bench.chat.widgets import Widget, luck
from tests.bench.chat.wire import Wires

ARRIVALS = 8.0  # a second: each also begins a conversation, and a chat takes 600 new visitors a minute
REST = 2.0  # seconds from an answer to what its customer writes next
OPEN_ONES = 0.2  # of what customers write, the share that goes to tickets that an agent has open
DRAIN = 15.0  # seconds in which the last words have to come


class Plan(Struct):
    port: int
    chats: list[str]
    """Public ids."""
    agents: list[str]
    """E-mail addresses."""
    widgets: int
    rate: float
    minutes: float
    warm: float
    idle: float
    gestures: bool


class Crowd:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.tally = plan, Tally()
        self.wires = Wires("127.0.0.1", plan.port)
        self.widgets = [
            Widget(
                self.wires,
                self.tally,
                f"/chat/{plan.chats[n % len(plan.chats)]}",
                _address(10, n),
                plan.gestures,
            )
            for n in range(plan.widgets)
        ]
        self.consoles = [
            Console(self.wires, self.tally, email, _address(11, n), self._heard, self._caught_up)
            for n, email in enumerate(plan.agents)
        ]
        self.of_ticket: dict[int, Widget] = {}
        self.ticket_of: dict[Widget, int] = {}
        self.hearers: dict[Widget, set[Console]] = {}
        """Whoever has heard of what each wrote last."""
        self.waiting: deque[Widget] = deque()
        self.said = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    async def live(self) -> None:
        await self._come()
        for console in self.consoles:
            await console.sign_in()
        self._say("arrived", messages=len(self.widgets))
        numbers: dict[int, int] = msgspec.json.decode(await _line(), type=dict[int, int])
        for widget in self.widgets:
            self.ticket_of[widget] = numbers[widget.number]
            self.of_ticket[numbers[widget.number]] = widget
        for n in range(0, len(self.widgets), 20):
            opened = await asyncio.gather(*(widget.listen() for widget in self.widgets[n : n + 20]))
            assert set(opened) == {200}, opened
        for console in self.consoles:
            await console.listen()
        await asyncio.sleep(3)
        self._say("idle begins")
        await asyncio.sleep(self.plan.idle)
        self._say("idle ends")
        await self._talk()
        await self._herd()
        self._say("over", took=self.tally.total(), count=dict(self.tally.count))

    async def _come(self) -> None:
        """Each begins a conversation."""

        async def come(widget: Widget) -> None:
            await widget.arrive()
            await widget.write("Hello, is somebody there?")
            while not widget.number:  # a busy desk answers before the conversation has begun
                await asyncio.sleep(1)
                await widget.look()
            widget.asked = None

        await self._at_rate(ARRIVALS, iter(self.widgets).__next__, come)
        await asyncio.gather(*self.tasks)

    async def _talk(self) -> None:
        half = self.plan.rate / 2
        sides = [
            asyncio.create_task(self._at_rate(half, self._who_writes, self._writes)),
            asyncio.create_task(self._at_rate(half, self._who_waits, self._answers)),
        ]
        await self._for(self.plan.warm, "warm")
        self.tally.measuring = True
        await self._for(self.plan.minutes, "minute")
        self.tally.measuring = False
        for side in sides:
            side.cancel()
        until = monotonic() + DRAIN
        while monotonic() < until and (self._unheard() or self._unanswered()):
            await asyncio.sleep(0.2)
        self.tally.count["lost at agents"] += self._unheard()
        self.tally.count["lost at customers"] += self._unanswered()
        self._say("said")

    async def _for(self, minutes: float, name: str) -> None:
        self._say(f"{name} begins", messages=self.said)
        left = minutes * 60
        while left > 0:
            await asyncio.sleep(min(60, left))
            self._say(name, messages=self.said, took=self.tally.figures(), waiting=len(self.waiting))
            left -= 60

    async def _herd(self) -> None:
        """All lose their line at one moment, as when the desk is restarted, and come back by themselves."""
        began = monotonic()
        for widget in self.widgets:
            events, widget.events = widget.events, None
            if events:
                events.close()
        back = [asyncio.create_task(widget.come_back()) for widget in self.widgets]
        await asyncio.gather(*back)
        self._say("herd", seconds=round(monotonic() - began, 1))
        for widget in self.widgets:
            widget.leave()
        for console in self.consoles:
            console.leave()

    def _who_writes(self) -> Widget | None:
        at_rest = monotonic() - REST
        opened = [console.open[1] for console in self.consoles if console.open]
        if luck.random() > OPEN_ONES:
            opened = []
        for candidates in (opened, luck.sample(self.widgets, min(20, len(self.widgets)))):
            for widget in candidates:
                if not (
                    widget.asked or widget.awaited or widget.answered > at_rest or widget in self.hearers
                ):
                    return widget
        return None

    async def _writes(self, widget: Widget) -> None:
        self.hearers[widget] = set()
        self.said += 1
        await widget.write(f"Where is parcel {self.said}-{id(widget)}?")
        if widget.asked is None:
            self.hearers.pop(widget, None)

    def _heard(self, console: Console, ticket_id: int) -> None:
        widget = self.of_ticket.get(ticket_id)
        if widget is None or widget.asked is None or (hearers := self.hearers.get(widget)) is None:
            return
        if console in hearers:
            return
        hearers.add(console)
        self.tally.add("customer to agent", monotonic() - widget.asked[1])
        if len(hearers) == len(self.consoles):
            self.waiting.append(widget)

    def _caught_up(self, console: Console) -> None:
        """Its list shows whatever was said while it had no stream."""
        for widget in list(self.hearers):
            self._heard(console, self.ticket_of[widget])

    def _who_waits(self) -> Widget | None:
        return self.waiting.popleft() if self.waiting else None

    async def _answers(self, widget: Widget) -> None:
        self.hearers.pop(widget, None)
        self.said += 1
        text = f"Your parcel {self.said}-{id(widget)} is on its way."
        await luck.choice(self.consoles).answer(self.ticket_of[widget], widget, text)

    def _unheard(self) -> int:
        return sum(len(hearers) < len(self.consoles) for hearers in self.hearers.values())

    def _unanswered(self) -> int:
        return sum(len(widget.awaited) for widget in self.widgets)

    async def _at_rate(
        self,
        rate: float,
        who: Callable[[], Widget | None],
        does: Callable[[Widget], Coroutine[Any, Any, None]],
    ) -> None:
        """So many begin in a second, however long each takes; whoever is late is not waited for."""
        due = monotonic()
        while True:
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - monotonic()))
            try:
                widget = who()
            except StopIteration:
                return
            if widget:
                task = asyncio.create_task(does(widget))
                self.tasks.add(task)
                task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.tally.count[f"failed: {type(error).__name__}"] += 1
            print(repr(error)[:300], file=sys.stderr)

    def _say(self, name: str, **more: Any) -> None:
        sys.stdout.write(msgspec.json.encode({"name": name, **more}).decode() + "\n")
        sys.stdout.flush()


def _address(first: int, n: int) -> str:
    return f"{first}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


async def _line() -> bytes:
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.readline)


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
    uvloop.run(Crowd(plan).live())


if __name__ == "__main__":
    main()
