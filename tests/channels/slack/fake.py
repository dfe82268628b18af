"""The demo's small Slack under a test's hand: answers by script, redelivery, lines that break; and calls, signed."""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from helpdesk.cli.demo.slack.serving import SmallSlack
from helpdesk.cli.demo.slack.workspace import BOT, HOME, THEIRS, TOKEN, TRIAGE
from tests.channels.slack.limits import refusal

__all__ = ["BOT", "HOME", "SECRET", "THEIRS", "TOKEN", "TRIAGE", "FakeSlack", "signed", "soon"]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
_numbers = count(1)
_started = int(time.time()) - 3_000


@dataclass
class FakeSlack(SmallSlack):
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    script: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Method → what is answered next instead: (status, headers, body), `lose` (done, but the line breaks)."""
    acknowledged: Counter[str] = field(default_factory=Counter)

    def sent(self, channel: str = "C0SHARED") -> list[dict[str, Any]]:
        return [said for said in self.channels[channel] if said.get("bot_id") and not said.get("files")]

    def called(self, method: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == method]

    def now(self) -> str:
        """A second after the one before, all of them a while ago."""
        return f"{_started + next(_numbers)}.{next(_numbers):06d}"

    async def instead(self, method: str, given: dict[str, Any]) -> Any:
        self.calls.append((method, given))
        if self.script[method]:
            return self.script[method].pop(0)
        code = refusal(method, given)
        return (200, {}, {"ok": False, "error": code}) if code else None

    def acknowledges(self, envelope: str) -> None:
        super().acknowledges(envelope)
        self.acknowledged[envelope] += 1

    async def pushes(self, payload: dict[str, Any], *, type_: str = "events_api") -> str:
        """Down the newest line, once, whatever comes of it; returns the envelope's id."""
        envelope, frame = self.framed(payload, type_)
        await self.lines[-1].send_str(frame)
        return envelope

    async def drops(self) -> None:
        """Without a word, as networks do."""
        for line in self.lines:
            if line._req and line._req.transport:
                line._req.transport.abort()
        self.lines.clear()

    @classmethod
    @asynccontextmanager
    async def at_work(cls) -> AsyncIterator["FakeSlack"]:
        async with cls().served() as fake:
            yield fake


def signed(
    payload: dict[str, Any] | bytes, *, at: float | None = None, form: bool = False
) -> tuple[dict[str, str], bytes]:
    """Headers and body, as Slack calls."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    if form and isinstance(payload, dict):
        body = urlencode(payload if "command" in payload else {"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time() if at is None else at))
    mark = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    return {
        "content-type": kind,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={mark}",
    }, body


async def soon(holds: Any, within: float = 15.0) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.05)
