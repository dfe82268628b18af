"""Calendars: when somebody is there, on which days nobody is, and what counts by it."""

from datetime import timedelta
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.access import Action
from helpdesk.calendars import Calendar, Source, arranging, fetching, public
from helpdesk.calendars.week import ALWAYS
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import Text, _
from helpdesk.people import Agent
from helpdesk.sla import Policy, recomputing
from helpdesk.sla.recomputing import Preview
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people.choices import zones
from web.settings import calendar_forms as forms
from web.settings.calendar_forms import CalendarForm, FeedForm, OwnForm, PublicForm
from web.settings.frame import DONE, ThisSettings, confirmed, done

HOME = "/settings/calendars"
MAY = permits(Action.manage_sla)
DONE |= {
    "calendar": _("Saved. What is open is counted anew by these hours."),
    "feed": _("The feed is being fetched."),
}
SOURCES: dict[Source, Text] = {
    Source.own: _("By hand"),
    Source.public: _("Public"),
    Source.feed: _("Feed"),
}


class Nothing(Fields):
    """A button without fields of its own."""


class DayForm(Fields):
    day: str


class RemovalForm(Fields):
    confirmation: str = ""


class Calendars(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        found = (await session.scalars(select(Calendar).order_by(Calendar.name))).all()
        users = await arranging.users(session)
        rows = [(calendar, forms.state(calendar), users.get(calendar.id, [])) for calendar in found]
        return await settings("settings/calendars/index.html", rows=rows, **_words(agent))

    @get("/new", opt=MAY)
    async def new(self, agent: CurrentAgent, settings: ThisSettings, start: FromQuery[str] = "") -> Html:
        country = public.country_of(agent.time_zone)
        return await settings(
            "settings/calendars/new.html",
            grid=forms.grid(ALWAYS if start == "always" else None),
            start=start,
            zone=agent.time_zone,
            zones=zones(),
            countries=forms.countries(_locale(agent)),
            country="" if start == "always" else country,
        )

    @get("/regions", opt=MAY)
    async def regions(self, agent: CurrentAgent, page: ThisPage, country: FromQuery[str] = "") -> Html:
        """The parts of a country that was just chosen, and what else can be chosen of its holidays."""
        return page(
            "settings/calendars/_regions.html",
            calendar=Calendar(subdivision="", categories=[public.PUBLIC], language="", worked=[]),
            named=[],
            **forms.regions(country, _locale(agent)),
        )

    @post(opt=MAY)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, CalendarForm, besides=("hours-",))
        calendar = await arranging.made(
            session,
            named=given.name,
            time_zone=given.time_zone,
            week=await forms.week(request, given.copy),
            country=given.country,
            by=agent,
        )
        return done(request, f"{HOME}/{calendar.id}", "added")


class OneCalendar(Controller):
    path = f"{HOME}/{{calendar_id:int}}"

    @get(opt=MAY)
    async def show(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, calendar_id: FromPath[int]
    ) -> Html:
        """When it is open, and who counts by it."""
        calendar = await _seen(session, calendar_id)
        return await settings(
            "settings/calendars/show.html",
            calendar=calendar,
            grid=forms.grid(calendar.week),
            zones=zones(),
            users=await arranging.used_by(session, calendar.id),
            preview=None,
            **await _ahead(session, calendar, agent),
        )

    @post("/preview", opt=MAY, status_code=200)
    async def look_ahead(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        settings: ThisSettings,
        calendar_id: FromPath[int],
    ) -> Html:
        """What the hours in the form would do to what is due; none of it is kept."""
        given = await read(request, CalendarForm, besides=("hours-",))
        calendar = await _seen(session, calendar_id)
        users = await arranging.used_by(session, calendar.id)
        week, zone = await forms.week(request, given.copy), arranging.known_zone(given.time_zone)
        async with session.begin_nested() as supposed:
            calendar.week, calendar.time_zone = week, zone
            preview = await _preview(session, calendar)
            await supposed.rollback()
        if page.is_partial:
            return page("settings/calendars/_preview.html", preview=preview)
        await session.refresh(calendar)
        return await settings(
            "settings/calendars/show.html",
            calendar=calendar,
            grid=forms.grid(week),
            zones=zones(),
            users=users,
            preview=preview,
            **await _ahead(session, calendar, agent),
        )

    @get("/holidays", opt=MAY)
    async def holidays(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, calendar_id: FromPath[int]
    ) -> Html:
        """When it is closed, and why."""
        calendar, locale = await _seen(session, calendar_id), _locale(agent)
        return await settings(
            "settings/calendars/holidays.html",
            calendar=calendar,
            countries=forms.countries(locale),
            named=_named(calendar),
            own=forms.own_days(calendar, locale),
            waiting=_waits(calendar),
            **await _ahead(session, calendar, agent),
            **forms.regions(calendar.country, locale),
        )

    @post(opt=MAY)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, CalendarForm, besides=("hours-",))
        calendar = await _found(session, calendar_id)
        week = await forms.week(request, given.copy)
        await arranging.change(
            session, calendar, by=agent, time_zone=arranging.known_zone(given.time_zone), week=week
        )
        await arranging.rename(session, calendar, given.name, by=agent)
        return done(request, _home(calendar), "calendar")

    @post("/public-holidays", opt=MAY)
    async def keep_public(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        """Parts and kinds belong to one country: they count only where they were shown for the chosen one."""
        given = await read(request, PublicForm, besides=("kind-", "worked-", "named-"))
        calendar = await _found(session, calendar_id)
        form = await request.form()
        same = given.country == given.shown and given.country != ""
        kinds = [key[5:] for key in form if key.startswith("kind-")]
        named = {key[6:]: str(form[key])[:500] for key in form if key.startswith("named-")}
        await arranging.change(
            session,
            calendar,
            by=agent,
            country=given.country,
            subdivision=given.subdivision if same else "",
            categories=kinds if same else [public.PUBLIC],
            language=given.language if same else "",
            worked=[words for key, words in named.items() if f"worked-{key}" in form] if same else [],
        )
        return done(request, _holidays(calendar), "saved")

    @post("/own-holidays", opt=MAY)
    async def add_own(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, OwnForm)
        calendar = await _found(session, calendar_id)
        day = given.day.strip()
        day = day[5:] if given.yearly and len(day) == 10 else day
        await _keep_own(session, calendar, [*_own(calendar), (day, given.name)], by=agent)
        return done(request, _holidays(calendar), "added")

    @post("/own-holidays/removal", opt=MAY)
    async def remove_own(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, DayForm)
        calendar = await _found(session, calendar_id)
        rest = [(day, name) for day, name in _own(calendar) if day != given.day]
        await _keep_own(session, calendar, rest, by=agent)
        return done(request, _holidays(calendar), "removed")

    @post("/removal", opt=MAY)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        calendar = await _found(session, calendar_id)
        confirmed((await read(request, RemovalForm)).confirmation, calendar.name)
        await arranging.remove(session, calendar, by=agent)
        return done(request, HOME, "removed")


class CalendarFeeds(Controller):
    path = f"{HOME}/{{calendar_id:int}}/feed"

    @get(opt=MAY)
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, calendar_id: FromPath[int]
    ) -> Html:
        """How the fetching goes; asked again and again while it is under way."""
        calendar = await _seen(session, calendar_id)
        return page(
            "settings/calendars/_feed.html", calendar=calendar, waiting=_waits(calendar), **_words(agent)
        )

    @post(opt=MAY)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, FeedForm)
        calendar = await _found(session, calendar_id)
        url = arranging.feed_address(given.feed_url, desk.outbound.policy)
        await fetching.subscribe(session, calendar, url, by=agent)
        return done(request, _holidays(calendar), "feed" if url else "removed")

    @post("/refresh", opt=MAY)
    async def refresh(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        calendar_id: FromPath[int],
    ) -> Response[Any]:
        await read(request, Nothing)
        calendar = await _found(session, calendar_id)
        await fetching.want(session, calendar, by=agent)
        return done(request, _holidays(calendar), "feed")


ROUTES: list[Any] = [Calendars, OneCalendar, CalendarFeeds]


def _own(calendar: Calendar) -> list[tuple[str, str]]:
    return [(str(entry["day"]), str(entry.get("name") or "")) for entry in calendar.own_holidays]


async def _keep_own(
    session: AsyncSession, calendar: Calendar, days: list[tuple[str, str]], *, by: Agent
) -> None:
    await arranging.change(session, calendar, by=by, own_holidays=arranging.own(days))


async def _ahead(session: AsyncSession, calendar: Calendar, agent: Agent) -> dict[str, Any]:
    """Whether it is open now, and the closed days of the next twelve months."""
    today = now().astimezone(calendar.zone).date()
    rows = await arranging.closed_days(session, calendar, today, today + timedelta(days=365))
    return {
        "state": forms.state(calendar),
        "months": forms.months(rows, _locale(agent)),
        "days": len({row.day for row in rows}),
        **_words(agent),
    }


async def _preview(session: AsyncSession, calendar: Calendar) -> Preview:
    """By the policies that count by it; `recomputing` looks at those of all open tickets at once."""
    query = select(Policy).where(Policy.calendar_id == calendar.id, Policy.active).order_by(Policy.position)
    with session.no_autoflush:
        policy = await session.scalar(query.limit(1).options(joinedload(Policy.calendar)))
        return await recomputing.preview(session, policy) if policy else Preview()


def _named(calendar: Calendar) -> list[str]:
    """The country's holidays of this year and the next by name, and those on which the desk works anyway."""
    if not calendar.country:
        return []
    year = now().astimezone(calendar.zone).year
    days = public.days(
        calendar.country, calendar.subdivision, calendar.categories, calendar.language, (year, year + 1)
    )
    return list(dict.fromkeys([*days.values(), *calendar.worked]))


def _waits(calendar: Calendar) -> bool:
    return bool(calendar.feed_url and calendar.feed_due_at and calendar.feed_due_at <= now())


def _words(agent: Agent) -> dict[str, Any]:
    return {"local": forms.said, "locale": _locale(agent), "sources": SOURCES}


def _locale(agent: Agent) -> str:
    return agent.locale or "en"


def _home(calendar: Calendar) -> str:
    return f"{HOME}/{calendar.id}"


def _holidays(calendar: Calendar) -> str:
    return f"{HOME}/{calendar.id}/holidays"


async def _found(session: AsyncSession, calendar_id: int) -> Calendar:
    """Locked: whoever changes it waits for whoever does already."""
    return _there(await session.get(Calendar, calendar_id, with_for_update=True))


async def _seen(session: AsyncSession, calendar_id: int) -> Calendar:
    return _there(await session.get(Calendar, calendar_id))


def _there(calendar: Calendar | None) -> Calendar:
    if calendar is None:
        raise NotFound
    return calendar
