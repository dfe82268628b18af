"""What customers are asked about the help they got: per inbox when a ticket was resolved, and now and then for all."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import options, schedules
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext, ngettext
from helpdesk.inboxes import Inbox
from helpdesk.macros.placeholders import offered
from helpdesk.patience.wording import example
from helpdesk.people import Agent
from helpdesk.satisfaction import PromoterSurvey, Survey, arranging, wording
from helpdesk.schedules import Every
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.people.choices import zones
from web.schedules import day_names, everies, in_words
from web.settings.frame import ThisSettings, done

HOME = "/settings/satisfaction"
MANAGES = permits(Action.manage_rules)
UNITS = {"minutes": 1, "hours": 60, "days": 24 * 60}
Count = Annotated[int, Meta(ge=0, le=100_000)]
Text = Annotated[str, Meta(max_length=4 * arranging.LONGEST_WORDS)]
PREVIEW = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox"
)


class InboxForm(Fields):
    active: bool = False
    wait: Count = 1
    unit: str = "hours"
    quiet_days: Count = 7
    words: Text = ""


class DeskForm(Fields):
    active: bool = False
    every: str = Every.week.value
    month_days: Annotated[str, Meta(max_length=100)] = ""
    at: Annotated[str, Meta(max_length=10)] = "10:00"
    zone: Annotated[str, Meta(max_length=64)] = "UTC"
    within_days: Count = 30
    every_days: Count = 90
    most: Count = 50
    words: Text = ""


class Satisfaction(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        plan = await arranging.of_desk(session)
        return await settings(
            "settings/satisfaction/index.html",
            surveys=await arranging.of_inboxes(session),
            wait_words=wait_words,
            plan=plan,
            schedule=in_words(schedules.read(plan.schedule), agent.locale),
        )

    @get("/inboxes/{inbox_id:int}", opt=MANAGES)
    async def inbox(self, inbox_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        inbox = await _inbox(session, inbox_id)
        survey = await arranging.of_inbox(session, inbox)
        return await settings(
            "settings/satisfaction/inbox.html",
            inbox=inbox,
            survey=survey,
            wait=_in_unit(survey.wait_minutes),
            time_units=_units(),
            words=survey.words or wording.usual(Survey.csat),
            placeholders=offered([]),
        )

    @post("/inboxes/{inbox_id:int}", opt=MANAGES)
    async def arrange_inbox(
        self, inbox_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, InboxForm)
        await arranging.arrange_inbox(
            session,
            await _inbox(session, inbox_id),
            by=agent,
            active=form.active,
            wait_minutes=form.wait * UNITS.get(form.unit, 1),
            quiet_days=form.quiet_days,
            words=_chosen(form.words, Survey.csat),
        )
        return done(request, f"{HOME}/inboxes/{inbox_id}")

    @get("/recommendation", opt=MANAGES)
    async def desk(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        plan = await arranging.of_desk(session)
        schedule = schedules.read(plan.schedule)
        names = day_names(agent.locale, short=True)
        monthly = schedule.every is Every.month
        return await settings(
            "settings/satisfaction/recommendation.html",
            plan=plan,
            schedule=schedule,
            everies=everies(),
            week=[(day, names[day], not monthly and day in schedule.days) for day in range(7)],
            month_days=", ".join(map(str, schedule.days)) if monthly else "",
            zones=sorted({*zones(), schedule.zone, "UTC"}),
            zone=_zone(plan, schedule.zone, agent),
            words=plan.words or wording.usual(Survey.nps),
            placeholders=offered([]),
        )

    @post("/recommendation", opt=MANAGES)
    async def arrange_desk(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, DeskForm, besides=("day-",))
        sent = await request.form()
        await arranging.arrange_desk(
            session,
            by=agent,
            active=form.active,
            schedule=_schedule(form, [day for day in range(7) if sent.get(f"day-{day}")]),
            within_days=form.within_days,
            every_days=form.every_days,
            most=form.most,
            words=_chosen(form.words, Survey.nps),
        )
        return done(request, f"{HOME}/recommendation")

    @get("/preview", opt=MANAGES)
    async def preview(
        self, session: Session, kind: FromQuery[str] = "csat", inbox: FromQuery[int | None] = None
    ) -> Html:
        """The mail as somebody would get it, by itself in a frame; its links lead nowhere."""
        survey = Survey(kind) if kind in set(Survey) else Survey.csat
        found = await session.get(Inbox, inbox) if inbox and 0 < inbox < 2**63 else None
        html = await _example(session, survey, found)
        return Response(html, media_type="text/html", headers={"content-security-policy": PREVIEW})


async def _example(session: AsyncSession, kind: Survey, inbox: Inbox | None) -> str:
    if kind is Survey.nps:
        words = (await arranging.of_desk(session)).words
    else:
        words = (await arranging.of_inbox(session, inbox)).words if inbox else ""
    desk = (await options.load(session)).desk_name
    name = inbox.name if inbox else desk or gettext("Support")
    body = example(words or wording.usual(kind), inbox=name, desk=desk).text
    return wording.mail(kind, body, wording.choices(kind, "#"), "").html


def wait_words(minutes: int) -> str:
    if not minutes:
        return gettext("at once")
    amount, unit = _in_unit(minutes)
    words = {
        "minutes": ngettext("after %(num)s minute", "after %(num)s minutes", amount),
        "hours": ngettext("after %(num)s hour", "after %(num)s hours", amount),
        "days": ngettext("after %(num)s day", "after %(num)s days", amount),
    }[unit]
    return words % {"num": amount}


def _in_unit(minutes: int) -> tuple[int, str]:
    """In the largest unit that it is a whole number of."""
    unit = next(unit for unit in reversed(UNITS) if minutes % UNITS[unit] == 0)
    return (minutes // UNITS[unit], unit) if minutes else (0, "minutes")


def _units() -> list[tuple[str, str]]:
    return [("minutes", gettext("minutes")), ("hours", gettext("hours")), ("days", gettext("days"))]


def _chosen(words: str, kind: Survey) -> str:
    """Our own words stay ours, so that they are translated and better ones come with a new version."""
    given = words.replace("\r\n", "\n").strip()
    return "" if given == wording.usual(kind).strip() else given


def _schedule(form: DeskForm, week: list[int]) -> dict[str, Any]:
    if form.every == Every.day:
        return {"every": form.every, "at": form.at, "zone": form.zone}
    typed = form.month_days.replace(".", " ").replace(",", " ").split()
    monthly = [int(day) if day.isascii() and day.isdigit() else 0 for day in typed]
    days = monthly if form.every == Every.month else week
    return {"every": form.every, "days": days, "at": form.at, "zone": form.zone}


def _zone(plan: PromoterSurvey, chosen: str, agent: Agent) -> str:
    """Who sets it up first probably means where they are."""
    return chosen if plan.active or chosen != "UTC" else agent.time_zone


async def _inbox(session: AsyncSession, number: int) -> Inbox:
    found = await session.get(Inbox, number) if 0 < number < 2**63 else None
    if found is None or not found.active:
        raise NotFound
    return found
