"""Chats: what visitors see, who may write, who is vouched for, and what to put on the site."""

import base64
import secrets
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat import CHANNEL
from channels.chat.settings import COLOUR, ORIGIN, Asking, ChatSettings
from helpdesk import fields
from helpdesk.access import Action
from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.database import CHANNEL as LIVE
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Team
from helpdesk.portal import HelpCentre, centres
from web.auth import permits
from web.chat.inbox import settings_of
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, files, read
from web.pages import Html
from web.settings import own_pages
from web.settings.frame import ThisSettings, done

HOME = "/settings/chat"
SEES = permits(Action.manage_inboxes)
CHANGES = permits(Action.manage_inboxes, confirmed=True)
LARGEST_LOGO = 32 * 1024
PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}

Line = Annotated[str, Meta(max_length=200)]
Words = Annotated[str, Meta(max_length=2_000)]


class NewChat(Fields):
    name: Annotated[str, Meta(max_length=80)]
    origins: Words = ""
    team: int = 0


class ChatForm(Fields):
    title: Line = ""
    greeting: Line = ""
    reply_time: Line = ""
    away_words: Line = ""
    launcher: Annotated[str, Meta(max_length=40)] = ""
    accent: Annotated[str, Meta(max_length=7)] = "#3f5bd8"
    side: Literal["right", "left"] = "right"
    no_logo: bool = False
    origins: Words = ""
    calendar: int = 0
    anonymous: bool = False
    puzzle: Literal["off", "busy", "always"] = "off"
    ask_name: Asking = "no"
    ask_email: Asking = "no"
    files: bool = False
    articles: bool = False
    help_centre: Annotated[int, Meta(ge=0, lt=2**62)] = 0
    rating: bool = False
    sound: bool = False
    answerer_takes: bool = False
    mail_through: int = 0
    mail_after: Annotated[int, Meta(ge=1, le=1440)] = 10


class Chats(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(self, session: Session, desk: CurrentDesk, settings: ThisSettings) -> Html:
        found = await own_pages.every(session, CHANNEL.name)
        return await settings(
            "settings/chat/index.html", inboxes=[(inbox, settings_of(desk, inbox)) for inbox in found]
        )

    @get("/new", opt=SEES)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        return await settings("settings/chat/new.html", teams=await _teams(session))

    @post("/new", opt=CHANGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        given = await read(request, NewChat)
        name = " ".join(given.name.split())
        if not name:
            raise Invalid(gettext("A chat needs a name: visitors see it."))
        team = await session.get(Team, given.team) if given.team else None
        stored = ChatSettings(origins=_sites(given.origins))
        inbox = Inbox(
            name=name,
            channel=CHANNEL.name,
            address=f"chat-{secrets.token_hex(4)}@{urlsplit(desk.settings.url).hostname or 'desk'}",
            team_id=team.id if team else None,
            sealed_settings=desk.keys.seal(msgspec.to_builtins(stored)),
        )
        session.add(inbox)
        await session.flush()
        session.add(Event(Kind.inbox_connected, by=agent, about=inbox, channel=CHANNEL.name))
        await session.execute(select(func.pg_notify(LIVE, f"inbox-{inbox.id}")))
        return done(request, f"{HOME}/{inbox.id}", "added")

    @get("/{inbox_id:int}", opt=SEES)
    async def show(
        self, session: Session, desk: CurrentDesk, settings: ThisSettings, inbox_id: FromPath[int]
    ) -> Html:
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id)
        return await settings("settings/chat/show.html", **await _shown(session, desk, inbox))

    @get("/{inbox_id:int}/try", opt=SEES)
    async def attempt(
        self, session: Session, desk: CurrentDesk, settings: ThisSettings, inbox_id: FromPath[int]
    ) -> Html:
        """The chat as on a site, on a page of the settings, with everything that a site can have it do."""
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id)
        return await settings("settings/chat/try.html", **await _shown(session, desk, inbox))

    @post("/{inbox_id:int}", opt=SEES, request_max_body_size=256 * 1024)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        inbox_id: FromPath[int],
    ) -> Response[Any]:
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id, lock=True)
        given = await read(request, ChatForm, besides=(own_pages.ASKS, "logo"))
        stored = settings_of(desk, inbox)
        fresh = msgspec.structs.replace(
            stored,
            **await _checked(session, given),
            logo="" if given.no_logo else await _logo(request) or stored.logo,
            ask_fields=await own_pages.asked(request, session),
        )
        own_pages.edit(session, desk, inbox, stored, fresh, by=agent)
        return done(request, f"{HOME}/{inbox_id}")

    @post("/{inbox_id:int}/key", opt=CHANGES, status_code=200)
    async def renew(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        settings: ThisSettings,
        inbox_id: FromPath[int],
    ) -> Html:
        """A new key, shown this once; the one before stays good for a day."""
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id, lock=True)
        stored, key = settings_of(desk, inbox), secrets.token_urlsafe(32)
        until = (now() + own_pages.ROTATION).isoformat()
        fresh = msgspec.structs.replace(
            stored, jwt_key=key, jwt_key_before=stored.jwt_key, jwt_key_before_until=until
        )
        own_pages.renew(session, desk, inbox, fresh, which="jwt", by=agent)
        context: dict[str, Any] = {"inbox": inbox, "secret": key}
        if page.is_partial:
            return page("settings/chat/_key.html", **context)
        return await settings("settings/chat/key.html", **context)


async def _shown(session: AsyncSession, desk: Desk, inbox: Inbox) -> dict[str, Any]:
    mailboxes = await session.scalars(
        select(Inbox).where(Inbox.channel == "email", Inbox.active).order_by(Inbox.name)
    )
    calendars = await session.scalars(select(Calendar).order_by(Calendar.name))
    return {
        "inbox": inbox,
        "stored": settings_of(desk, inbox),
        "base": f"{desk.settings.url}/chat/{inbox.public_id}",
        "mailboxes": [
            ("0", gettext("They are not mailed")),
            *((str(each.id), f"{each.name} · {each.address}") for each in mailboxes),
        ],
        "calendars": [
            ("0", gettext("No hours are shown")),
            *((str(each.id), each.name) for each in calendars),
        ],
        "centres": [
            ("0", gettext("The one that has this inbox, else your first")),
            *((str(each.id), each.name) for each in await centres.every(session)),
        ],
        "puzzles": [
            ("off", gettext("Never")),
            ("busy", gettext("When many strangers come at once")),
            ("always", gettext("Always")),
        ],
        "fields": list(await fields.load(session, Subject.ticket)),
        "asking": [
            ("no", gettext("Not asked")),
            ("optional", gettext("Optional")),
            ("required", gettext("Required")),
        ],
    }


async def _checked(session: AsyncSession, given: ChatForm) -> dict[str, Any]:
    """Raises Invalid, in words, for what can't be."""
    if not COLOUR.fullmatch(given.accent):
        raise Invalid(gettext("A colour is written as # and six digits, such as #3f5bd8."))
    through = given.mail_through and await session.scalar(
        select(Inbox.id).where(Inbox.id == given.mail_through, Inbox.channel == "email", Inbox.active)
    )
    calendar = given.calendar and await session.scalar(
        select(Calendar.id).where(Calendar.id == given.calendar)
    )
    chosen = await session.get(HelpCentre, given.help_centre) if given.help_centre else None
    words = ("title", "greeting", "reply_time", "away_words", "launcher")
    kept = (
        "side",
        "anonymous",
        "puzzle",
        "ask_name",
        "ask_email",
        "files",
        "articles",
        "rating",
        "sound",
        "answerer_takes",
        "mail_after",
    )
    return {
        **{name: " ".join(getattr(given, name).split()) for name in words},
        **{name: getattr(given, name) for name in kept},
        "accent": given.accent.lower(),
        "origins": _sites(given.origins),
        "mail_through": through or 0,
        "calendar": calendar or 0,
        "help_centre": chosen.id if chosen else 0,
    }


def _sites(given: str) -> str:
    """Raises Invalid, naming what is no site."""
    named = given.split()
    if wrong := [each for each in named if not ORIGIN.fullmatch(each)]:
        raise own_pages.no_site(wrong[0])
    return " ".join(named)


async def _logo(request: Request[Any, Any, Any]) -> str:
    """As a data address; empty where none was chosen. What it is, its first bytes say, not its name."""
    chosen = await files(request, "logo")
    if not chosen:
        return ""
    content = chosen[0].content
    if len(content) > LARGEST_LOGO:
        raise Invalid(gettext("The logo is larger than 32 kB. Make it smaller: it is shown in 32 pixels."))
    kind = next((kind for start, kind in PICTURES.items() if content.startswith(start)), "")
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if not kind:
        raise Invalid(gettext("The logo must be a PNG, JPEG, GIF or WebP picture."))
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


async def _teams(session: AsyncSession) -> list[tuple[str, str]]:
    teams = await session.scalars(select(Team).order_by(Team.name))
    return [("0", gettext("No team")), *((str(team.id), team.name) for team in teams)]


ROUTES: list[Any] = [Chats]
