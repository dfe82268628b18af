"""A promise that is not kept is written down when its time is over, once, and not before."""

import asyncio
from datetime import timedelta
from functools import partial

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import event, func, select

from helpdesk import clock, sla
from helpdesk.database import CHANNEL, committed, libpq_url
from helpdesk.events import Event, Kind
from helpdesk.soon import LONGEST, SOON
from tests.scenes import Scene, mail
from tests.workers.hands import at_work, eventually
from workers.clock import clock as ticking
from workers.clock import tick
from workers.wakeup import Bell


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


async def shortest(scene: Scene, seconds: float) -> None:
    """A promise that is due so soon that no calendar would make one."""
    async with committed(scene.desk.sessions) as session:
        one = await session.scalar(
            select(sla.Clock).where(sla.Clock.metric == "first_response", sla.Clock.met_at.is_(None))
        )
        assert one
        one.due_at = clock.now() + timedelta(seconds=seconds)


async def written(scene: Scene) -> bool:
    return await breaches(scene) == 1


async def test_the_clock_wakes_when_the_next_promise_is_due(scene: Scene):
    await scene.receives()
    await shortest(scene, 0.8)
    task = asyncio.create_task(ticking(scene.desk, Bell()))
    await asyncio.sleep(0.4)
    assert not await written(scene)
    await eventually(partial(written, scene), 3)
    task.cancel()
    await asyncio.wait({task})


async def test_who_sleeps_is_woken_for_what_is_due_sooner(scene: Scene):
    """The workers sleep for half a minute; a promise that is made meanwhile is written down within a second."""
    await scene.receives()
    async with at_work(scene.desk, listeners=False):
        await asyncio.sleep(1.5)  # it has looked, and sleeps
        await shortest(scene, 1.0)
        due_at = clock.now() + timedelta(seconds=1.0)
        await eventually(partial(written, scene), 5)
        assert clock.now() - due_at < timedelta(seconds=1)


async def test_a_ticket_that_is_snoozed_for_seconds_wakes_in_time(scene: Scene):
    ticket = await scene.receives()

    async def awake() -> bool:
        return (await scene.ticket(ticket.id)).snoozed_until is None

    async with at_work(scene.desk, listeners=False):
        await asyncio.sleep(1.5)
        until = clock.now() + timedelta(seconds=1.2)
        await scene.does(ticket, "snooze", until, by=scene.agents["Ada"])
        assert not await awake()
        await eventually(awake, 5)
        assert clock.now() - until < timedelta(seconds=1)


async def test_an_idle_desk_asks_rarely(scene: Scene):
    """Nothing is due for hours: one look, and then sleep until somebody rings or half a minute is over."""
    await scene.receives()
    asked: list[str] = []

    @event.listens_for(scene.desk.engine.sync_engine, "before_cursor_execute")
    def _asked(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    bell = Bell()
    task = asyncio.create_task(ticking(scene.desk, bell))
    await asyncio.sleep(3)
    once = len(asked)
    assert 0 < once <= 8, asked
    bell.ring()
    await eventually(partial(_more, asked, once), 3)
    task.cancel()
    await asyncio.wait({task})


async def _more(asked: list[str], than: int) -> bool:
    return len(asked) > than


async def test_what_is_far_away_wakes_nobody(scene: Scene):
    """A ring for every promise would make a busy desk look as often as it works."""
    async with await AsyncConnection.connect(
        libpq_url(scene.desk.database_url), autocommit=True
    ) as listening:
        await listening.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
        await scene.replies(await scene.receives())
        await scene.receives(mail("Another one", sender="jan@lumen.example"))
        await shortest(scene, 5)
        heard = [one.payload async for one in listening.notifies(timeout=1)]
    assert heard.count(SOON) == 1
