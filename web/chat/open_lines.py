"""The frames that are open at this process, found by what they may hear of: what is said for one wakes no other."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from helpdesk import chat
from helpdesk.chat import Visitor, live_name
from helpdesk.desk import Desk
from web.live import RESYNC, Closing, TooManyStreams

MOST, MOST_OF_VISITOR, MOST_OF_ADDRESS = 5_000, 6, 200
PRESENT = 20.0  # seconds between two notes that somebody is there
READING = 4  # frames that are told at once: when all are stale, requests still find a connection
OPENING = 6  # frames that open at once, for the same reason: after a restart all come back together
R = TypeVar("R")
T = TypeVar("T")


@dataclass(eq=False)
class Line:
    """One open frame."""

    visitor_id: int
    address: str
    """Where it comes from."""
    name: str
    """What is said when something new is theirs."""
    tickets: dict[int, int] = field(default_factory=dict)
    """Number by ticket, of the conversations that are theirs."""
    told: set[int] = field(default_factory=set)
    reached: int = 0
    typing: bool = False
    stale: bool = True
    ended: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def names(self) -> set[str]:
        """All that make it look again."""
        return {self.name, *(f"ticket-{ticket_id}" for ticket_id in self.tickets)}

    def end(self) -> None:
        self.ended = True
        self.woken.set()


class Lines:
    """All of them, and how many there may be."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.all: set[Line] = set()
        self.closing = False
        self.reading = asyncio.Semaphore(READING)
        self.opening = asyncio.Semaphore(OPENING)
        self._by_name: defaultdict[str, set[Line]] = defaultdict(set)
        self._of_visitor: Counter[int] = Counter()
        self._of_address: Counter[str] = Counter()
        self._looking: set[asyncio.Task[Any]] = set()

    def hear(self, names: set[str]) -> None:
        """Names as the database says them: `ticket-42`, `typing-42`, `visitor-…`."""
        for line in self.all if RESYNC in names else self._named(names):
            line.stale = True
            line.woken.set()
        typed = (f"ticket-{name.removeprefix('typing-')}" for name in names if name.startswith("typing-"))
        for line in self._named(typed):
            line.typing = True
            line.woken.set()

    def close(self) -> None:
        self.closing = True
        for line in self.all:
            line.end()

    def open(self, visitor: Visitor, address: str) -> Line:
        """It counts once its stream is read, so that one whose browser has gone meanwhile is no line. Raises
        TooManyStreams."""
        if self.closing:
            raise Closing
        line = Line(visitor.id, address, live_name(visitor))
        if not self._has_room(line):
            raise TooManyStreams
        return line

    @contextmanager
    def kept(self, line: Line) -> Iterator[None]:
        """Its stream is read. One for which there is no room any more, since many opened at once, ends at once."""
        if not self._has_room(line) or self.closing:
            line.end()
        self.all.add(line)
        self._of_visitor[line.visitor_id] += 1
        self._of_address[line.address] += 1
        self._file(line.names, line)
        try:
            yield
        finally:
            self.all.discard(line)
            _one_less(self._of_visitor, line.visitor_id)
            _one_less(self._of_address, line.address)
            self._unfile(line.names, line)

    def place(self, line: Line, name: str, tickets: dict[int, int]) -> None:
        """What is its visitor's has changed: from now on it hears of that."""
        before = line.names
        line.name, line.tickets = name, tickets
        if line in self.all and before != line.names:
            self._unfile(before - line.names, line)
            self._file(line.names - before, line)

    async def to_the_end(self, looking: Coroutine[Any, Any, R]) -> R:
        """Also where its browser goes meanwhile: a question to the database that is broken off costs a connection,
        and who opens lines and drops them would cost us one each time."""
        task = asyncio.create_task(looking)
        self._looking.add(task)
        task.add_done_callback(self._looked)
        return await asyncio.shield(task)

    def _looked(self, task: asyncio.Task[Any]) -> None:
        self._looking.discard(task)
        if not task.cancelled():
            task.exception()  # it is raised where somebody still waits for it

    def is_empty(self) -> bool:
        """Nothing is left of lines that have gone."""
        return not (self.all or self._by_name or self._of_visitor or self._of_address or self._looking)

    @asynccontextmanager
    async def kept_present(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._keep_present())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_present(self) -> None:
        """For ever: who has a frame open is there."""
        while True:
            await asyncio.sleep(PRESENT)
            if not (there := sorted(self._of_visitor)):
                continue
            with suppress(SQLAlchemyError, OSError):
                async with self.desk.sessions() as session:
                    await chat.seen(session, there)
                    await session.commit()

    def _has_room(self, line: Line) -> bool:
        return (
            self._of_visitor[line.visitor_id] < MOST_OF_VISITOR
            and self._of_address[line.address] < MOST_OF_ADDRESS
            and len(self.all) < MOST
        )

    def _named(self, names: Iterable[str]) -> set[Line]:
        return {line for name in names for line in self._by_name.get(name, ())}

    def _file(self, names: Iterable[str], line: Line) -> None:
        for name in names:
            self._by_name[name].add(line)

    def _unfile(self, names: Iterable[str], line: Line) -> None:
        for name in names:
            self._by_name[name].discard(line)
            if not self._by_name[name]:
                del self._by_name[name]


def _one_less(counter: Counter[T], key: T) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
