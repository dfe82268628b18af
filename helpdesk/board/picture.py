"""The whole board at one moment, and what came and went lately, each made once for all who may see the same."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import measures
from helpdesk.access import Action, granted, granted_in, reach
from helpdesk.board.load import Held, held
from helpdesk.board.people import Colleague, colleagues
from helpdesk.board.risk.present import Risks, at_risk
from helpdesk.board.risk.speaking import Speaker, speaker
from helpdesk.board.scope import Scope
from helpdesk.board.share import assistants_share
from helpdesk.board.tiles import Tile, read, standing
from helpdesk.clock import now
from helpdesk.measures import MEASURES, Dimension, Line
from helpdesk.measures.periods import lately
from helpdesk.people import Agent, Availability, Reach
from helpdesk.satisfaction.intervals import Interval
from helpdesk.statements import standing as standing_of

FRESH = 1.5  # seconds for which a board is good: many leads watch the same one
CALM = 60.0  # seconds for which what came and went is
MOST = 200
"""Boards that are remembered."""
T = TypeVar("T")


@dataclass(frozen=True)
class TeamLoad:
    id: int | None
    """None: tickets of no team."""
    held: Held
    present: int
    """Colleagues of the team who are there."""


@dataclass(frozen=True)
class Board:
    at: datetime
    tiles: Sequence[Tile]
    colleagues: Sequence[Colleague]
    nobody: Held
    """What nobody has."""
    teams: Sequence[TeamLoad]
    risks: Risks
    speaker: Speaker


@dataclass(frozen=True)
class Trends:
    """What came and went; days and hours are the reader's own."""

    hours: Sequence[tuple[datetime, Line]]
    """The last 24, the present one last."""
    days: Sequence[Line]
    week: Sequence[Line]
    """Tickets by hour of the week in the last four weeks; 0 is Monday from midnight to one."""
    ratings: Sequence[Line]
    """By week."""


class Shared:
    """Remembers for a moment what takes a while, and lets who asks meanwhile wait for the same answer."""

    def __init__(self, fresh: float) -> None:
        self.fresh = fresh
        self._known: dict[Hashable, tuple[float, asyncio.Future[Any]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        at, found = self._known.get(key, (0.0, None))
        if found is not None and (not found.done() or monotonic() - at < self.fresh):
            try:
                return await asyncio.shield(found)
            except (asyncio.CancelledError, Exception):
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
        return await self._made(key, make)

    async def _made(self, key: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._known.pop(key, None)
        while len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[key] = (monotonic(), mine)
        try:
            value = await make()
        except BaseException:
            self._known.pop(key, None)
            mine.cancel()  # who waited makes their own
            raise
        self._known[key] = (monotonic(), mine)
        mine.set_result(value)
        return value


class Boards:
    """Of one process."""

    def __init__(self) -> None:
        self._now, self._shares, self._trends = Shared(FRESH), Shared(CALM), Shared(CALM)

    async def now(self, session: AsyncSession, agent: Agent, scope: Scope) -> Board:
        async def make() -> Board:
            share = await self._shares.get(
                (sees(agent), scope), lambda: assistants_share(session, agent, scope, now())
            )
            return await board(session, agent, scope, share)

        return await self._now.get((sees(agent), scope, agent.locale), make)

    async def trends(self, session: AsyncSession, agent: Agent, scope: Scope) -> Trends:
        key = (sees(agent), scope, agent.locale, agent.time_zone)
        return await self._trends.get(key, lambda: trends(session, agent, scope))


def sees(agent: Agent) -> Hashable:
    """Equal for all who may know of the same: admins share one board."""
    everything = {Action.read, Action.report} <= granted(agent) and reach(agent) is Reach.all
    return "everything" if agent.active and everything and not granted_in(agent) else standing_of(agent)


async def board(session: AsyncSession, agent: Agent, scope: Scope, share: Interval | None) -> Board:
    at = now()
    counted, load = await standing(session, agent, scope), await held(session, agent, scope, at)
    people = await colleagues(session, agent, scope, load)
    speaks = await speaker(session)
    risks = await at_risk(session, agent, scope, at, load, speaks.estimate)
    return Board(
        at,
        read(scope, at, counted, load, people, share),
        people,
        Held.together(one for one in load if one.assignee_id is None),
        _teams(load, people),
        risks,
        speaks,
    )


def _teams(load: Sequence[Held], people: Sequence[Colleague]) -> list[TeamLoad]:
    """Those with open tickets that the reader may know of, the fullest first."""
    of_team: dict[int | None, list[Held]] = {}
    for one in load:
        of_team.setdefault(one.team_id, []).append(one)
    found = [
        TeamLoad(
            team_id,
            Held.together(some),
            sum(one.presence is Availability.online and team_id in one.team_ids for one in people),
        )
        for team_id, some in of_team.items()
    ]
    return sorted((one for one in found if one.held.open), key=lambda one: (-one.held.open, one.id or 0))


async def trends(session: AsyncSession, agent: Agent, scope: Scope) -> Trends:
    zone, measured = agent.time_zone or "UTC", scope.measured
    flow = [MEASURES["created"], MEASURES["resolved"]]

    async def asked(which: Sequence[measures.Measure], days: int, by: Dimension) -> Sequence[Line]:
        return (await measures.ask(session, agent, which, lately(days, zone), measured, by=by)).lines

    return Trends(
        _last_day(await asked(flow, 2, Dimension.hour), now().astimezone(ZoneInfo(zone))),
        await asked(flow, 14, Dimension.day),
        await asked(flow[:1], 28, Dimension.hour),
        await asked([MEASURES["csat"]], 84, Dimension.week),
    )


def _last_day(lines: Sequence[Line], at: datetime) -> list[tuple[datetime, Line]]:
    """Of two days by hour of the week, the 24 hours until now."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    by_key = {line.key: line for line in lines}
    whens = [hour - timedelta(hours=back) for back in range(23, -1, -1)]
    return [(when, by_key[when.weekday() * 24 + when.hour]) for when in whens]
