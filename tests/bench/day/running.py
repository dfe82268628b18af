"""The day, moment by moment: what is planned happens, and between it the workers do what they always do."""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import select

from helpdesk import clock
from helpdesk.calendars import Calendar, arranging
from helpdesk.database import CHANNEL, committed, libpq_url
from helpdesk.events import DESK, Event, Kind
from helpdesk.sla import Policy
from helpdesk.soon import SOON
from tests.bench.day.agents import Agents
from tests.bench.day.customers import ASSISTED, IMPATIENT, MACHINES, TWICE, Customers, arrivals
from tests.bench.day.diary import Diary
from tests.bench.day.model import Rules
from tests.bench.day.recount import Counted, counted
from tests.bench.day.world import Colleague, Region, World, grid
from workers import rounds
from workers.clock import tick
from workers.reckoning import reckon
from workers.sharing import share_out

MINUTE = timedelta(minutes=1)
AT_ONCE = 6
"""Things that happen at one moment, each in a transaction of its own."""
ROUNDS, TOGETHER = 3, 15
"""Minutes between rounds, and between those at which others share tickets out at the same time."""
SHARERS = 3
"""How many others."""
WORK = 320
"""Seconds that a ticket takes beyond the first minute, on average."""
Doing = Callable[[], Awaitable[Any]]


@dataclass
class Day:
    world: World
    random: Random
    tickets: int
    count_every: timedelta
    told: Callable[[str], None] | None = None
    """Hears how far it is."""
    diary: Diary = field(default_factory=Diary)
    counts: list[list[Counted]] = field(default_factory=list)
    ticks: int = 0
    spent: dict[str, float] = field(default_factory=dict)
    """Seconds of the real clock, by what they went into."""

    def __post_init__(self) -> None:
        self._plan: list[tuple[datetime, int, Doing]] = []
        self._alone: dict[datetime, Doing] = {}
        self._order = count()
        self._next_tick = self.world.begin
        self.customers = Customers(self.world, self.diary, self.random)
        self.agents = Agents(self.world, self.diary, self.random)

    async def run(self) -> None:
        self._plan_day()
        url = libpq_url(self.world.desk.database_url)
        async with await AsyncConnection.connect(url, autocommit=True) as bell:
            await bell.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
            while self._plan:
                at = min(self._plan[0][0], self._next_tick)
                if at > self.world.ends:
                    break
                with clock.stopped(at):
                    await self._moment(at, bell)
        with clock.stopped(self.world.ends):
            await self._tick(self.world.ends)
            await self._count()

    async def _moment(self, at: datetime, bell: AsyncConnection) -> None:
        if at == self._next_tick:
            await self._timed("workers' clock", self._tick(at))
        doings = []
        while self._plan and self._plan[0][0] == at:
            doings.append(heapq.heappop(self._plan)[2])
        if alone := self._alone.get(at):
            await self._timed("edits", alone())
        if doings:
            await self._timed("people", self._all(doings))
        if (at - self.world.begin) % MINUTE == timedelta(0):
            await self._minute(at)
        if any([one.payload == SOON async for one in bell.notifies(timeout=0)]):
            self._next_tick = at
            await self._timed("workers' clock", self._tick(at))

    async def _all(self, doings: list[Doing]) -> None:
        for begin in range(0, len(doings), AT_ONCE):
            await asyncio.gather(*(doing() for doing in doings[begin : begin + AT_ONCE]))

    async def _tick(self, at: datetime) -> None:
        """What `workers.clock` does, and when it would look again: it sleeps no longer than it says."""
        wait = 0.0
        while not wait:
            self.ticks += 1
            wait = await tick(self.world.desk)
        self._next_tick = at + timedelta(milliseconds=round(wait * 1000))

    async def _minute(self, at: datetime) -> None:
        """Who is there is seen; workers look after who went, and share out, now and then several at once."""
        desk, minute = self.world.desk, (at - self.world.begin) // MINUTE
        await self._timed("presence", self.agents.heartbeat())
        if minute % ROUNDS == 0:
            others = SHARERS if minute % TOGETHER == 0 else 0
            sharing = (share_out(desk) for _ in range(others))
            await self._timed("sharing", asyncio.gather(rounds.once(desk), *sharing))
        for one, ticket_id in await self._timed("people", self.agents.begin()):
            seconds = 60 + self.random.expovariate(1 / WORK)
            self._later(timedelta(seconds=seconds), lambda one=one, n=ticket_id: self._finish(one, n))  # type: ignore[misc]
        if (at - self.world.begin) % self.count_every == timedelta(0):
            await self._timed("recount", self._count())

    async def _timed(self, what: str, doing: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        found = await doing
        self.spent[what] = self.spent.get(what, 0) + time.perf_counter() - began
        return found

    async def _count(self) -> None:
        if self.told:
            self.told(f"{clock.now():%H:%M}: {len(self.diary.lines)} facts, {self.ticks} looks of the clock")
        self.counts.append(await counted(self.world))

    def _plan_day(self) -> None:
        for at, region in arrivals(self.world, self.tickets, self.random):
            self._at(at, lambda region=region: self._arrives(region))  # type: ignore[misc]
        for one in self.world.colleagues.values():
            self._plan_shifts(one)
        for n in range(1, (self.world.ends - self.world.begin) // MINUTE + 1):
            self._at(self.world.begin + n * MINUTE, _nothing)
        whole = self.world.ends - self.world.begin
        self._alone[grid(self.world.begin + whole / 3)] = self._shorter_promises
        self._alone[grid(self.world.begin + whole / 2)] = self._another_holiday

    def _plan_shifts(self, one: Colleague) -> None:
        begin = self.world.begin
        for starts, ends in one.shifts:
            if ends > begin:
                self._at(max(grid(starts), begin), lambda: self.agents.comes(one))
                self._at(grid(ends), lambda: self.agents.goes(one))
        for starts, ends in one.breaks:
            if starts > begin:
                self._at(grid(starts), lambda: self.agents.pauses(one, away=True))
                self._at(grid(ends), lambda: self.agents.pauses(one, away=False))

    def _at(self, at: datetime, doing: Doing) -> None:
        if at <= self.world.ends:
            heapq.heappush(self._plan, (at, next(self._order), doing))

    def _later(self, after: timedelta, doing: Doing) -> None:
        self._at(grid(clock.now() + after), doing)

    async def _arrives(self, region: Region, sender: str = "") -> None:
        machine = not sender and self.random.random() < MACHINES
        ticket = await self.customers.writes(region, sender=sender, machine=machine)
        if self.random.random() < TWICE and not machine:
            again = self.customers.senders[ticket.id]
            self._later(self.random.randrange(3, 40) * MINUTE, lambda: self._arrives(region, again))
        if self.random.random() < ASSISTED:
            self._later(MINUTE, lambda: self.agents.assistant_answers(ticket.id))
        if machine or self.random.random() < IMPATIENT:
            self._asks_again(ticket.id, 90)

    def _asks_again(self, ticket_id: int, minutes: float) -> None:
        seconds = 40 + self.random.expovariate(1 / (minutes * 60))
        self._later(timedelta(seconds=seconds), lambda: self.customers.writes_again(ticket_id))

    async def _finish(self, one: Colleague, ticket_id: int) -> None:
        done = await self.agents.finish(one, ticket_id)
        if done.then:
            self._later(*done.then)
        if done.answered and self.random.random() < (0.15 if done.resolved else 0.55):
            self._asks_again(ticket_id, 70)

    async def _shorter_promises(self) -> None:
        """Europe promises everything in two thirds of the time."""
        async with committed(self.world.desk.sessions) as session:
            policy = await session.get_one(Policy, self.world.policies["Europe"])
            shorter = {p: {m: v * 2 // 3 for m, v in each.items()} for p, each in policy.targets.items()}
            policy.targets = shorter
            session.add(Event(Kind.policy_edited, by=DESK, about=policy, fields=["targets"]))
        await reckon(self.world.desk, Kind.policy_edited)

        def change(rules: Rules) -> None:
            europe = next(one for one in rules.policies if one.name == "Europe")
            europe.terms = type(europe.terms)(**vars(europe.terms) | {"targets": shorter})

        self.diary.fact(0, "edit", change=change)

    async def _another_holiday(self) -> None:
        """The Americas will not work tomorrow."""
        async with committed(self.world.desk.sessions) as session:
            query = select(Calendar).where(Calendar.name == "Americas").with_for_update()
            calendar = (await session.scalars(query)).one()
            days = arranging.own([("2031-10-03", "Closed after the storm")])
            await arranging.change(session, calendar, by=DESK, own_holidays=days)
        await reckon(self.world.desk, Kind.calendar_changed)

        def change(rules: Rules) -> None:
            americas = next(one for one in rules.policies if one.name == "Americas")
            terms = type(americas.terms)(**vars(americas.terms) | {"holidays": ["2031-10-03"]})
            americas.terms = terms
            rules.lay_out(americas)

        self.diary.fact(0, "edit", change=change)


async def _nothing() -> None:
    """The minute is over."""
