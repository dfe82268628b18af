"""The first day: the first admin, the desk's name and hours, a mailbox, colleagues, and a ticket to answer."""

import asyncio
import hmac
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from msgspec import Meta

from channels import registry
from helpdesk import first_day, options
from helpdesk.access import Action
from helpdesk.errors import HelpdeskError, Invalid, NotFound
from helpdesk.i18n import gettext
from web import passwords
from web.auth import permits
from web.console.shell import Shell
from web.console.signing_in import signed_in_as
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings import calendar_forms, inboxes
from web.settings.frame import ThisSettings, done
from web.settings.me import LANGUAGES, languages, zones

HOME = "/first-day"
EMAIL = r"^\s*[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\s*$"


class WelcomeForm(Fields):
    name: Annotated[str, Meta(max_length=120)]
    email: Annotated[str, Meta(max_length=320)]
    password: str
    token: str = ""


class DeskForm(Fields):
    desk_name: Annotated[str, Meta(max_length=80)]
    time_zone: str
    opens: str = "09:00"
    closes: str = "17:00"
    country: Annotated[str, Meta(max_length=10)] = ""
    """Whose public holidays are kept; empty: those of where the time zone is."""


class OptionsForm(Fields):
    desk_name: Annotated[str, Meta(max_length=80)] = ""
    ticket_prefix: Annotated[str, Meta(max_length=12)] = ""
    language: str = "en"
    time_zone: str = "UTC"
    take_copies: Literal["", "true"] = ""
    articles_reviewed: Literal["", "true"] = ""
    first_day: Literal["", "true"] = ""


class Welcome(Controller):
    """Answers 404 as soon as there is an admin."""

    path = "/welcome"

    @get(opt=permits(Action.public))
    async def form(
        self, session: Session, desk: CurrentDesk, page: ThisPage, token: FromQuery[str] = ""
    ) -> Html:
        await _must_be_new(session, desk, token)
        return page("account/welcome.html", token=token, given=None, problem="")

    @post(opt=permits(Action.public))
    async def found(
        self, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, page: ThisPage
    ) -> Response[Any]:
        given = await read(request, WelcomeForm)
        await _must_be_new(session, desk, given.token)
        name, email = " ".join(given.name.split()), given.email.strip().lower()
        try:
            if not name or not inboxes.ADDRESS.fullmatch(email.replace("+", "")):
                raise Invalid(gettext("Please give your name and your e-mail address."))
            passwords.refuse_weak(given.password, about=(name, email))
        except HelpdeskError as error:
            return page(
                "account/welcome.html", status=422, token=given.token, given=given, problem=str(error)
            )
        agent = await first_day.found_desk(
            session, name=name, email=email, password_hash=await passwords.made(given.password)
        )
        request.app.state.signboard.forget()
        return await signed_in_as(request, session, desk, agent, f"{HOME}/desk")


class FirstDay(Controller):
    path = HOME

    @get(opt=permits(Action.manage_desk))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        return page(
            "first-day/index.html",
            progress=await first_day.progress(session),
            shell=await Shell.load(session, agent),
        )

    @get("/desk", opt=permits(Action.manage_desk))
    async def desk(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        return page(
            "first-day/desk.html",
            step=2,
            options=await options.load(session),
            zones=zones(),
            countries=calendar_forms.countries(agent.locale),
        )

    @post("/desk", opt=permits(Action.manage_desk))
    async def save_desk(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await request.form()
        given = await read(request, DeskForm, besides=("day-",))
        if not given.desk_name.strip() or given.time_zone not in available_timezones():
            raise Invalid(gettext("The desk needs a name and a time zone."))
        await options.change(
            session, by=agent, desk_name=" ".join(given.desk_name.split()), time_zone=given.time_zone
        )
        agent.time_zone = given.time_zone
        await first_day.open_hours(
            session,
            zone=given.time_zone,
            days={int(key[4:]) for key in form if key[:4] == "day-" and key[4:] in set("0123456")},
            opens=_time(given.opens),
            closes=_time(given.closes),
            country=_country(given.country),
            by=agent,
        )
        request.app.state.signboard.forget()
        return _on(request, f"{HOME}/mailbox")

    @get("/mailbox", opt=permits(Action.manage_inboxes, confirmed=True))
    async def mailbox(self, session: Session, page: ThisPage) -> Html:
        kind = registry.get("email")
        others = [other for other in inboxes.offered() if other is not kind]
        form = await inboxes.form_of(session, kind, {})
        return page("first-day/mailbox.html", step=3, kind=kind, others=others, **form)

    @post("/mailbox", opt=permits(Action.manage_inboxes, confirmed=True))
    async def connect(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        await inboxes.connect(request, session, desk, registry.get("email"), by=agent)
        return _on(request, f"{HOME}/colleagues")

    @get("/colleagues", opt=permits(Action.manage_agents, confirmed=True))
    async def colleagues(self, page: ThisPage) -> Html:
        return page("first-day/colleagues.html", step=4)

    @post("/ticket", opt=permits(Action.manage_desk))
    async def ticket(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        number = await first_day.first_ticket(desk, session, agent)
        return _on(request, f"/tickets/{number}?view=all")

    @post("/end", opt=permits(Action.manage_desk))
    async def end(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await options.change(session, by=agent, first_day=False)
        request.app.state.signboard.forget()
        return _on(request, "/tickets")


class DeskOptions(Controller):
    path = "/settings/desk"

    @get(opt=permits(Action.manage_desk))
    async def show(self, session: Session, settings: ThisSettings) -> Html:
        return await settings(
            "settings/desk.html", options=await options.load(session), languages=languages(), zones=zones()
        )

    @post(opt=permits(Action.manage_desk))
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, OptionsForm)
        if given.language not in LANGUAGES or given.time_zone not in available_timezones():
            raise Invalid(gettext("Choose a language and a time zone from the lists."))
        await options.change(
            session,
            by=agent,
            desk_name=" ".join(given.desk_name.split()),
            ticket_prefix=given.ticket_prefix.strip(),
            language=given.language,
            time_zone=given.time_zone,
            take_copies=given.take_copies == "true",
            articles_reviewed=given.articles_reviewed == "true",
            first_day=given.first_day == "true",
        )
        request.app.state.signboard.forget()
        return done(request, self.path)


async def _must_be_new(session: Session, desk: CurrentDesk, token: str) -> None:
    if await first_day.has_admin(session):
        raise NotFound
    if first_day.needs_token(desk) and not hmac.compare_digest(
        token.encode(), first_day.welcome_token(desk).encode()
    ):
        await asyncio.sleep(0.2)
        raise NotFound


def _country(code: str) -> str | None:
    return {"": None, "none": ""}.get(code, code)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Invalid(gettext("A time is written as 09:00.")) from None


def _on(request: Request[Any, Any, Any], target: str) -> Response[Any]:
    if "hx-request" in request.headers:
        return Response("", status_code=204, headers={"hx-redirect": target})
    return Redirect(target, status_code=303)
