"""What changed, as it changes: LISTEN on one connection, one stream per browser, names and never content.

A stream carries names such as `ticket-42`; the page asks again for what shows it, so access and rendering have
one path. Who may know of a ticket is asked when the stream opens and again for every name. When the line to the
database was lost, streams say `resync`: something may have been missed.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg
import structlog
from litestar import Request, get
from litestar.response import Stream
from psycopg.sql import SQL, Identifier
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from helpdesk import presence, registers
from helpdesk.access import Action, is_visible
from helpdesk.database import CHANNEL, libpq_url
from helpdesk.desk import Desk
from helpdesk.errors import Conflict
from helpdesk.i18n import _
from helpdesk.options import CHANGED
from helpdesk.people import Agent, with_access
from helpdesk.tickets import Ticket
from web import sessions
from web.auth import opened, permits
from web.sessions import WebSession

log = structlog.get_logger(__name__)

BEAT = 15.0  # seconds between signs of life; the browser gives up after 50
CHECK = 4.0  # seconds until a session that has ended elsewhere closes its streams
GATHER = 0.05  # seconds: one commit often says several things
MOST_NAMES = 200  # waiting for one slow browser; beyond that it asks for everything again
MOST_STREAMS = 30  # of one agent
RESYNC = "resync"
OPEN_NAMES = {"colleagues"}
"""Told to everybody: who is there is no secret among colleagues."""


class TooManyStreams(Conflict):
    status = 429
    message = _("This account has too many open windows. Close some of them.")


class Closing(Conflict):
    status = 503
    message = _("The desk is being restarted. The page asks again by itself.")


@dataclass(eq=False)
class Listener:
    """One open stream: the names that its browser has not been told yet."""

    agent_id: int
    session_id: bytes
    names: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def tell(self, names: set[str]) -> None:
        self.names |= names
        if len(self.names) > MOST_NAMES:
            self.names = {RESYNC}
        self.woken.set()

    def end(self) -> None:
        self.ended = True
        self.woken.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events()

    async def _events(self) -> AsyncIterator[bytes]:
        yield b"retry: 1000\nevent: beat\ndata: hello\n\n"
        while not self.ended:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.woken.wait(), BEAT)
            self.woken.clear()
            names, self.names = self.names, set()
            if names:
                yield f"event: change\ndata: {' '.join(sorted(names))}\n\n".encode()
            elif not self.ended:
                yield b"event: beat\ndata: still here\n\n"


class Live:
    """All streams of this process, and the one connection that feeds them."""

    def __init__(self, desk: Desk, on_options: Callable[[], None] = lambda: None) -> None:
        """`on_options` is called when an option or a register of the desk has changed, whoever changed it."""
        self.desk, self.on_options = desk, on_options
        self.listeners: set[Listener] = set()
        self.closing = False
        self._waiting: set[str] = set()
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(each()) for each in (self._listen, self._publish, self._check)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """End every stream, so that a server that is asked to stop need not wait for browsers."""
        self.closing = True
        for listener in self.listeners:
            listener.end()

    def open(self, agent: Agent, session: WebSession) -> Listener:
        if self.closing:
            raise Closing
        if sum(listener.agent_id == agent.id for listener in self.listeners) >= MOST_STREAMS:
            raise TooManyStreams
        return Listener(agent.id, session.id)

    async def _listen(self) -> None:
        delay, lost = 0.2, False
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    libpq_url(self.desk.database_url), autocommit=True, application_name="helpdesk live"
                ) as connection:
                    await connection.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
                    if lost:
                        self._hear(RESYNC)
                    delay, lost = 0.2, True
                    while True:
                        async for notice in connection.notifies(timeout=BEAT):
                            self._hear(notice.payload)
                        await connection.execute("SELECT 1")  # notices a line that is only half open
            except (psycopg.OperationalError, OSError) as error:
                log.warning("the live line to the database was lost", because=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    def _hear(self, name: str) -> None:
        self._waiting.add(name)
        self._something.set()

    async def _publish(self) -> None:
        while True:
            await self._something.wait()
            await asyncio.sleep(GATHER)
            self._something.clear()
            names, self._waiting = self._waiting, set()
            try:
                await self._tell(names)
            except (SQLAlchemyError, OSError) as error:
                log.warning("what changed could not be told", because=str(error))
                self._tell_all({RESYNC})

    async def _tell(self, names: set[str]) -> None:
        if RESYNC in names:
            return self._tell_all({RESYNC})
        if names & {CHANGED, registers.CHANGED}:
            self.on_options()
        self._tell_each(names)
        tickets = {name: int(name[7:]) for name in names if name.startswith("ticket-") and name[7:].isdigit()}
        by_agent: dict[int, list[Listener]] = defaultdict(list)
        for listener in self.listeners:
            by_agent[listener.agent_id].append(listener)
        if not by_agent or not tickets:
            return None
        async with self.desk.sessions() as session:
            query = select(Agent).where(Agent.id.in_(by_agent), Agent.active).options(*with_access())
            for agent in (await session.scalars(query)).unique():
                seen = await session.scalars(
                    select(Ticket.id).where(is_visible(agent), Ticket.id.in_(tickets.values()))
                )
                if visible := {f"ticket-{number}" for number in seen}:
                    for listener in by_agent[agent.id]:
                        listener.tell(visible)
        return None

    def _tell_each(self, names: set[str]) -> None:
        """What is an agent's own, and what everybody may know."""
        for listener in self.listeners:
            if own := names & {f"agent-{listener.agent_id}", *OPEN_NAMES}:
                listener.tell(own)

    def _tell_all(self, names: set[str]) -> None:
        for listener in self.listeners:
            listener.tell(names)

    async def _check(self) -> None:
        """Signing out, or being switched off, closes the streams that were open."""
        while True:
            await asyncio.sleep(CHECK)
            if not self.listeners:
                continue
            with suppress(SQLAlchemyError, OSError):
                async with self.desk.sessions() as session:
                    valid = await sessions.still_valid(session, [li.session_id for li in self.listeners])
                    await presence.seen(session, {li.agent_id for li in self.listeners})
                    await session.commit()
                for listener in self.listeners:
                    if listener.session_id not in valid:
                        listener.end()


@get("/live", opt=permits(Action.signed_in))
async def live(request: Request[Any, Any, Any]) -> Stream:
    lines: Live = request.app.state.live
    found: WebSession = request.scope["session"]  # type: ignore[assignment]
    listener = lines.open(found.agent, found)
    await opened(request).commit()
    await opened(request).close()  # a stream lasts for hours and needs no connection

    async def events() -> AsyncIterator[bytes]:
        lines.listeners.add(listener)
        try:
            async for event in listener:
                yield event
        finally:
            lines.listeners.discard(listener)

    return Stream(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
