"""A promise that is not kept is written down when its time is over, once, and not before."""

import asyncio
from datetime import timedelta

from sqlalchemy import func, select, update

from helpdesk import clock, sla
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from tests.scenes import Scene
from tests.workers.hands import eventually
from workers.clock import LONGEST, tick
from workers.clock import clock as ticking


async def breaches(scene: Scene) -> int:
    async with scene.desk.sessions() as session:
        return await session.scalar(select(func.count()).where(Event.kind == Kind.sla_breached)) or 0


async def test_overdue_promises_are_written_down_once(scene: Scene):
    await scene.receives()
    assert 0 < await tick(scene.desk) <= LONGEST
    assert await breaches(scene) == 0
    with clock.moved(timedelta(days=30)):
        await asyncio.gather(*(tick(scene.desk) for _ in range(4)))
        await tick(scene.desk)
    assert await breaches(scene) == 2


async def test_the_clock_wakes_when_the_next_promise_is_due(scene: Scene):
    await scene.receives()
    async with committed(scene.desk.sessions) as session:
        soon = clock.now() + timedelta(seconds=0.8)
        await session.execute(
            update(sla.Clock).where(sla.Clock.metric == "first_response").values(due_at=soon)
        )
    task = asyncio.create_task(ticking(scene.desk))

    async def written() -> bool:
        return await breaches(scene) == 1

    await asyncio.sleep(0.4)
    assert not await written()
    await eventually(written, 3)
    task.cancel()
    await asyncio.wait({task})
