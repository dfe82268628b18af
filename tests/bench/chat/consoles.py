"""Agents with the console open: a list, and the ticket that they answered last, both renewed as the real page does."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from tests.bench.chat.tally import Tally
from tests.bench.chat.widgets import Widget, luck
from tests.bench.chat.wire import Answer, Events, Wires, request
from tests.bench.console import PASSWORD

GATHER = 0.06  # seconds; as web/static/js/live-stream.js
PACE = {"list": 2.0, "work": 0.3, "visitor": 0.7}  # seconds; as data-pace of the templates says
SHARE, LONGEST = 5, 5  # as web/static/js/live-stream.js: of a slow desk is asked less often
KNOWN = re.compile(rb'data-happened="(\d+)" data-since="([\d-]+)"')
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0  # seconds; as web/static/js/live-line.js
EVERY = 15.0  # seconds between two looks at the visitor; as data-every says


@dataclass(eq=False)
class Console:
    wires: Wires
    tally: Tally
    email: str
    address: str
    heard: Callable[["Console", int], None]
    """Called with a ticket's id."""
    caught_up: Callable[["Console"], None]
    """Called when its stream has come back and its list was asked for: it shows what was said meanwhile."""
    cookie: str = ""
    csrf: str = ""
    open: tuple[int, Widget] | None = None
    """The id of the ticket that is open, and whose it is."""
    events: Events | None = None
    staying: bool = True
    _changed: dict[str, float] = field(default_factory=dict)
    """By name: how much has happened by now, as it was told."""
    _known: float = -1
    """How much of that the open ticket's page has."""
    _told: float = -1
    """How much of the open ticket was told of."""
    _since: str = ""
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _coming: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "cookie": self.cookie,
            "x-forwarded-for": self.address,
            "sec-fetch-site": "same-origin",
            "hx-request": "true",
            "x-csrf-token": self.csrf,
            "content-type": "application/x-www-form-urlencoded",
        }

    async def sign_in(self) -> None:
        body = urlencode({"email": self.email, "password": PASSWORD}).encode()
        answer = await self.wires.ask("POST", "/sign-in", self.headers, body)
        assert answer.status == 303, answer
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        page = await self.wires.ask("GET", "/tickets?view=all", {"cookie": self.cookie})
        found = re.search(rb'csrf[^>]*?(?:content|value)="([0-9a-f]{64})"', page.body)
        assert found, page.status
        self.csrf = found[1].decode()

    async def listen(self) -> None:
        assert await self._open() == 200
        self._start(self._look_now_and_then())

    async def _open(self) -> int:
        """The stream; returns what the desk answered."""
        ask = request(self.wires, "GET", "/live", self.headers)
        self.events = Events(ask, self._hear, self._lost)
        return await self.events.opened(self.wires)

    async def _come_back(self) -> None:
        """As often as it takes; what was said meanwhile is not told again, so everything is asked for."""
        wait, status = FIRST_WAIT, 0
        while status != 200:
            await asyncio.sleep(wait * (0.75 + luck.random() / 2))
            status, wait = await self._open(), min(wait * 2, LONGEST_WAIT)
            self.tally.count[f"consoles came back: {status}"] += 1
        self._told, self._since = self._known + 1, ""
        self._soon("work")
        self._soon("visitor")
        await self._ask_again("list")
        self.caught_up(self)

    async def answer(self, ticket_id: int, widget: Widget, text: str) -> None:
        """Opens the ticket, reads, and writes."""
        self.open = (ticket_id, widget)
        self._known, self._told, self._since = -1, -1, ""
        self._turns.pop("work", None)  # another ticket is another part of the page
        page = await self._get("work", widget)
        if widget.asked and widget.asked[0].encode() not in page.body:
            self.tally.count["not in the ticket when it was opened"] += 1
        widget.awaited[text] = monotonic()
        widget.asked = None
        form = {"body": text, "client_id": uuid4().hex, "seen": 2**60}
        path = f"/tickets/{widget.number}/replies"
        answer = await self.wires.ask("POST", path, self.headers, urlencode(form).encode())
        self.tally.count[f"agents wrote: {answer.status}"] += 1
        self._shows(answer)
        if answer.status != 200:
            del widget.awaited[text]

    def leave(self) -> None:
        self.staying = False
        for task in self._tasks:
            task.cancel()
        if self.events:
            self.events.close()

    def _hear(self, name: str, data: bytes, number: int | None) -> None:
        if not self._changed:
            asyncio.get_running_loop().call_later(GATHER, self._renew)
        for word in data.decode().split():
            each, _, happened = word.partition("@")
            kind, _, ticket = each.partition("-")
            if kind == "ticket":
                self.heard(self, int(ticket))
            self._changed[each] = max(self._changed.get(each, 0), float(happened or "inf"))

    def _renew(self) -> None:
        names, self._changed = self._changed, {}
        if any(name.startswith("ticket-") for name in names):
            self._soon("list")
        if self.open and (told := names.get(f"ticket-{self.open[0]}", -1)) > self._known:
            self._told = max(told, self._told)
            self._soon("work")
        if self.open and f"chat-{self.open[0]}" in names:
            self._soon("visitor")

    def _soon(self, part: str) -> None:
        """At once after a rest, else when its pace allows, and once for all that changes until then."""
        if part in self._coming:
            return
        self._coming.add(part)
        self._start(self._take(part))

    async def _take(self, part: str) -> None:
        async with self._turns[part]:
            self._coming.discard(part)
            if part != "list" and (self.open is None or self._is_known(part)):
                return
            began = monotonic()
            await self._ask_again(part)
            took = monotonic() - began
            await asyncio.sleep(max(0.0, min(LONGEST * PACE[part], max(PACE[part], SHARE * took)) - took))

    def _is_known(self, part: str) -> bool:
        """The answer to somebody's own change has shown it meanwhile."""
        return part == "work" and self._told <= self._known

    async def _ask_again(self, part: str) -> None:
        widget = self.open[1] if self.open else None
        asked = widget.asked if widget else None
        page = await self._get(part, widget)
        little = " (what came since)" if page.headers.get("hx-reswap") == "none" else ""
        self.tally.count[f"asked for the {part}{little}: {page.status}"] += 1
        if part == "work" and asked and asked[0].encode() in page.body:
            self.tally.add("customer to agent, shown in an open ticket", monotonic() - asked[1])

    async def _look_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self._soon("visitor")

    async def _get(self, part: str, widget: Widget | None) -> Answer:
        number = widget.number if widget else 0
        path, target = {
            "list": ("/tickets?view=all", "section#list"),
            "work": (f"/tickets/{number}{self._since}", "div#work"),
            "visitor": (f"/tickets/{number}/visitor", "div.visitor-line"),
        }[part]
        page = await self.wires.ask("GET", path, self.headers | {"hx-target": target})
        if part == "work":
            self._shows(page)
        return page

    def _shows(self, page: Answer) -> None:
        """What a page of the open ticket knows, as live-stream.js reads it."""
        if found := KNOWN.search(page.body):
            self._known, self._since = float(found[1]), f"?since={found[2].decode()}"

    def _start(self, doing: Any) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lost(self, events: Events) -> None:
        if events is self.events and self.staying and events.status.result() == 200:
            self.tally.count["consoles' streams that ended"] += 1
            self._start(self._come_back())
