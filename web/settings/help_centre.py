"""Help centres: one a brand, with its look, what it shows, and where its questions go."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.api.settings import ApiSettings
from channels.chat import CHANNEL as CHAT
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from helpdesk.portal import Described, HelpCentre, centres, colours
from kb import translations
from kb.images import kind_of
from kb.shelves import Collection
from web import forms
from web.auth import permits
from web.chat.inbox import settings_of
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read, typed_list
from web.pages import Html
from web.portal import reading
from web.portal.machines import look
from web.portal.place import Place
from web.security import HEADERS
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/help-centres"
MANAGES = permits(Action.manage_desk)
COLLECTION, INBOX = "collection-", "inbox-"
NEW = "new-"
"""`new-3`: a form is made whose answers leave through inbox 3."""
Form = Request[Any, Any, Any]
Line = Annotated[str, Meta(max_length=600)]


class CentreForm(Fields):
    name: Line = ""
    slug: Line = ""
    host: Line = ""
    active: bool = False
    is_default: bool = False
    greeting: Line = ""
    words: Annotated[str, Meta(max_length=4000)] = ""
    colour: Line = colours.USUAL
    website: Line = ""
    languages: Line = "en"
    contact: Line = ""
    chat: Annotated[int, Meta(ge=0, lt=2**62)] = 0
    indexed: bool = False
    signs_in: bool = False


class Removal(Fields):
    confirmation: str = ""


class HelpCentres(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, desk: CurrentDesk, settings: ThisSettings) -> Html:
        rows = [(one, one.url(desk.settings.url)) for one in await centres.every(session)]
        return await settings("settings/help_centre/index.html", centres=rows)

    @get("/new", opt=MANAGES)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        """What can be known already is filled in, so that it is one press to the first help centre."""
        known = await translations.locales(session)
        fresh = HelpCentre(
            name="",
            slug="",
            host=None,
            active=True,
            is_default=False,
            greeting="",
            words="",
            colour=colours.USUAL,
            logo_mark="",
            website="",
            languages=known[:8] or ["en"],
            collection_ids=[],
            inbox_ids=[],
            contact_inbox_id=None,
            chat_inbox_id=await _only_chat(session),
            indexed=True,
            signs_in=True,
        )
        return await settings("settings/help_centre/form.html", **await _choices(session, fresh))

    @post(opt=MANAGES)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        centre = await _saved(request, session, desk, None, by=agent)
        return done(request, f"{HOME}/{centre.id}", "added")

    @get("/{centre_id:int}", opt=MANAGES)
    async def show(
        self, session: Session, desk: CurrentDesk, settings: ThisSettings, centre_id: FromPath[int]
    ) -> Html:
        centre = await _found(session, centre_id)
        choices = await _choices(session, centre) | {"address": centre.url(desk.settings.url)}
        return await settings("settings/help_centre/form.html", **choices)

    @post("/{centre_id:int}", opt=MANAGES)
    async def save(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        centre_id: FromPath[int],
    ) -> Response[Any]:
        await _saved(request, session, desk, await _found(session, centre_id), by=agent)
        return done(request, f"{HOME}/{centre_id}")

    @post("/{centre_id:int}/logo", opt=MANAGES, request_max_body_size=2 * centres.LARGEST_LOGO)
    async def logo(
        self, request: Form, session: Session, agent: CurrentAgent, centre_id: FromPath[int]
    ) -> Redirect:
        """No file: none from now on."""
        centre = await _found(session, centre_id)
        uploads = await forms.files(request, "logo")
        content = uploads[0].content if uploads else b""
        await centres.set_logo(session, centre, content, kind_of(content), by=agent)
        return Redirect(f"{HOME}/{centre_id}?done=saved", status_code=303)

    @post("/{centre_id:int}/removal", opt=MANAGES)
    async def remove(
        self, request: Form, session: Session, agent: CurrentAgent, centre_id: FromPath[int]
    ) -> Response[Any]:
        centre = await _found(session, centre_id)
        confirmed((await read(request, Removal)).confirmation, centre.name)
        await centres.remove(session, centre, by=agent)
        return done(request, HOME, "removed")

    @get("/preview", opt=MANAGES)
    async def preview(
        self,
        request: Form,
        session: Session,
        name: FromQuery[str] = "",
        greeting: FromQuery[str] = "",
        words: FromQuery[str] = "",
        colour: FromQuery[str] = colours.USUAL,
        website: FromQuery[str] = "",
        centre: FromQuery[str] = "",
    ) -> Response[Any]:
        """The first page as it would be, with what is typed and not saved; in a frame of ours, without scripts."""
        number = int(centre) if centre.isascii() and centre.isdigit() and len(centre) < 19 else 0
        saved = await session.get(HelpCentre, number) if number else None
        drawn = HelpCentre(
            name=" ".join(name.split())[:80] or gettext("Your name"),
            slug=saved.slug if saved else "preview",
            host=None,
            is_default=saved.is_default if saved else True,
            greeting=greeting[:120],
            words=words[:400],
            colour=colour if colours.HEX.fullmatch(colour) else colours.USUAL,
            logo_mark=saved.logo_mark if saved else "",
            website=website if centres.WEBSITE.fullmatch(website) else "",
            languages=saved.languages if saved else ["en"],
            collection_ids=saved.collection_ids if saved else [],
            inbox_ids=[],
            contact_inbox_id=1,
            indexed=False,
            signs_in=True,
        )
        place = Place(request, drawn, drawn.language, here=drawn.is_default)
        answer = place(
            "settings/help_centre/preview.html",
            shelves=await reading.collections(session, place),
            loose=[],
            popular=await reading.popular(session, place.reader, request.app.state.remembered),
        )
        policy = HEADERS["content-security-policy"].replace(
            "frame-ancestors 'none'", "frame-ancestors 'self'"
        )
        answer.headers["content-security-policy"] = policy
        return answer

    @get("/look.css", opt=MANAGES)
    async def sheet(self, colour: FromQuery[str] = colours.USUAL) -> Response[str]:
        return Response(look(f"#{colour}"), media_type="text/css")


async def _found(session: AsyncSession, number: int) -> HelpCentre:
    found = await session.get(HelpCentre, number) if number < 2**63 else None
    if found is None:
        raise NotFound
    return found


async def _choices(session: AsyncSession, centre: HelpCentre) -> dict[str, Any]:
    """What can be chosen, with what is."""
    collections = (
        await session.scalars(select(Collection).order_by(Collection.position, Collection.id))
    ).all()
    inboxes = (await session.scalars(select(Inbox).where(Inbox.active).order_by(Inbox.name, Inbox.id))).all()
    offered = [("", gettext("Nobody: there is no such page"))]
    offered += [(str(each.id), each.name) for each in inboxes if each.channel == "api"]
    offered += [
        (
            f"{NEW}{each.id}",
            gettext("A new form, answered from %(address)s") % {"address": each.address},
        )
        for each in inboxes
        if "@" in each.address and each.channel != "api"
    ]
    return {
        "centre": centre,
        "collections": [(each, each.id in centre.collection_ids) for each in collections],
        "inboxes": [(each, each.id in centre.inbox_ids) for each in inboxes],
        "contacts": offered,
        "chats": [
            ("0", gettext("No chat")),
            *((str(each.id), each.name) for each in inboxes if each.channel == CHAT.name),
        ],
        "address": "",
    }


async def _saved(
    request: Form, session: AsyncSession, desk: Desk, centre: HelpCentre | None, *, by: Agent
) -> HelpCentre:
    given = await read(request, CentreForm, besides=(COLLECTION, INBOX))
    if given.host and centres.host_named(given.host) == urlsplit(desk.settings.url).hostname:
        raise Invalid(gettext("This is the desk's own host. Leave the field empty: it is at /help there."))
    sent = await request.form()
    said = Described(
        name=given.name,
        slug=given.slug,
        host=given.host,
        active=given.active,
        is_default=given.is_default,
        greeting=given.greeting,
        words=given.words,
        colour=given.colour,
        website=given.website,
        languages=typed_list(given.languages),
        collection_ids=await _known(session, Collection, sent, COLLECTION),
        inbox_ids=await _known(session, Inbox, sent, INBOX),
        indexed=given.indexed,
        signs_in=given.signs_in,
    )
    contact = await _contact(session, desk, given.contact, said.name, by=by)
    chat = await _chat(session, desk, given.chat, centre)
    said = replace(said, contact_inbox_id=contact, chat_inbox_id=chat)
    if said.inbox_ids:  # or nobody would see what they sent
        said = replace(said, inbox_ids=[*{*said.inbox_ids, *filter(None, (contact, chat))}])
    return await centres.save(session, centre, said, by=by)


async def _known(
    session: AsyncSession, model: type[Collection] | type[Inbox], sent: Any, prefix: str
) -> Sequence[int]:
    ids = [name.removeprefix(prefix) for name in sent if name.startswith(prefix)]
    numbers = [int(each) for each in ids if each.isascii() and each.isdigit() and len(each) < 19]
    return (await session.scalars(select(model.id).where(model.id.in_(numbers)))).all()


async def _contact(session: AsyncSession, desk: Desk, chosen: str, name: str, *, by: Agent) -> int | None:
    """The inbox whose form "Contact us" is; made where a mailbox was chosen. Raises Invalid."""
    number = chosen.removeprefix(NEW)
    if not chosen:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Invalid(gettext("Choose one of the inboxes."))
    inbox = await session.get(Inbox, int(number))
    if inbox is None or not inbox.active or (inbox.channel == "api") == chosen.startswith(NEW):
        raise Invalid(gettext("This inbox is not there any more. Choose another one."))
    if not chosen.startswith(NEW):
        return inbox.id
    settings = ApiSettings(form_files=True)
    made = Inbox(
        name=" ".join(name.split())[:80] or gettext("Help centre"),
        channel="api",
        address=await _free(session, inbox.address),
        sealed_settings=desk.keys.seal(msgspec.to_builtins(settings)),
        team_id=inbox.team_id,
        answers_through_id=inbox.id,
    )
    session.add(made)
    await session.flush()
    session.add(Event(Kind.inbox_connected, by=by, about=made, channel="api"))
    return made.id


async def _chat(session: AsyncSession, desk: Desk, chosen: int, centre: HelpCentre | None) -> int | None:
    """Raises Invalid. A chat that shows another brand's articles is not for these pages."""
    if not chosen:
        return None
    inbox = await session.get(Inbox, chosen)
    if inbox is None or not inbox.active or inbox.channel != CHAT.name:
        raise Invalid(gettext("This chat is not there any more. Choose another one."))
    shows = settings_of(desk, inbox).help_centre
    if shows and shows != (centre.id if centre else 0):
        raise Invalid(
            gettext("This chat shows the articles of another help centre. Change that in its settings first.")
        )
    return inbox.id


async def _only_chat(session: AsyncSession) -> int | None:
    """Where there is one chat and no brand has it yet, it is on."""
    taken = select(HelpCentre.chat_inbox_id).where(HelpCentre.chat_inbox_id.is_not(None))
    found = (await session.scalars(select(Inbox.id).where(Inbox.active, Inbox.channel == CHAT.name))).all()
    free = set(found) - set((await session.scalars(taken)).all())
    return free.pop() if len(found) == len(free) == 1 else None


async def _free(session: AsyncSession, address: str) -> str:
    """A name for an inbox that nobody writes to by mail."""
    domain = address.rpartition("@")[2]
    for number in range(1, 1000):
        tried = f"help-centre{'' if number == 1 else f'-{number}'}@{domain}"
        if not await session.scalar(select(Inbox.id).where(Inbox.address == tried)):
            return tried
    raise Invalid(gettext("There are too many forms already."))
