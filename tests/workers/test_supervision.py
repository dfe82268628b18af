"""A part that fails is started again, later each time; the others never notice."""

import asyncio

import pytest

from tests.workers.hands import eventually
from workers import supervision
from workers.supervision import Supervisor


async def test_a_part_that_fails_is_started_again_and_its_trouble_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(supervision, "SOONEST", 0.01)
    supervisor = Supervisor()
    runs = 0

    async def shaky() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("a bug")
        if runs == 2:
            return
        await asyncio.Event().wait()

    async def steady() -> None:
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(supervisor.keep(*part)) for part in (("shaky", shaky), ("steady", steady))]

    async def settled() -> bool:
        return runs == 3

    await eventually(settled, 5)
    health = supervisor.health()
    assert health["ok"]
    assert (health["parts"]["shaky"]["restarts"], health["parts"]["steady"]["restarts"]) == (2, 0)
    assert health["parts"]["shaky"]["trouble"] == "It ended by itself."
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert supervisor.parts == {}


async def test_while_a_part_is_down_the_desk_is_not_ready(monkeypatch: pytest.MonkeyPatch):
    supervisor = Supervisor()

    async def broken() -> None:
        raise ConnectionError("the database is away")

    task = asyncio.create_task(supervisor.keep("broken", broken))
    await asyncio.sleep(0.05)
    health = supervisor.health()
    assert not health["ok"]
    assert health["parts"]["broken"]["trouble"] == "the database is away"
    task.cancel()
    await asyncio.wait({task})


async def test_work_that_fails_while_it_is_cancelled_is_not_begun_again():
    """A queue that cannot say good-bye to a database that is gone must not keep the desk from ending."""
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the database is gone")

    task = asyncio.create_task(Supervisor().keep("queue", work))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait({task}, timeout=3)
    assert task.cancelled()
    assert begun == 1
