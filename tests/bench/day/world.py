"""The company of the day: four regions with their own hours, holidays, policies, inboxes, teams and shifts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from helpdesk import clock
from helpdesk.calendars import Calendar, arranging
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, tags_called
from helpdesk.people import Agent, Role, Team, with_access
from helpdesk.routing import Method, TeamRouting
from helpdesk.sla import Policy
from tests.bench.day import model
from tests.bench.day.model import GRAIN, HORIZON, Rules, Story
from tests.helpdesk.steps import Terms

BEGIN = datetime(2031, 10, 2, 6, tzinfo=UTC)
"""A Thursday. India keeps Gandhi's birthday, Germany its unity on the day after, and Sydney changes its clocks
on the Sunday before most of it is due."""
LONG = timedelta(hours=24)
WEEKDAYS = range(5)


@dataclass(frozen=True)
class Region:
    name: str
    zone: str
    hours: tuple[tuple[str, str], ...]
    holiday: date | None
    share: float
    """Of all tickets."""
    method: Method

    @property
    def terms(self) -> tuple[dict[str, list[list[str]]], str, list[str]]:
        week = {str(day): [list(span) for span in self.hours] for day in WEEKDAYS}
        return week, self.zone, [self.holiday.isoformat()] if self.holiday else []


REGIONS = (
    Region(
        "Europe",
        "Europe/Berlin",
        (("09:00", "12:30"), ("13:15", "18:00")),
        date(2031, 10, 3),
        0.4,
        Method.in_turn,
    ),
    Region(
        "Americas",
        "America/New_York",
        (("09:00", "13:00"), ("14:00", "18:00")),
        None,
        0.35,
        Method.fewest_open,
    ),
    Region(
        "India",
        "Asia/Kolkata",
        (("09:30", "13:30"), ("14:15", "18:30")),
        date(2031, 10, 2),
        0.12,
        Method.longest_free,
    ),
    Region(
        "Pacific", "Australia/Sydney", (("08:00", "12:00"), ("12:30", "18:00")), None, 0.13, Method.in_turn
    ),
)
ALWAYS: dict[str, list[list[str]]] = {str(day): [["00:00", "24:00"]] for day in range(7)}
RESTS = {"next_response": ["on_hold"], "update": ["on_hold"], "resolution": ["waiting", "on_hold"]}
SNOOZED = RESTS | {"first_response": ["snoozed"], "resolution": ["waiting", "on_hold", "snoozed"]}


def targets(first: int, following: int, update: int, resolution: int) -> dict[str, dict[str, int]]:
    """Minutes at normal priority; the others by it."""
    factors = {"urgent": 0.25, "high": 0.5, "normal": 1, "low": 2}
    values = {"first_response": first, "next_response": following, "update": update, "resolution": resolution}
    return {
        priority: {metric: int(value * factor) for metric, value in values.items()}
        for priority, factor in factors.items()
    }


@dataclass(frozen=True)
class Spec:
    """A policy, for the desk and for the model."""

    name: str
    region: str
    """Whose calendar; empty: always open."""
    targets: dict[str, dict[str, int]]
    pauses: dict[str, list[str]]
    warn: int
    condition: dict[str, Any]
    holds: Any

    @property
    def terms(self) -> Terms:
        week, zone, holidays = next((r.terms for r in REGIONS if r.name == self.region), (ALWAYS, "UTC", []))
        return Terms(week, zone, holidays, self.targets, self.pauses)


def specs(inboxes: dict[str, int], gold: int) -> list[Spec]:
    def where(name: str, value: Any, operator: str = "is") -> dict[str, Any]:
        return {"kind": "where", "field": name, "operator": operator, "value": value}

    def of_inbox(name: str) -> Any:
        return lambda story: story.inbox == name

    def urgent(story: Story) -> bool:
        return story.priority == "urgent"

    fire = targets(120, 120, 240, 960)
    found = [Spec("Fire", "", fire, RESTS, 5, where("priority", "urgent"), urgent)]
    found.append(
        Spec(
            "Gold",
            "Europe",
            targets(60, 60, 240, 480),
            SNOOZED,
            10,
            where("tags", [gold], "any_of"),
            lambda story: "gold" in story.tags,
        )
    )
    given = {"Americas": (90, 120, 360, 480), "India": (120, 180, 480, 720), "Pacific": (60, 90, 300, 480)}
    for region, minutes in given.items():
        if region in inboxes:
            is_there = where("inbox", inboxes[region])
            found.append(Spec(region, region, targets(*minutes), RESTS, 15, is_there, of_inbox(region)))
    rest = targets(120, 150, 480, 600)
    found.append(Spec("Europe", "Europe", rest, RESTS, 20, {}, lambda _story: True))
    return found


@dataclass
class Colleague:
    agent: Agent
    region: Region
    team: Team
    by_hand: bool
    """Nobody shares tickets out to them: they take the next one themselves."""
    shifts: list[tuple[datetime, datetime]]
    breaks: list[tuple[datetime, datetime]]
    here: bool = False
    away: bool = False
    works_on: int | None = None

    @property
    def is_free(self) -> bool:
        return self.here and not self.away and self.works_on is None


@dataclass
class World:
    desk: Desk
    begin: datetime
    ends: datetime
    regions: Sequence[Region]
    rules: Rules
    inboxes: dict[str, Inbox] = field(default_factory=dict)
    teams: dict[str, tuple[Team, Team]] = field(default_factory=dict)
    """By region: who answers, and who knows more."""
    colleagues: dict[int, Colleague] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)
    lead: Agent | None = None

    @classmethod
    async def made(cls, desk: Desk, *, agents: int, start: int, hours: int, random: Random) -> "World":
        """`start`: hours after the first moment of the model's."""
        regions = REGIONS if agents >= 20 else REGIONS[:2]
        begin = BEGIN + timedelta(hours=start)
        world = cls(desk, begin, begin + timedelta(hours=hours), regions, Rules(BEGIN, []))
        with clock.stopped(begin - timedelta(minutes=5)):
            await world._furnish()
            await world._staff(agents, random)
        return world

    async def _furnish(self) -> None:
        async with committed(self.desk.sessions) as session:
            calendars: dict[str, Calendar] = {}
            for region in self.regions:
                week, zone, holidays = region.terms
                made = await arranging.made(session, named=region.name, time_zone=zone, week=week, by=DESK)
                own = arranging.own([(day, "A holiday") for day in holidays])
                await arranging.change(session, made, by=DESK, own_holidays=own)
                calendars[region.name] = made
            calendars[""] = await arranging.made(
                session, named="Always", time_zone="UTC", week=ALWAYS, by=DESK
            )
            for region in self.regions:
                await self._furnish_region(session, region)
            gold: Tag = (await tags_called(session, ["gold"], by=DESK))[0]
            found = specs({name: inbox.id for name, inbox in self.inboxes.items()}, gold.id)
            for place, spec in enumerate(found):
                row = Policy(
                    name=spec.name, calendar=calendars[spec.region], position=place, condition=spec.condition,
                    targets=spec.targets, pauses=spec.pauses, warn_minutes=spec.warn, escalations=[],
                )  # fmt: skip
                session.add(row)
                await session.flush()
                self.policies[spec.name] = row.id
        self.rules = Rules(BEGIN, [model.Policy(s.name, s.terms, s.warn, s.holds) for s in found])

    async def _furnish_region(self, session: Any, region: Region) -> None:
        first, second = Team(name=f"{region.name} desk"), Team(name=f"{region.name} specialists")
        inbox = Inbox(
            name=region.name, channel="loopback", address=f"{region.name.lower()}@desk.example",
            sealed_settings=self.desk.keys.seal({}), team=first,
        )  # fmt: skip
        session.add_all([first, second, inbox])
        await session.flush()
        session.add(TeamRouting(team_id=first.id, method=region.method, cap=6, give_back_minutes=10))
        self.inboxes[region.name], self.teams[region.name] = inbox, (first, second)

    async def _staff(self, number: int, random: Random) -> None:
        lead = Agent(name="Lead", email="lead@desk.example", role=Role.admin)
        made = []
        for n in range(number):
            region = _region_of(n, number, self.regions)
            first, second = self.teams[region.name]
            by_hand = n % 7 == 3
            agent = Agent(name=f"Agent {n}", email=f"a{n}@desk.example", teams=[second if by_hand else first])
            made.append((agent, region, second if by_hand else first, by_hand))
        async with committed(self.desk.sessions) as session:
            session.add_all([lead, *(agent for agent, *_ in made)])
        async with self.desk.sessions() as session:
            query = select(Agent).options(*with_access())
            known = {agent.id: agent for agent in (await session.scalars(query)).unique()}
        self.lead = known[lead.id]
        for n, (agent, region, team, by_hand) in enumerate(made):
            shifts, breaks = self._shifts(region, n, random)
            self.colleagues[agent.id] = Colleague(known[agent.id], region, team, by_hand, shifts, breaks)

    def _shifts(self, region: Region, n: int, random: Random) -> tuple[list[Any], list[Any]]:
        """Eight hours that begin in the morning, or for every fourth in the afternoon; lunch and two breaks."""
        zone, shifts, breaks = ZoneInfo(region.zone), [], []
        for day in (-1, 0, 1):
            local = self.begin.astimezone(zone).date() + timedelta(days=day)
            if local == region.holiday and n % 3:
                continue
            hour = 14 if n % 4 == 0 else 8
            begins = datetime.combine(local, time(hour, random.choice([0, 20, 40])), zone).astimezone(UTC)
            shifts.append((begins, begins + timedelta(hours=8)))
            for after, minutes in ((110, 15), (225, 45), (370, 15)):
                start = begins + timedelta(minutes=after + 5 * (n % 5))
                breaks.append((start, start + timedelta(minutes=minutes)))
        return shifts, breaks


def _region_of(n: int, number: int, regions: Sequence[Region]) -> Region:
    whole, sofar = sum(region.share for region in regions), 0.0
    for region in regions:
        sofar += region.share / whole
        if (n + 0.5) / number <= sofar:
            return region
    return regions[-1]


def grid(at: datetime) -> datetime:
    """The next moment of the model's."""
    return BEGIN + -((BEGIN - at) // GRAIN) * GRAIN


assert timedelta(days=10) < HORIZON * GRAIN
