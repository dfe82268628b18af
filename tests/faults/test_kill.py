"""Workers are killed with kill -9 at random while mail comes in and replies go out: nothing is lost or doubled.

The short profile runs with the tests. The full one: `FAULT_KILLS=200 FAULT_MAILS=10000 pytest tests/faults`.
"""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import func, select

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import EventDispatch
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.tickets import Ticket
from tests.faults.installed import install, python_path
from tests.scenes import Scene

MAILS = int(os.environ.get("FAULT_MAILS", "100"))
KILLS = int(os.environ.get("FAULT_KILLS", "8"))
PATIENCE = 240 + MAILS / 10  # seconds for the rest, once nobody is killed any more
SENDERS = 23


@pytest.fixture
async def inbox(scene: Scene, tmp_path: Path) -> Inbox:
    (tmp_path / "spool").mkdir()
    settings = {"journal": str(tmp_path / "journal"), "spool": str(tmp_path / "spool")}
    made = Inbox(
        name="Faulty",
        channel="faulty",
        address="faulty@desk.example",
        sealed_settings=scene.desk.keys.seal(settings),
    )
    async with committed(scene.desk.sessions) as session:
        session.add(made)
    return made


class Workers:
    """Worker processes that can be killed and started again."""

    def __init__(self, desk: Desk, path: str) -> None:
        self.desk, self.path = desk, path
        self.process: Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.worker",
            self.desk.database_url,
            str(self.desk.settings.home),
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": self.path},
        )
        assert self.process.stdout
        assert await self.process.stdout.readline() == b"ready\n"
        self._drain = asyncio.create_task(self.process.stdout.read())

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        assert self.process
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.process.wait()

    @property
    def died(self) -> bool:
        return self.process is None or self.process.returncode is not None


@asynccontextmanager
async def workers(desk: Desk, tmp_path: Path) -> AsyncIterator[Workers]:
    made = Workers(desk, python_path(install(tmp_path)))
    try:
        yield made
    finally:
        await made.kill()


def write(spool: Path, n: int) -> None:
    draft = spool / f"{n:06}.draft"
    draft.write_text(
        json.dumps({"id": f"mail-{n}", "from": f"c{n % SENDERS}@lumen.example", "text": f"mail {n}"})
    )
    draft.rename(spool / f"{n:06}.json")


async def reply_to_some(scene: Scene, answered: set[int]) -> None:
    """An agent answers every fourth ticket that came meanwhile."""
    async with scene.desk.sessions() as session:
        waiting = await session.scalars(
            select(Ticket.id)
            .where(Ticket.id % 4 == 0, Ticket.id.not_in(answered))
            .order_by(Ticket.id)
            .limit(8)
        )
        ids = waiting.all()
    for ticket_id in ids:
        ticket = await scene.ticket(ticket_id)
        await scene.does(ticket, "reply", f"answer {ticket_id}", by=scene.agents["Ada"], wait=timedelta(0))
        answered.add(ticket_id)


async def until(holds: Callable[[], object], within: float) -> None:
    async with asyncio.timeout(within):
        while not await holds():  # type: ignore[misc]
            await asyncio.sleep(0.2)


async def test_kill_9_at_random_loses_and_doubles_nothing(scene: Scene, inbox: Inbox, tmp_path: Path):
    chance, answered = random.Random(20), set[int]()  # noqa: S311 - the same chances every time
    spool = tmp_path / "spool"
    per_life = MAILS // (KILLS + 1) + 1
    written = iter(range(MAILS))

    async with workers(scene.desk, tmp_path) as worker:
        for _ in range(KILLS):
            await worker.start()
            for n in islice(written, per_life):
                write(spool, n)
            await asyncio.sleep(chance.uniform(0.2, 2.5))
            await reply_to_some(scene, answered)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await worker.kill()
        for n in written:
            write(spool, n)
        await worker.start()

        async def all_done() -> bool:
            await reply_to_some(scene, answered)
            return await settled(scene) and not list(spool.iterdir())

        try:
            await until(all_done, PATIENCE)
        except TimeoutError:
            pytest.fail(
                f"it came to no end: {await left_over(scene)}, {len(list(spool.iterdir()))} in the spool"
            )
        assert await worker.kill(signal.SIGTERM) == 0

    await nothing_lost_or_doubled(scene, tmp_path / "journal", answered)


async def settled(scene: Scene) -> bool:
    return not any((await left_over(scene)).values())


async def left_over(scene: Scene) -> dict[str, int]:
    async with scene.desk.sessions() as session:
        kept = await session.scalar(select(func.count()).where(Kept.state == KeptState.kept))
        leaving = await session.scalar(
            select(func.count()).where(
                Message.direction == Direction.outbound,
                Message.delivery.in_([Delivery.queued, Delivery.sending])
                | ((Message.delivery == Delivery.unknown) & Message.send_after.is_not(None)),
            )
        )
        arrived = await session.scalar(select(func.count()).where(Message.direction == Direction.inbound))
        undispatched = await session.scalar(select(func.count()).select_from(EventDispatch))
    return {
        "kept": kept or 0,
        "leaving": leaving or 0,
        "undispatched": undispatched or 0,
        "to come": max(MAILS - (arrived or 0), 0),
    }


async def nothing_lost_or_doubled(scene: Scene, journal: Path, answered: set[int]) -> None:
    async with scene.desk.sessions() as session:
        texts = Counter(
            await session.scalars(select(Message.text).where(Message.direction == Direction.inbound))
        )
        assert texts == {f"mail {n}": 1 for n in range(MAILS)}, "a mail is lost or doubled"
        assert await session.scalar(select(func.count()).select_from(Ticket)) == MAILS
        states = set(await session.scalars(select(Kept.state)))
        assert states == {KeptState.received}, "an innocent mail was put aside"
        replies = (
            await session.scalars(select(Message).where(Message.direction == Direction.outbound))
        ).all()
    handed_over = Counter(line.split()[0] for line in journal.read_text().splitlines())
    assert {m.ticket_id for m in replies} == answered
    # Whoever is killed in both attempts can't know, and tries no third time: an agent is told to look.
    unclear = [m for m in replies if m.delivery is Delivery.unknown]
    assert all(m.attempts == 2 and m.trouble for m in unclear), "given up too early, or nothing says so"
    assert len(unclear) <= KILLS
    assert {m.delivery for m in replies} - {Delivery.unknown} == {Delivery.sent}
    assert set(handed_over) >= {m.external_id for m in replies if m not in unclear}, "a reply is lost"
    for message in replies:
        times = handed_over[message.external_id or ""]
        assert times <= 1 or (times == 2 and message.trouble), "a reply went twice, and nothing says so"
    twice = sum(times == 2 for times in handed_over.values())
    marked = sum(bool(m.trouble) for m in replies)
    print(
        f"\n{MAILS} mails, {len(replies)} replies, {KILLS} kills: 0 lost, 0 doubled; {twice} twice of {marked} marked"
    )


@pytest.mark.parametrize(("fault", "acceptances"), [("die before", 1), ("die after", 2)])
async def test_killed_while_a_reply_is_handed_over(
    scene: Scene, inbox: Inbox, tmp_path: Path, fault: str, acceptances: int
):
    """Before or after the other side took it: it arrives, twice at most, and the desk says that it may be twice."""
    write(tmp_path / "spool", 1)
    async with workers(scene.desk, tmp_path) as worker:
        await worker.start()

        async def arrived() -> bool:
            return bool(await scene.tickets())

        await until(arrived, 15)
        (ticket,) = await scene.tickets()
        reply = await scene.does(ticket, "reply", fault, by=scene.agents["Ada"], wait=timedelta(0))
        started = asyncio.get_running_loop().time()

        async def died() -> bool:
            return worker.died

        await until(died, 15)
        await worker.start()

        async def sent() -> bool:
            async with scene.desk.sessions() as session:
                return (await session.get_one(Message, reply.id)).delivery is Delivery.sent

        await until(sent, 30)
        assert asyncio.get_running_loop().time() - started < 30, "a dead worker's job runs again within 30 s"
    lines = (tmp_path / "journal").read_text().splitlines()
    assert len(lines) == acceptances
    assert len({line.split()[0] for line in lines}) == 1
    async with scene.desk.sessions() as session:
        assert "twice" in ((await session.get_one(Message, reply.id)).trouble or "")
