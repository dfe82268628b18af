"""python -m tests.bench.slack [--rate 20] [--seconds 60] [--warm 15]: how soon Slack hears that a payload is stored.

Signed messages of customers come at a fixed pace, whether the one before was answered or not: first by Slack's calls
to /hooks/<inbox>, then down the lines of Socket Mode, from a small Slack on loopback. The desk and its workers run in
one process, as `helpdesk serve` does, and make tickets of what they stored meanwhile. A time runs from when a payload
was due, so one that could not be sent in time counts as late: nothing is left out because the desk was slow. Slack
asks for an answer within three seconds; ours is 500 ms for 99 of 100. The usual twenty a second are more than twice
of what Slack sends at most in an hour (30,000). Numbers mean something only on a machine that does nothing else.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import httpx
import msgspec
from sqlalchemy import func, select

from channels.slack.settings import SlackSettings
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.settings import Settings
from tests.bench.console import Served, served
from tests.bench.processes import cpu_ms
from tests.channels.slack.fake import SECRET, TOKEN, FakeSlack, signed, soon
from tests.cluster import Cluster
from tests.scenes import Scene

KEY = "a secret for benchmarks, nothing else"
INBOXES = 3  # that Slack calls, in turn
AUTHORS = 50
LATE = 3_000  # milliseconds after which Slack sends it again
HEAD = (
    "| way | payloads | p50 ms | p95 ms | p99 ms | worst ms | over 3 s | CPU ms each, desk | lost |\n"
    "|---|---|---|---|---|---|---|---|---|"
)
Send = Callable[[int], Coroutine[None, None, float]]
"""Sends the payload of this number; returns when it was acknowledged, in seconds of the performance counter."""


class Timed(FakeSlack):
    """Knows when what it sent was acknowledged."""

    def acknowledges(self, envelope: str) -> None:
        super().acknowledges(envelope)
        if waiting := self.waiting.pop(envelope, None):
            waiting.set_result(time.perf_counter())

    @property
    def waiting(self) -> dict[str, asyncio.Future[float]]:
        return self.__dict__.setdefault("_waiting", {})  # type: ignore[no-any-return]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.slack", description=__doc__)
    arguments.add_argument("--rate", type=float, default=20, help="payloads a second")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--warm", type=float, default=15, help="seconds before anything is measured")
    given = arguments.parse_args()
    with Cluster.running() as cluster:
        home = Path(tempfile.mkdtemp(prefix="helpdesk-slack-"))
        url = cluster.url(cluster.clone())
        settings = Settings(home=home, secret=KEY, database_url=url, log_level="warning")
        asyncio.run(measured(settings, given.rate, given.seconds, given.warm))


async def measured(settings: Settings, rate: float, seconds: float, warm: float) -> None:
    async with Timed().served() as slack:
        for number in range(AUTHORS):
            slack.add(f"U0C{number}", f"Customer {number}")
        os.environ["HELPDESK_ALLOW_HOSTS"] = slack.host
        desk = Desk.open(settings, settings.database_url)
        called, connected = await inboxes(desk, slack, INBOXES)
        with served(settings.database_url, settings.home, secret=KEY) as web:
            await soon(lambda: slack.lines, 60)
            await asyncio.sleep(warm)
            print(HEAD)
            async with httpx.AsyncClient(base_url=web.client.base_url, timeout=30) as client:
                await one_way("Events API", by_hook(client, slack, called), web, desk, rate, seconds)
            await one_way(f"Socket Mode ({connected} lines)", by_line(slack), web, desk, rate, seconds)
        await desk.close()


async def inboxes(desk: Desk, slack: FakeSlack, number: int) -> tuple[list[str], int]:
    """The public ids of those that Slack calls; and how many open a line."""
    await Scene.set(desk)
    made = []
    async with committed(desk.sessions) as session:
        for n in range(number + 1):
            app_token = "xapp-1-test" if n == number else ""
            chosen = SlackSettings(
                bot_token=TOKEN, signing_secret=SECRET, app_token=app_token, api_url=slack.api
            )
            inbox = Inbox(
                name=f"Slack {n}",
                channel="slack",
                address=f"slack{n}@desk.example",
                sealed_settings=desk.keys.seal(msgspec.to_builtins(chosen)),
            )
            session.add(inbox)
            await session.flush()
            if not app_token:
                made.append(inbox.public_id)
    return made, 1


def by_hook(client: httpx.AsyncClient, slack: FakeSlack, called: list[str]) -> Send:
    async def send(number: int) -> float:
        headers, body = signed(payload(slack, number))
        answer = await client.post(f"/hooks/{called[number % len(called)]}", headers=headers, content=body)
        assert answer.status_code == 200, (answer.status_code, answer.text[:200])
        return time.perf_counter()

    return send


def by_line(slack: Timed) -> Send:
    async def send(number: int) -> float:
        envelope, frame = slack.framed(payload(slack, number), "events_api")
        acknowledged: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        slack.waiting[envelope] = acknowledged
        await slack.lines[-1].send_str(frame)
        async with asyncio.timeout(30):
            return await acknowledged

    return send


def payload(slack: FakeSlack, number: int) -> dict[str, object]:
    return slack.says(f"U0C{number % AUTHORS}", f"The export of order {number} fails", f"C0S{number % 7}")


async def one_way(way: str, send: Send, web: Served, desk: Desk, rate: float, seconds: float) -> None:
    there, cpu = await stored(desk), cpu_ms(web.process.pid)
    tasks: list[asyncio.Task[float]] = []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(send(number)))
    heard = await asyncio.gather(*tasks)
    took = [(at - began - number / rate) * 1000 for number, at in enumerate(heard)]
    each = (cpu_ms(web.process.pid) - cpu) / len(took)
    lost = len(took) - (await stored(desk) - there)
    of_100 = statistics.quantiles(took, n=100, method="inclusive")
    print(
        f"| {way} | {len(took)} | {of_100[49]:.0f} | {of_100[94]:.0f} | {of_100[98]:.0f} | {max(took):.0f} "
        f"| {sum(one > LATE for one in took)} | {each:.1f} | {lost} |",
        flush=True,
    )


async def stored(desk: Desk) -> int:
    async with desk.sessions() as session:
        found = await session.scalar(
            select(func.count()).select_from(Kept).where(Kept.source.like("event_id/%"))
        )
    return found or 0


if __name__ == "__main__":
    main()
