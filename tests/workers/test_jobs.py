"""Jobs come with the work that caused them, wait once where once is enough, and survive their workers."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from procrastinate import manager
from procrastinate.jobs import Job
from sqlalchemy import text
from structlog.testing import capture_logs

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from tests.workers.hands import eventually
from workers import jobs
from workers.jobs import AI, ASSIST, MAIL, Crew, Later, Patience


def plain(n: int, lock: str = "") -> Job:
    return Job(
        queue=MAIL, task_name="count", lock=lock or f"ticket:{n}", queueing_lock=None, task_kwargs={"n": n}
    )


async def queued(desk: Desk) -> list[str]:
    async with desk.sessions() as session:
        return list(
            await session.scalars(text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'"))
        )


async def test_a_rollback_leaves_neither_row_nor_job(desk: Desk):
    async with desk.sessions() as session:
        await session.execute(text("INSERT INTO company (name) VALUES ('Lumen')"))
        await jobs.defer(session, [plain(1), jobs.coalesced(ASSIST, AI)])
        await session.rollback()
    assert await queued(desk) == []
    async with committed(desk.sessions) as session:
        assert await session.scalar(text("SELECT count(*) FROM company")) == 0
        await session.execute(text("INSERT INTO company (name) VALUES ('Lumen')"))
        await jobs.defer(session, [plain(1)])
    assert await queued(desk) == ["count"]


async def test_what_is_coalesced_waits_once(desk: Desk):
    for _ in range(3):
        async with committed(desk.sessions) as session:
            await jobs.defer(session, [jobs.coalesced(ASSIST, AI), jobs.coalesced(ASSIST, AI)])
    assert await queued(desk) == [ASSIST]


async def test_two_who_ask_for_the_same_at_once_both_commit(desk: Desk):
    """The second meets the first's row only in the index; its own work must not be lost for that."""
    async with desk.sessions() as first, desk.sessions() as second:
        await jobs.defer(first, [jobs.coalesced(ASSIST, AI)])
        waiting = asyncio.create_task(jobs.defer(second, [jobs.coalesced(ASSIST, AI), plain(2)]))
        await asyncio.sleep(0.2)
        await first.commit()
        await waiting
        await second.commit()
    assert Counter(await queued(desk)) == Counter([ASSIST, "count"])


async def test_a_dead_workers_job_is_done_by_another(desk: Desk):
    done: list[int] = []

    async def count(n: int) -> None:
        done.append(n)

    async with committed(desk.sessions) as session:
        await jobs.defer(session, [plain(1)])
        dead = await session.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '20 s') RETURNING id"
            )
        )
        await session.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :dead"), {"dead": dead}
        )
    crew = Crew(desk, MAIL, {"count": count}, at_once=2)
    working = [asyncio.create_task(crew.work()), asyncio.create_task(crew.revive())]

    async def once() -> bool:
        return done == [1]

    await eventually(once)
    for task in working:
        task.cancel()
    await asyncio.wait(working)


async def test_a_dead_workers_job_whose_like_waits_already_holds_up_no_other(desk: Desk):
    """The queue holds one of a kind: starting both again is refused, and once kept all others from being revived."""
    async with committed(desk.sessions) as session:
        for job in (plain(1), jobs.coalesced("share", MAIL)):
            await jobs.defer(session, [job])
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
        await jobs.defer(session, [jobs.coalesced("share", MAIL)])
    async with committed(desk.sessions) as session:
        assert await jobs.revive_stalled(session) == 2
    async with desk.sessions() as session:
        states = await session.execute(text("SELECT task_name, status::text FROM procrastinate_jobs"))
        assert sorted(states.tuples()) == [("count", "todo"), ("share", "todo")]


async def test_a_living_workers_job_is_left_to_it(desk: Desk):
    async with committed(desk.sessions) as session:
        await jobs.defer(session, [plain(1)])
        alive = await session.scalar(text("INSERT INTO procrastinate_workers DEFAULT VALUES RETURNING id"))
        await session.execute(
            text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :alive"), {"alive": alive}
        )
        assert await jobs.revive_stalled(session) == 0


async def test_a_job_whose_end_could_not_be_written_down_runs_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """The database was away just then: the row says `doing` for ever, although its worker lives."""
    monkeypatch.setattr(jobs, "BEAT", 0.3)
    done: list[int] = []

    async def count(n: int) -> None:
        done.append(n)
        if len(done) == 1:
            monkeypatch.setattr(manager.JobManager, "finish_job", refused)

    async def refused(*_: Any, **__: Any) -> None:
        monkeypatch.undo()
        raise psycopg.OperationalError("the connection is lost")

    async with committed(desk.sessions) as session:
        await jobs.defer(session, [plain(1)])
    crew = Crew(desk, MAIL, {"count": count}, at_once=2)
    working = [asyncio.create_task(crew.work()), asyncio.create_task(crew.revive())]

    async def twice() -> bool:
        return len(done) == 2

    await eventually(twice, 15)
    for task in working:
        task.cancel()
    await asyncio.wait(working)


async def test_jobs_of_one_ticket_run_in_their_order_and_never_together(desk: Desk):
    order: list[int] = []
    running = 0

    async def count(n: int) -> None:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.02)
        order.append(n)
        running -= 1

    async with committed(desk.sessions) as session:
        await jobs.defer(session, [plain(n, lock="ticket:7") for n in range(6)])
    crew = Crew(desk, MAIL, {"count": count}, at_once=4)
    working = asyncio.create_task(crew.work())

    async def all_done() -> bool:
        return len(order) == 6

    await eventually(all_done)
    working.cancel()
    await asyncio.wait({working})
    assert order == list(range(6))


async def test_a_job_that_fails_is_told_of_and_tried_again(desk: Desk):
    runs: list[int] = []

    async def count(n: int) -> None:
        runs.append(n)
        if len(runs) == 1:
            raise ValueError("a bug")

    async with committed(desk.sessions) as session:
        await jobs.defer(session, [plain(1)])
    working = asyncio.create_task(Crew(desk, MAIL, {"count": count}, at_once=1).work())

    async def twice() -> bool:
        return len(runs) == 2

    with capture_logs() as told:
        await eventually(twice)
    working.cancel()
    await asyncio.wait({working})
    assert [line["event"] for line in told] == ["job failed"]


def test_a_job_says_itself_when_it_goes_on():
    at = now() + timedelta(hours=3)
    assert Patience().get_retry_decision(exception=Later(at), job=plain(1)).retry_at == at


@pytest.mark.parametrize(("attempts", "least", "most"), [(0, 0.5, 1), (4, 8, 16), (99, 300, 600)])
def test_an_unexpected_failure_waits_longer_each_time_and_is_never_given_up(
    attempts: int, least: int, most: int
):
    decision = Patience().get_retry_decision(exception=ValueError(), job=plain(1).evolve(attempts=attempts))
    assert decision.retry_at
    assert least - 0.1 <= (decision.retry_at - now()).total_seconds() <= most
