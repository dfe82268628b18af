"""Random lives of tickets: their facts are what a plain recount says that knows nothing of ours.

The recount is told every deed as it is done and counts minutes one by one; the desk's facts come from the messages
and events that the deeds left. `LIVES=1000` tries as many.
"""

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from helpdesk import clock, measures
from helpdesk.database import committed
from helpdesk.events import ASSISTANT, DESK
from helpdesk.measures import TicketFact, TicketReply
from helpdesk.messages import Message
from tests.scenes import Scene, mail

LIVES = int(os.environ.get("LIVES", "12"))
BEGIN = datetime(2031, 3, 28, 6, tzinfo=UTC)  # a Friday; clocks change on Sunday
DEEDS = (
    "customer",
    "customer",
    "reply",
    "reply",
    "bot",
    "announce",
    "machine",
    "taken",
    "resolve",
    "rule",
    "reopen",
)


def open_minutes(begin: datetime, end: datetime) -> int:
    """Mondays to Fridays from nine to five in Berlin, minute by minute."""
    found, at = 0, begin
    while at < end:
        local = at.astimezone(ZoneInfo("Europe/Berlin"))
        found += local.weekday() < 5 and 9 <= local.hour < 17
        at += timedelta(minutes=1)
    return found


@dataclass
class Recount:
    created: datetime
    waits: datetime | None = None
    kept: datetime | None = None
    settled: bool = False
    since: datetime = BEGIN
    replies: list[tuple[int, int] | None] = field(default_factory=list)
    spent: list[tuple[datetime, datetime]] = field(default_factory=list)
    reopens: int = 0
    spells: int = 1
    last: str = "customer"

    def customer(self, at: datetime) -> None:
        self.waits = self.waits or at
        self.last = "customer"
        if self.settled:
            self.reopen(at, asked=False)

    def reply(self, at: datetime) -> None:
        waits = self.waits
        wait = (int((at - waits).total_seconds()) // 60, open_minutes(waits, at)) if waits else None
        self.replies.append(wait)
        self.waits = self.kept = None
        self.spoke(at)

    def spoke(self, at: datetime) -> None:
        self.last = "us"
        if self.settled:
            self.settled, self.since, self.spells = False, at, self.spells + 1

    def resolve(self, at: datetime) -> None:
        self.settled, self.kept, self.waits = True, self.waits, None
        self.spent.append((self.since, at))

    def reopen(self, at: datetime, *, asked: bool = True) -> None:
        self.settled, self.since = False, at
        self.reopens, self.spells = self.reopens + 1, self.spells + 1
        if asked and self.last == "customer":
            self.waits = self.waits or self.kept


async def live(scene: Scene, chance: random.Random) -> tuple[int, Recount]:
    at, sender = BEGIN, f"c{chance.random()}@life.example"
    by = list(scene.agents.values())
    with clock.moved(at - clock.now()):
        first = mail("Hello", sender=sender)
        ticket = await scene.receives(first)
    told = Recount(at, waits=at, since=at)
    for _ in range(chance.randrange(3, 14)):
        at += timedelta(minutes=chance.randrange(1, 1500))
        deed = chance.choice(DEEDS)
        with clock.moved(at - clock.now()):
            match deed:
                case "customer" | "machine":
                    more = mail(
                        str(at), sender=sender, thread=(first.external_id,), automatic=deed == "machine"
                    )
                    assert (await scene.receives(more)).id == ticket.id
                    if deed == "customer":
                        told.customer(at)
                    else:
                        told.last = "customer"
                case "reply":
                    await scene.does(ticket, "reply", "Answer.", by=chance.choice(by))
                    told.reply(at)
                case "bot":
                    await scene.does(ticket, "reply", "Beep.", by=ASSISTANT)
                    told.spoke(at)
                case "announce":
                    await scene.does(ticket, "announce", "We have it.", by=DESK)
                case "taken":
                    made = await scene.does(ticket, "reply", "Oops.", by=by[0])
                    async with committed(scene.desk.sessions) as session:
                        here = await scene.ticket(ticket.id, session)
                        here.withdraw(await session.get_one(Message, made.id), by=by[0])
                case "resolve" | "rule" if not told.settled:
                    await scene.does(ticket, "resolve", by=by[0] if deed == "resolve" else DESK)
                    told.resolve(at)
                case "reopen" if told.settled:
                    await scene.does(ticket, "reopen", by=by[0])
                    told.reopen(at)
    return ticket.id, told


@pytest.mark.parametrize("seed", range(LIVES))
async def test_a_random_life_is_counted_as_by_hand(scene: Scene, seed: int):
    ticket_id, told = await live(scene, random.Random(seed))  # noqa: S311 - lives, not keys
    async with committed(scene.desk.sessions) as session:
        await measures.recount(session, [ticket_id])
        fact = await session.get_one(TicketFact, ticket_id)
        rows = select(TicketReply).where(TicketReply.ticket_id == ticket_id).order_by(TicketReply.position)
        replies = (await session.scalars(rows)).all()
    counted: list[Any] = [row.wait is not None and (row.wait, row.wait_hours) for row in replies]
    assert len(counted) == len(told.replies)
    for ours, theirs in zip(counted, told.replies, strict=True):
        assert bool(ours) == bool(theirs)
        if theirs:
            assert ours == (pytest.approx(theirs[0] * 60, abs=90), pytest.approx(theirs[1] * 60, abs=90))
    first = next((n for n, wait in enumerate(told.replies) if wait), None)
    assert [row.position for row in replies if row.first] == ([0] if first == 0 else [])
    assert (fact.replies, fact.reopens) == (len(told.replies), told.reopens)
    assert (fact.resolved_at is not None) == told.settled
    touched = len(told.replies) == 1 and told.spells == 1 if told.settled and told.replies else None
    assert fact.one_touch == touched
    if told.settled:
        spent = sum((end - begin).total_seconds() for begin, end in told.spent)
        worked = 60 * sum(open_minutes(*each) for each in told.spent)
        assert fact.resolution == pytest.approx(spent, abs=90 * len(told.spent))
        assert fact.resolution_hours == pytest.approx(worked, abs=90 * len(told.spent))
