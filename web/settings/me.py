"""My account: who I am to colleagues and customers, my password, and where I am signed in."""

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from litestar import Controller, Request, Response, post
from litestar import get as reads
from litestar.params import FromPath
from msgspec import Meta

from helpdesk import presence
from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.people import Availability
from web import attempts, browsers, passwords, sessions
from web.addresses import counted_as
from web.auth import current_session, permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

DONE["password"] = _("Your password is changed. Everywhere else you are signed out.")
DONE["signed-out"] = _("That browser is signed out.")

LANGUAGES = ["en", "en_GB", "en_US", "de", "fr", "es", "it", "nl", "pt", "pt_BR", "pl", "cs", "sv", "da"]
LANGUAGES += ["fi", "nb", "tr", "el", "uk", "ru", "ja", "ko", "zh", "ar", "he"]


class ProfileForm(Fields):
    name: Annotated[str, Meta(max_length=120)]
    locale: str
    time_zone: str


class PasswordForm(Fields):
    current: Annotated[str, Meta(max_length=1024)]
    password: Annotated[str, Meta(max_length=1024)]


class AvailabilityForm(Fields):
    availability: Availability
    next: Literal["", "here"] = ""


class Me(Controller):
    path = "/settings/me"

    @reads(opt=permits(Action.signed_in))
    async def profile(self, settings: ThisSettings) -> Html:
        return await settings(
            "settings/me/profile.html", languages=languages(), zones=zones(), states=list(Availability)
        )

    @post(opt=permits(Action.signed_in))
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, ProfileForm)
        name = " ".join(given.name.split())
        if not name:
            raise Invalid(gettext("Please say how you are called."))
        if given.locale not in LANGUAGES or given.time_zone not in available_timezones():
            raise Invalid(gettext("Choose a language and a time zone from the lists."))
        changed = [
            field
            for field, value in (("name", name), ("locale", given.locale), ("time_zone", given.time_zone))
            if getattr(agent, field) != value
        ]
        agent.name, agent.locale, agent.time_zone = name, given.locale, given.time_zone
        if changed:
            session.add(Event(Kind.agent_changed, by=agent, about=agent, fields=changed))
        return done(request, self.path)

    @post("/availability", opt=permits(Action.signed_in))
    async def availability(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, AvailabilityForm)
        await presence.choose(session, agent, given.availability)
        if given.next and "hx-request" in request.headers:
            return Response("", status_code=204, headers={"hx-refresh": "true"})
        return done(request, self.path)


class Safety(Controller):
    """Password and sessions."""

    path = "/settings/me/safety"

    @reads(opt=permits(Action.signed_in))
    async def show(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, settings: ThisSettings
    ) -> Html:
        here = current_session(request)
        found = [
            {
                "key": each.id.hex()[:16],
                "browser": browsers.told(each.browser),
                "address": each.address,
                "seen": each.last_seen_at,
                "here": here is not None and each.id == here.id,
            }
            for each in await sessions.of(session, agent)
        ]
        return await settings("settings/me/safety.html", sessions=found)

    @post("/password", opt=permits(Action.signed_in))
    async def change(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """Every other session ends."""
        given = await read(request, PasswordForm)
        keys = attempts.keys(agent.email, counted_as(request))
        if await attempts.must_wait(session, keys) or not await passwords.matches(
            agent.password_hash, given.current
        ):
            await attempts.failed(session, keys)
            await session.commit()
            raise Invalid(gettext("The present password is another one, or there were too many attempts."))
        passwords.refuse_weak(given.password, about=(agent.name, agent.email))
        agent.password_hash = await passwords.made(given.password)
        here = current_session(request)
        await sessions.end_all(session, agent.id, but=here.id if here else None)
        session.add(Event(Kind.password_changed, by=agent, about=agent))
        return done(request, self.path, "password")

    @post("/sessions/{key:str}/end", opt=permits(Action.signed_in))
    async def end(
        self, key: FromPath[str], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """`key` is the beginning of the id's hash: the id itself never leaves the browser that has it."""
        for each in await sessions.of(session, agent):
            if each.id.hex()[:16] == key:
                await session.delete(each)
                session.add(Event(Kind.session_ended, by=agent, about=agent))
                return done(request, self.path, "signed-out")
        raise NotFound

    @post("/sessions/others/end", opt=permits(Action.signed_in))
    async def end_others(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        here = current_session(request)
        ended = await sessions.end_all(session, agent.id, but=here.id if here else None)
        if ended:
            session.add(Event(Kind.session_ended, by=agent, about=agent, count=ended))
        return done(request, self.path, "signed-out")


def languages() -> list[tuple[str, str]]:
    """In their own words, as whoever looks for theirs reads them."""
    return [(code, _named(code)) for code in LANGUAGES]


def zones() -> list[tuple[str, str]]:
    return [
        (name, name.replace("_", " "))
        for name in sorted(available_timezones())
        if "/" in name or name == "UTC"
    ]


def _named(code: str) -> str:
    try:
        return (Locale.parse(code).get_display_name(code) or code).capitalize()
    except (UnknownLocaleError, ValueError):
        return code
