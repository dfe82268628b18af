"""Thirty-two at once: assign, merge, reply and close at random, over HTTP, on a served desk.

A short profile runs with the other tests; `TICKET_STORM=20000 pytest tests/flows/test_concurrency.py -s` is the full
one. Nobody's change is lost, nobody waits for ever, whoever is refused is told 409, and afterwards everything fits
together: every message in one ticket, no circle of merges, and a state that the events tell.
"""

import asyncio
import os
import random
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
from sqlalchemy import text

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent
from tests.scenes import Scene, mail
from tests.web.served import HASH, Console, Person, served

OPERATIONS = int(os.environ.get("TICKET_STORM", "400"))
CLIENTS = 32
TICKETS = 40

ORPHANS = "SELECT count(*) FROM message m LEFT JOIN ticket t ON t.id = m.ticket_id WHERE t.id IS NULL"
IN_MERGED = "SELECT count(*) FROM message m JOIN ticket t ON t.id = m.ticket_id WHERE t.removed = 'merged'"
CIRCLES = """
WITH RECURSIVE chain AS (
  SELECT id AS start, merged_into_id AS at, 1 AS steps FROM ticket WHERE merged_into_id IS NOT NULL
  UNION ALL
  SELECT start, merged_into_id, steps + 1 FROM chain JOIN ticket ON ticket.id = chain.at
  WHERE merged_into_id IS NOT NULL AND steps < 1000)
SELECT count(*) FROM chain WHERE steps >= 1000 OR at = start
"""
ASSIGNEES = """
SELECT count(*) FROM ticket t JOIN LATERAL (
  SELECT (data->>'now')::bigint AS now FROM event e WHERE e.ticket_id = t.id AND kind = 'assigned'
  ORDER BY e.id DESC LIMIT 1) last ON true
WHERE t.assignee_id IS DISTINCT FROM last.now
"""
BROKEN_CHAIN = """
SELECT count(*) FROM (
  SELECT (data->>'was')::bigint AS was,
         lag((data->>'now')::bigint) OVER (PARTITION BY ticket_id ORDER BY id) AS before,
         row_number() OVER (PARTITION BY ticket_id ORDER BY id) AS place
  FROM event WHERE kind = 'assigned') e
WHERE place > 1 AND was IS DISTINCT FROM before
"""
SETTLED = """
SELECT count(*) FROM ticket t JOIN LATERAL (
  SELECT kind = 'resolved' OR coalesce(data->>'now' IN ('resolved', 'closed'), false) AS settled
  FROM event e WHERE e.ticket_id = t.id AND kind IN ('resolved', 'reopened', 'replied', 'status_changed')
  ORDER BY e.id DESC LIMIT 1) last ON true
WHERE t.removed IS NULL AND t.settled <> last.settled
"""
MERGES = """
SELECT count(*) FROM ticket t
WHERE (t.removed = 'merged') <> EXISTS (
  SELECT FROM ticket_merge m WHERE m.source_id = t.id AND m.undone_at IS NULL AND m.target_id = t.merged_into_id)
"""
UNDONE_OR_NOT = """
SELECT t.number, m.id FROM ticket_merge m JOIN ticket t ON t.id = m.target_id ORDER BY m.id DESC LIMIT 12
"""
MESSAGES = "SELECT count(*) FROM message"
REPLIES = "SELECT count(*) FROM message WHERE direction = 'outbound'"


@dataclass
class Storm:
    numbers: list[int]
    people: list[Person]
    left: int = OPERATIONS
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    merges: list[tuple[int, int]] = field(default_factory=list)
    """Number of the target and id, as the database has them from time to time."""
    count: int = 0

    async def rage(self, person: Person, dice: random.Random) -> None:
        while self.left > 0:
            self.left -= 1
            self.count += 1
            what = dice.choices(
                ["assign", "reply", "close", "reopen", "merge", "unmerge"], [30, 25, 15, 12, 12, 6]
            )[0]
            begun = time.perf_counter()
            answer = await getattr(self, what)(person, dice.choice(self.numbers), dice)
            if answer is None:
                continue
            self.times.append(time.perf_counter() - begun)
            self.answers[what, answer.status_code] += 1
            if answer.status_code not in {200, 303, 409}:
                self.wrong.append(f"{what}: {answer.status_code} {answer.text[:200]}")

    async def does(self, person: Person, path: str, method: str = "POST", **data: str) -> httpx.Response:
        """As a plain form: the answer is short, so that the storm is about changes and not about pages."""
        headers = {"x-csrf-token": person.token, "accept": "application/json"}
        return await person.request(method, path, headers=headers, data=data)

    async def assign(self, person: Person, number: int, dice: random.Random) -> httpx.Response:
        who = dice.choice(["me", "", "1", "2", "3"])
        return await self.does(person, f"/tickets/{number}/assignment", agent=who)

    async def reply(self, person: Person, number: int, dice: random.Random) -> httpx.Response:
        form = {"body": f"Reply {self.count}", "client_id": f"storm-{self.count}", "seen": str(2**62)}
        return await self.does(person, f"/tickets/{number}/replies", **form)

    async def close(self, person: Person, number: int, dice: random.Random) -> httpx.Response:
        return await self.does(person, f"/tickets/{number}/resolution")

    async def reopen(self, person: Person, number: int, dice: random.Random) -> httpx.Response:
        return await self.does(person, f"/tickets/{number}/resolution", "DELETE")

    async def merge(self, person: Person, number: int, dice: random.Random) -> httpx.Response:
        return await self.does(person, f"/tickets/{number}/merge", into=str(dice.choice(self.numbers)))

    async def unmerge(self, person: Person, number: int, dice: random.Random) -> httpx.Response | None:
        if not self.merges:
            return None
        target, merge = dice.choice(self.merges)
        return await self.does(person, f"/tickets/{target}/merges/{merge}", "DELETE")


async def _looking_at_merges(desk: Desk, storm: Storm) -> None:
    while storm.left > 0:
        async with desk.sessions() as session:
            found = await session.execute(text(UNDONE_OR_NOT))
            storm.merges = [(row.number, row.id) for row in found]
        await asyncio.sleep(0.2)


async def test_what_thirty_two_do_at_once_fits_together_afterwards(desk: Desk):
    scene = await Scene.set(desk)
    async with committed(desk.sessions) as session:
        for agent in scene.agents.values():
            (await session.get_one(Agent, agent.id)).password_hash = HASH
    for n in range(TICKETS):
        await scene.receives(mail(f"Question {n}", sender=f"p{n}@there.example"))
    async with AsyncExitStack() as stack:
        app, url, _ = await stack.enter_async_context(served(desk))
        console = Console(scene, app, url, stack)
        ada = await console.person("Ada")
        people = [ada]
        for _n in range(CLIENTS - 1):
            other = await console.stranger()
            other.cookies, other.token = ada.cookies, ada.token
            people.append(other)
        for person in people:
            person.timeout = httpx.Timeout(60)
        storm = Storm([ticket.number for ticket in await scene.tickets()], people)
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            group.create_task(_looking_at_merges(desk, storm))
            for n, person in enumerate(people):
                group.create_task(storm.rage(person, random.Random(n)))  # noqa: S311 - the same storm each time
        seconds = time.perf_counter() - begun
    assert storm.wrong == []
    taken = sum(
        count for (what, status), count in storm.answers.items() if what == "reply" and status in {200, 303}
    )
    async with desk.sessions() as session:
        for query in (ORPHANS, IN_MERGED, CIRCLES, ASSIGNEES, BROKEN_CHAIN, SETTLED, MERGES):
            assert await session.scalar(text(query)) == 0, query
        assert await session.scalar(text(MESSAGES)) == TICKETS + taken
        assert await session.scalar(text(REPLIES)) == taken
        deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert await session.scalar(deadlocks) == 0
    refused = sum(count for (_, status), count in storm.answers.items() if status == 409)
    assert refused > 0
    times = sorted(storm.times)
    print(  # the numbers of docs/performance.md
        f"\n{len(times)} operations by {CLIENTS} clients in {seconds:.1f} s ({len(times) / seconds:.0f}/s), "
        f"{refused} refused with 409, p50 {times[len(times) // 2] * 1000:.0f} ms, "
        f"p95 {times[int(len(times) * 0.95)] * 1000:.0f} ms\n{dict(sorted(storm.answers.items()))}"
    )
