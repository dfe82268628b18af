"""Streams that open while others are told: nothing is lost in between, whoever comes first."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import CHANNEL, committed
from helpdesk.people import Agent
from tests.scenes import Scene
from tests.web.served import Console
from tests.workers.hands import eventually
from web import live as live_module
from web import sessions
from web.audience import Audience
from web.live import Listener, Live
from web.sessions import WebSession


class Held(AsyncSession):
    """Reads agents and tells of them when it is let; asks about tickets when it may go."""

    def __init__(self, of: Any) -> None:
        super().__init__(of)
        self.read, self.let, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def scalars(self, *given: Any, **named: Any) -> Any:
        found = await super().scalars(*given, **named)
        self.read.set()
        await self.let.wait()
        return found

    async def run_sync(self, *given: Any, **named: Any) -> Any:
        await self.go.wait()
        return await super().run_sync(*given, **named)


async def two_at_once(
    scene: Scene, audience: Audience, before: set[int], after: set[int], *, last: bool
) -> tuple[set[int], set[int]]:
    """Whom each is told; the second begins while the first reads agents, and ends first or last if it can."""
    ticket = await scene.receives()
    async with scene.desk.sessions() as session, Held(session.bind) as first, Held(session.bind) as second:
        one = asyncio.create_task(audience.of(first, before, {ticket.id}))
        await first.read.wait()
        second.let.set()
        other = asyncio.create_task(audience.of(second, after, {ticket.id}))
        if last:
            await asyncio.wait({asyncio.create_task(second.read.wait())}, timeout=0.3)
        else:
            second.go.set()
            await asyncio.wait({other}, timeout=0.3)
        first.let.set()
        first.go.set()
        heard = set((await one)[ticket.id].agents)
        second.go.set()
        return heard, set((await other)[ticket.id].agents)


async def test_whoever_comes_while_colleagues_are_read_is_not_forgotten(scene: Scene):
    ada, liam = scene.agents["Ada"].id, scene.agents["Liam"].id
    assert await two_at_once(scene, Audience(), {ada}, {ada, liam}, last=True) == ({ada}, {ada, liam})


async def test_who_was_switched_off_is_not_told_by_what_was_read_before(scene: Scene):
    ada, liam = scene.agents["Ada"].id, scene.agents["Liam"].id
    audience = Audience()
    async with scene.desk.sessions() as session:
        await audience.of(session, {ada, liam}, set())
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Agent, liam)).active = False
    audience.forget()
    assert await two_at_once(scene, audience, {ada, liam}, {ada, liam}, last=False) == ({ada}, {ada})


async def says(console: Console, name: str) -> None:
    live: Live = console.app.state.live
    before = live.moment
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(select(func.pg_notify(CHANNEL, name)))
    async with asyncio.timeout(5):
        while live.moment == before:
            await asyncio.sleep(0.01)


async def test_a_stream_begins_when_it_hears_and_not_before(console: Console, monkeypatch: Any):
    """What is said while its session is put away, before it listens, is no part of what it says it has told."""
    live: Live = console.app.state.live
    person = await console.person("Ada")
    close = AsyncSession.close

    async def slowly(self: AsyncSession) -> None:
        await close(self)
        monkeypatch.undo()
        await says(console, "colleagues")

    opened = live.open

    def opens(*given: Any) -> Any:
        monkeypatch.setattr(AsyncSession, "close", slowly)
        return opened(*given)

    monkeypatch.setattr(live, "open", opens)
    async with person.stream("GET", "/live") as response:
        lines = response.aiter_lines()
        async for line in lines:
            if line.startswith("id: "):
                assert line == f"id: {live.moment}"
                break


async def test_what_is_said_during_a_catch_up_is_not_called_older_than_it_is(
    console: Console, monkeypatch: Any
):
    """Or a page that was read before it, and listens to the same stream, would not be told."""
    live: Live = console.app.state.live
    ada = console.scene.agents["Ada"]
    listener = live.open(ada, WebSession(id=b"1", agent_id=ada.id))
    start = live.moment
    ticket = await console.scene.receives()
    await says(console, "nobody-listens")
    of, begun = live._audience.of, False

    async def slowly(session: AsyncSession, *given: Any) -> Any:
        nonlocal begun
        found = await of(session, *given)
        if not begun:
            begun = True
            await says(console, "colleagues")
        return found

    monkeypatch.setattr(live._audience, "of", slowly)
    live.begin(listener)
    await live.catch_up(listener, start)
    live.listeners.discard(listener)
    assert begun
    assert {name.partition("@")[0] for name in listener.names} == {"colleagues", f"ticket-{ticket.id}"}
    assert listener.moment == live.moment


async def test_who_comes_while_sessions_are_looked_at_goes_on_listening(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """What was asked before they came says nothing of them."""
    await console.person("Ada")
    async with console.scene.desk.sessions() as session:
        own = (await session.scalars(select(WebSession.id))).one()
    lines, looked = Live(console.scene.desk), asyncio.Event()
    first, late = Listener(1, own), Listener(1, own)
    real = sessions.still_valid

    async def slowly(asking: AsyncSession, ids: list[bytes]) -> Any:
        valid = await real(asking, ids) if late in lines.listeners else set()
        lines.begin(late)
        looked.set()
        return valid

    monkeypatch.setattr(sessions, "still_valid", slowly)
    monkeypatch.setattr(live_module, "CHECK", 0.01)
    lines.begin(first)
    task = asyncio.create_task(lines._check())
    await looked.wait()
    await eventually(lambda: _is_ended(first))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not late.ended


async def _is_ended(listener: Listener) -> bool:
    return listener.ended
