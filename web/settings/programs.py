"""Programs and forms: the key that programs write with, where answers go, and the form for the company's site."""

from typing import Annotated, Any, Literal, cast

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.api import CHANNEL
from channels.api.settings import ApiSettings
from helpdesk import fields, signing
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.fields import Subject
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.public_forms import origins
from web.settings import own_pages
from web.settings.frame import ThisSettings, done

HOME = "/settings/programs"
SEES = permits(Action.manage_inboxes)
CHANGES = permits(Action.manage_inboxes, confirmed=True)

Words = Annotated[str, Meta(max_length=2_000)]


class ProgramForm(Fields):
    callback_url: Words = ""
    vouches: bool = False
    answers_through: int = 0
    form_open: bool = False
    form_title: Annotated[str, Meta(max_length=120)] = ""
    form_words: Words = ""
    form_consent: Words = ""
    form_origins: Words = ""
    form_files: bool = False


class Programs(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(self, session: Session, desk: CurrentDesk, settings: ThisSettings) -> Html:
        found = await own_pages.every(session, CHANNEL.name)
        inboxes = [(inbox, _settings(desk, inbox)) for inbox in found]
        return await settings("settings/programs/index.html", inboxes=inboxes)

    @get("/{inbox_id:int}", opt=SEES)
    async def show(
        self, session: Session, desk: CurrentDesk, settings: ThisSettings, inbox_id: FromPath[int]
    ) -> Html:
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id)
        others = await session.scalars(
            select(Inbox).where(Inbox.channel != CHANNEL.name, Inbox.active).order_by(Inbox.name)
        )
        through = [
            ("0", gettext("The program itself")),
            *((str(o.id), f"{o.name} · {o.address}") for o in others),
        ]
        return await settings(
            "settings/programs/show.html",
            inbox=inbox,
            stored=_settings(desk, inbox),
            through=through,
            fields=list(await fields.load(session, Subject.ticket)),
            hook=f"{desk.settings.url}/hooks/{inbox.public_id}",
            form_url=f"{desk.settings.url}/forms/{inbox.public_id}",
        )

    @post("/{inbox_id:int}", opt=SEES)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        inbox_id: FromPath[int],
    ) -> Response[Any]:
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id, lock=True)
        given = await read(request, ProgramForm, besides=(own_pages.ASKS,))
        stored = _settings(desk, inbox)
        asked = await own_pages.asked(request, session)
        fresh = msgspec.structs.replace(stored, **_checked(desk, given, stored), form_fields=asked)
        inbox.answers_through_id = await _through(session, given.answers_through)
        own_pages.edit(session, desk, inbox, stored, fresh, by=agent)
        return done(request, f"{HOME}/{inbox_id}")

    @post("/{inbox_id:int}/secrets/{which:str}", opt=CHANGES, status_code=200)
    async def renew(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        settings: ThisSettings,
        inbox_id: FromPath[int],
        which: FromPath[Literal["key", "callback"]],
    ) -> Html:
        """A new secret, shown this once. The key before stays good for a day; callbacks change at once."""
        inbox = await own_pages.one(session, CHANNEL.name, inbox_id, lock=True)
        stored, secret = _settings(desk, inbox), signing.new_secret()
        fresh = (
            msgspec.structs.replace(
                stored,
                key=secret,
                key_before=stored.key,
                key_before_until=(now() + own_pages.ROTATION).isoformat(),
            )
            if which == "key"
            else msgspec.structs.replace(stored, callback_secret=secret)
        )
        own_pages.renew(session, desk, inbox, fresh, which=which, by=agent)
        context: dict[str, Any] = {
            "inbox": inbox,
            "secret": secret,
            "which": which,
            "hook": f"{desk.settings.url}/hooks/{inbox.public_id}",
        }
        if page.is_partial:
            return page("settings/programs/_secret.html", **context)
        return await settings("settings/programs/secret.html", **context)


def _checked(desk: Desk, given: ProgramForm, stored: ApiSettings) -> dict[str, Any]:
    """Raises Invalid, in words, for what can't be."""
    callback = given.callback_url.strip()
    if callback:
        desk.outbound.policy.check(callback)
    named = given.form_origins.split()
    if wrong := [each for each in named if each not in origins(given.form_origins)]:
        raise own_pages.no_site(wrong[0])
    return {
        "callback_url": callback,
        "callback_secret": stored.callback_secret or signing.new_secret(),
        "vouches": given.vouches,
        "form_open": given.form_open,
        "form_title": given.form_title.strip(),
        "form_words": given.form_words.strip(),
        "form_consent": given.form_consent.strip(),
        "form_origins": " ".join(named),
        "form_files": given.form_files,
    }


def _settings(desk: Desk, inbox: Inbox) -> ApiSettings:
    return msgspec.convert(cast("dict[str, Any]", desk.keys.unseal(inbox.sealed_settings)), ApiSettings)


async def _through(session: AsyncSession, inbox_id: int) -> int | None:
    """Another inbox, that has a way out of its own."""
    if not inbox_id:
        return None
    found = await session.scalar(
        select(Inbox.id).where(Inbox.id == inbox_id, Inbox.channel != CHANNEL.name, Inbox.active)
    )
    if found is None:
        raise Invalid(gettext("Answers can leave through an active inbox of another kind only."))
    return found


ROUTES: list[Any] = [Programs]
