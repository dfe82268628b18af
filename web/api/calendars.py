"""Business calendars: when somebody is there, and on which days nobody is."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.calendars import Calendar, Source, arranging, fetching
from helpdesk.calendars.public import PUBLIC
from helpdesk.calendars.week import MOST, Week, whole
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.hours import NeverOpen
from helpdesk.people import Agent
from web.api.answers import Answer, Listed
from web.api.given import Given, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session

ARRANGES = permits(Action.manage_sla)
CalendarName = Annotated[str, Meta(min_length=1, max_length=200, examples=["Office in Berlin"])]
Zone = Annotated[str, Meta(min_length=1, max_length=80, examples=["Europe/Berlin"])]
Wall = Annotated[str, Meta(max_length=5, examples=["09:00"])]
Interval = Annotated[tuple[Wall, Wall], Meta(examples=[["09:00", "17:00"]])]
Intervals = Annotated[
    list[Interval], Meta(max_length=MOST, examples=[[["09:00", "12:30"], ["13:15", "17:00"]]])
]
Code = Annotated[str, Meta(max_length=80, examples=[""])]
Address = Annotated[str, Meta(max_length=2_000, examples=[""])]


class WeekSent(Sent):
    """Opening times by weekday. An end before the beginning goes on the next morning; 24:00 is midnight."""

    monday: Intervals = field(default_factory=list)
    tuesday: Intervals = field(default_factory=list)
    wednesday: Intervals = field(default_factory=list)
    thursday: Intervals = field(default_factory=list)
    friday: Intervals = field(default_factory=list)
    saturday: Intervals = field(default_factory=list)
    sunday: Intervals = field(default_factory=list)

    def read(self) -> Week:
        return whole({day: getattr(self, name) for day, name in enumerate(self.__struct_fields__)})


class OwnHoliday(Sent):
    day: Annotated[str, Meta(max_length=10, examples=["12-24"])]
    """A date, or a month and a day of every year."""
    name: Annotated[str, Meta(max_length=200, examples=["Christmas Eve"])] = ""


OwnHolidays = Annotated[
    list[OwnHoliday],
    Meta(max_length=arranging.MOST_OWN, examples=[[{"day": "12-24", "name": "Christmas Eve"}]]),
]
Kinds = Annotated[list[Annotated[str, Meta(max_length=40)]], Meta(max_length=20, examples=[["public"]])]
Names = Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(max_length=100, examples=[[]])]


class HolidayView(Shape):
    day: date
    name: str
    source: Source


class CalendarView(Shape):
    id: int
    name: CalendarName
    time_zone: Zone
    week: dict[str, list[list[str]]]
    """Opening times by weekday, from "monday" on; a day that is left out is closed."""
    country: str
    """Whose public holidays are kept; an ISO 3166 code, or empty."""
    subdivision: str
    categories: list[str]
    language: str
    worked: list[str]
    """Names of public holidays on which it is open all the same."""
    own_holidays: list[dict[str, str]]
    feed_url: str
    """An iCal calendar; its events of whole days are holidays."""
    feed_fetched_at: At | None
    feed_trouble: str
    """Why the feed could not be fetched; what it said last still counts."""
    holidays: list[HolidayView]
    """The next twelve months."""
    is_open: bool
    next_opening: At | None
    """Null while it is open, and where it never opens again."""
    policies: list[int]
    """Ids of the policies that count by it."""


class NewCalendar(Sent):
    name: CalendarName
    time_zone: Zone
    week: WeekSent
    country: Code = ""
    subdivision: Code = ""
    categories: Kinds = field(default_factory=lambda: [PUBLIC])
    language: Code = ""
    worked: Names = field(default_factory=list)
    own_holidays: OwnHolidays = field(default_factory=list)
    feed_url: Address = ""


class CalendarPatch(Patch):
    name: CalendarName | UnsetType = UNSET
    time_zone: Zone | UnsetType = UNSET
    week: WeekSent | UnsetType = UNSET
    """All of it."""
    country: Code | UnsetType = UNSET
    subdivision: Code | UnsetType = UNSET
    categories: Kinds | UnsetType = UNSET
    language: Code | UnsetType = UNSET
    worked: Names | UnsetType = UNSET
    own_holidays: OwnHolidays | UnsetType = UNSET
    """All of them."""
    feed_url: Address | UnsetType = UNSET


class Calendars(Controller):
    path = "/calendars"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=ARRANGES, summary="List calendars")
    async def list(self, session: Session) -> Listed[CalendarView]:
        rows = await session.scalars(select(Calendar).order_by(Calendar.name))
        return Listed(items=[await _shown(session, calendar) for calendar in rows])

    @post(opt=ARRANGES, summary="Make a calendar")
    async def create(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, given: Given[NewCalendar]
    ) -> Answer[CalendarView]:
        calendar = await arranging.made(
            session, named=given.name, time_zone=given.time_zone, week=given.week.read(), by=agent
        )
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        await _fill(session, desk.outbound.policy, calendar, values, by=agent)
        headers = {"location": f"{PREFIX}/calendars/{calendar.id}"}
        return Answer(await _shown(session, calendar), status_code=201, headers=headers)

    @get("/{calendar_id:int}", opt=ARRANGES, summary="Show a calendar")
    async def show(self, session: Session, calendar_id: PathId) -> CalendarView:
        if (calendar := await session.get(Calendar, calendar_id)) is None:
            raise NotFound
        return await _shown(session, calendar)

    @patch("/{calendar_id:int}", opt=ARRANGES, summary="Change a calendar")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        calendar_id: PathId,
        given: Given[CalendarPatch],
    ) -> CalendarView:
        """What is due by it is reckoned anew shortly after."""
        calendar = await _one(session, calendar_id)
        await _fill(session, desk.outbound.policy, calendar, given.given(), by=agent)
        return await _shown(session, calendar)

    @delete("/{calendar_id:int}", opt=ARRANGES, summary="Remove a calendar")
    async def remove(self, session: Session, agent: CurrentAgent, calendar_id: PathId) -> None:
        """409 while a policy counts by it."""
        await arranging.remove(session, await _one(session, calendar_id), by=agent)

    @post("/{calendar_id:int}/feed/refresh", opt=ARRANGES, summary="Fetch a calendar's feed", status_code=202)
    async def refresh(self, session: Session, agent: CurrentAgent, calendar_id: PathId) -> CalendarView:
        """Soon; `feed_fetched_at` or `feed_trouble` tells what came of it. 409 without a feed."""
        calendar = await _one(session, calendar_id)
        await fetching.want(session, calendar, by=agent)
        return await _shown(session, calendar)


async def _fill(
    session: AsyncSession, way: Any, calendar: Calendar, given: dict[str, Any], *, by: Agent
) -> None:
    values = dict(given)
    url, name = values.pop("feed_url", None), values.pop("name", None)
    if "time_zone" in values:
        values["time_zone"] = arranging.known_zone(values["time_zone"])
    if "week" in values:
        values["week"] = values["week"].read()
    if "own_holidays" in values:
        values["own_holidays"] = arranging.own([(one.day, one.name) for one in values["own_holidays"]])
    await arranging.change(session, calendar, by=by, **values)
    if name is not None:
        await arranging.rename(session, calendar, name, by=by)
    if url is not None:
        await fetching.subscribe(session, calendar, arranging.feed_address(url, way), by=by)


async def _shown(session: AsyncSession, calendar: Calendar) -> CalendarView:
    at = now()
    today = at.astimezone(calendar.zone).date()
    ahead = await arranging.closed_days(session, calendar, today, today + timedelta(days=365))
    is_open = calendar.hours.is_open(at)
    return CalendarView(
        id=calendar.id,
        name=calendar.name,
        time_zone=calendar.time_zone,
        week={
            name: calendar.week[str(day)]
            for day, name in enumerate(WeekSent.__struct_fields__)
            if str(day) in calendar.week
        },
        country=calendar.country,
        subdivision=calendar.subdivision,
        categories=calendar.categories,
        language=calendar.language,
        worked=calendar.worked,
        own_holidays=calendar.own_holidays,
        feed_url=calendar.feed_url,
        feed_fetched_at=calendar.feed_fetched_at,
        feed_trouble=calendar.feed_trouble,
        holidays=[HolidayView(day=row.day, name=row.name, source=row.source) for row in ahead],
        is_open=is_open,
        next_opening=None if is_open else _opening(calendar),
        policies=[policy_id for policy_id, _name in await arranging.used_by(session, calendar.id)],
    )


def _opening(calendar: Calendar) -> datetime | None:
    try:
        return calendar.hours.next_opening(now())
    except NeverOpen:
        return None


async def _one(session: AsyncSession, calendar_id: int) -> Calendar:
    if (found := await session.get(Calendar, calendar_id, with_for_update=True)) is None:
        raise NotFound
    return found
