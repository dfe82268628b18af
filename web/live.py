"""What changed, as it changes: LISTEN on one connection, one stream per browser, names and never content.

A stream carries names such as `ticket-42`; the page asks again for what shows it, so access and rendering have
one path. Who may know of a ticket is asked when the stream opens and again for every name. When the line to the
database was lost, streams say `resync`: something may have been missed.

Between the reading of a page and the opening of its stream something may happen, too. So a page carries the moment at
which it was read, and its stream begins with what was said since then.
"""

import asyncio
import re
import secrets
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import psycopg
import structlog
from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import Stream
from psycopg.sql import SQL, Identifier
from sqlalchemy.exc import SQLAlchemyError

from helpdesk import presence, registers
from helpdesk.access import Action
from helpdesk.database import CHANNEL, libpq_url
from helpdesk.desk import Desk
from helpdesk.errors import Conflict
from helpdesk.i18n import _
from helpdesk.intake import RECEIVED
from helpdesk.options import CHANGED
from helpdesk.people import Agent
from web import sessions
from web.audience import Audience, Heard
from web.auth import opened, permits
from web.sessions import WebSession

log = structlog.get_logger(__name__)

BEAT = 15.0  # seconds between signs of life; the browser gives up after 50
CHECK = 4.0  # seconds until a session that has ended elsewhere closes its streams
GATHER = 0.05  # seconds: one commit often says several things
MOST_NAMES = 200  # waiting for one slow browser; beyond that it asks for everything again
MOST_STREAMS = 30  # of one agent
LATELY = 500  # times that something was said, kept for streams of pages that were read before
RESYNC = "resync"
OF_TICKET = re.compile(r"(ticket|chat|writing|silent)-(\d{1,18})")
"""Told to whoever may see that ticket: it changed, or who chats in it did something, or is typing."""
SILENT = "silent-"
"""Said instead of `ticket-` where something changed that no event tells of: whoever shows it asks in any case."""
DESK_EVENT = "event"
"""Something happened to the desk and not to a ticket; perhaps to what somebody may see."""
OPEN_NAMES = {"colleagues", RESYNC}
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
    moment: str = ""
    """Up to which it has been told everything."""
    names: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False

    def tell(self, names: set[str], moment: str) -> None:
        self.names |= names
        self.moment = moment
        if len(self.names) > MOST_NAMES:
            self.names = {RESYNC}
        self.woken.set()

    def end(self) -> None:
        self.ended = True
        self.woken.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events()

    async def _events(self) -> AsyncIterator[bytes]:
        yield f"retry: 1000\nid: {self.moment}\nevent: beat\ndata: hello\n\n".encode()
        while not self.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self.woken.wait()
            self.woken.clear()
            names, self.names = self.names, set()
            if names:
                yield f"id: {self.moment}\nevent: change\ndata: {' '.join(sorted(names))}\n\n".encode()
            elif not self.ended:
                yield b"event: beat\ndata: still here\n\n"


class Hearer(Protocol):
    """Other streams that are told by the same connection: they know by themselves who may hear what."""

    def hear(self, names: set[str]) -> None: ...

    def close(self) -> None: ...


class Live:
    """All streams of this process, and the one connection that feeds them."""

    def __init__(self, desk: Desk, on_options: Callable[[], None] = lambda: None) -> None:
        """`on_options` is called when an option or a register of the desk has changed, whoever changed it."""
        self.desk, self.on_options = desk, on_options
        self.listeners: set[Listener] = set()
        self.hearers: list[Hearer] = []
        self.closing = False
        self._waiting: set[str] = set()
        self._something = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._awaited: dict[str, asyncio.Future[str]] = {}
        self._audience = Audience()
        self._run = secrets.token_hex(4)  # another process, or this one started anew, counts otherwise
        self._number = 0
        self._lately: deque[tuple[int, set[str]]] = deque(maxlen=LATELY)

    @property
    def moment(self) -> str:
        """Taken before a page is read: whatever the page does not show is said after this."""
        return f"{self._run}-{self._number}"

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
        for hearer in self.hearers:
            hearer.close()

    def open(self, agent: Agent, session: WebSession) -> Listener:
        if self.closing:
            raise Closing
        if sum(listener.agent_id == agent.id for listener in self.listeners) >= MOST_STREAMS:
            raise TooManyStreams
        return Listener(agent.id, session.id)

    def begin(self, listener: Listener) -> None:
        """From now on it is told everything."""
        self.listeners.add(listener)
        listener.moment = self.moment

    async def catch_up(self, listener: Listener, since: str) -> None:
        """Tell what was said since that moment; where that is not known any more, to ask for everything."""
        run, _, number = since.partition("-")
        is_known = run == self._run and number.isascii() and number.isdigit() and len(number) < 19
        first = self._lately[0][0] if self._lately else self._number + 1
        if not is_known or int(number) + 1 < first:
            return listener.tell({RESYNC}, self.moment)
        missed = {name for n, names in self._lately if n > int(number) for name in names}
        return await self._tell(missed, [listener]) if missed else None

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

    @contextmanager
    def awaited(self, name: str) -> Iterator[asyncio.Future[str]]:
        """What is said of this name after its `@`, once it is said. It may have been said before."""
        told = self._awaited.setdefault(name, asyncio.get_running_loop().create_future())
        try:
            yield told
        finally:
            if self._awaited.get(name) is told:
                del self._awaited[name]

    def _hear(self, name: str) -> None:
        if name.startswith(RECEIVED):
            known, _, more = name.partition("@")
            if more and (told := self._awaited.pop(known, None)):
                told.set_result(more)
            return
        self._waiting.add(name)
        self._something.set()

    async def _publish(self) -> None:
        while True:
            await self._something.wait()
            await asyncio.sleep(GATHER)
            self._something.clear()
            names, self._waiting = self._waiting, set()
            self._number += 1
            self._lately.append((self._number, names))
            for hearer in self.hearers:
                hearer.hear(names)
            if names & {CHANGED, registers.CHANGED, RESYNC}:
                self.on_options()
            if names & {DESK_EVENT, RESYNC}:
                self._audience.forget()
            try:
                await self._tell(names, self.listeners)
            except Exception as error:  # whatever it was: nobody would be told anything any more
                usual = isinstance(error, (SQLAlchemyError, OSError))
                log.warning("what changed could not be told", because=str(error), exc_info=not usual)
                for listener in self.listeners:
                    listener.tell({RESYNC}, self.moment)

    async def _tell(self, names: set[str], listeners: Collection[Listener]) -> None:
        """To each what is their own, what everybody may know, and what they may see.

        With the moment at which it is told: meanwhile they may have been told what is later."""
        for listener in listeners:
            if own := names & {f"agent-{listener.agent_id}", *OPEN_NAMES}:
                listener.tell(own, self.moment)
        tickets = [found for name in names if (found := OF_TICKET.fullmatch(name))]
        if not listeners or not tickets:
            return
        everybody = {listener.agent_id for listener in self.listeners}
        async with self.desk.reading() as session:
            heard = await self._audience.of(session, everybody, {int(found[2]) for found in tickets})
        words: dict[int, set[str]] = defaultdict(set)
        for found in tickets:
            if about := heard.get(int(found[2])):
                for agent_id in about.agents:
                    words[agent_id].add(_word(found, about, names))
        for listener in listeners:
            if said := words.get(listener.agent_id):
                listener.tell(said, self.moment)

    async def _check(self) -> None:
        """Signing out, or being switched off, closes the streams that were open."""
        while True:
            await asyncio.sleep(CHECK)
            there = list(self.listeners)  # whoever comes while it is asked is not meant
            if not there:
                continue
            with suppress(SQLAlchemyError, OSError):
                async with self.desk.sessions() as session:
                    valid = await sessions.still_valid(session, [li.session_id for li in there])
                    await presence.seen(session, {li.agent_id for li in there})
                    await session.commit()
                for listener in there:
                    if listener.session_id not in valid:
                        listener.end()


def _word(found: re.Match[str], about: Heard, names: set[str]) -> str:
    """`ticket-42@17`: by now 17 things have happened to it, so that a page which knows them need not ask."""
    kind, ticket = found.groups()
    if kind not in {"ticket", "silent"}:
        return found[0]
    is_silent = f"{SILENT}{ticket}" in names
    return f"ticket-{ticket}" if is_silent else f"ticket-{ticket}@{about.happened}"


@get("/live", opt=permits(Action.signed_in))
async def live(request: Request[Any, Any, Any], since: FromQuery[str] = "") -> Stream:
    """`since`: the moment at which the page was read that listens."""
    lines: Live = request.app.state.live
    found: WebSession = request.scope["session"]  # type: ignore[assignment]
    listener = lines.open(found.agent, found)
    await opened(request).commit()
    await opened(request).close()  # a stream lasts for hours and needs no connection

    async def events() -> AsyncIterator[bytes]:
        lines.begin(listener)
        try:
            if since:
                await lines.catch_up(listener, since)
            async for event in listener:
                yield event
        finally:
            lines.listeners.discard(listener)

    return Stream(events(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
