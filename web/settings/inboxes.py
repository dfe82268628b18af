"""Inboxes: where customers write to. Connected, tried step by step, switched off."""

import asyncio
import re
from typing import Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels import registry
from channels.contract import Channel, ChannelError, Diagnoses, ReachesOut, Step
from helpdesk.access import Action
from helpdesk.database import CHANNEL
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, Misconfigured, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.outbound import NotAllowed, Policy, Target
from helpdesk.people import Agent, Team
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.pages import Html
from web.settings import inbox_form
from web.settings.frame import DONE, ThisSettings, done

DONE |= {
    "connected": _("The inbox is connected. What lies there arrives within seconds."),
    "inbox-off": _("The inbox is switched off: nothing is fetched from it, and nothing leaves it."),
    "inbox-on": _("The inbox is switched on."),
}
HOME = "/settings/inboxes"
SEES = permits(Action.manage_inboxes)
CHANGES = permits(Action.manage_inboxes, confirmed=True)
ADDRESS = re.compile(r"[^\s@+<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")
"""Without a plus: what stands behind one are reply tokens."""
OWN = {"csrf", "name", "address", "team", "anyway"}
PATIENCE = 40.0  # seconds for all steps of a check


class CheckFailed(Invalid):
    status = 422
    message = _("This does not work yet.")


class Inboxes(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        rows = await session.scalars(
            select(Inbox).options(joinedload(Inbox.team)).order_by(~Inbox.active, Inbox.id)
        )
        return await settings("settings/inboxes/index.html", inboxes=list(rows), kinds=offered())

    @get("/new/{channel:str}", opt=CHANGES)
    async def new(self, channel: FromPath[str], session: Session, settings: ThisSettings) -> Html:
        kind = kind_of(channel)
        return await settings(
            "settings/inboxes/edit.html", inbox=None, kind=kind, **await form_of(session, kind, {})
        )

    @post("/new/{channel:str}", opt=CHANGES)
    async def create(
        self,
        channel: FromPath[str],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
    ) -> Response[Any]:
        await connect(request, session, desk, kind_of(channel), by=agent)
        return done(request, HOME, "connected")

    @get("/{inbox_id:int}", opt=CHANGES)
    async def show(
        self, inbox_id: FromPath[int], session: Session, desk: CurrentDesk, settings: ThisSettings
    ) -> Html:
        inbox = await _found(session, inbox_id)
        kind = kind_of(inbox.channel)
        stored = stored_in(desk, inbox)
        return await settings(
            "settings/inboxes/edit.html", inbox=inbox, kind=kind, **await form_of(session, kind, stored)
        )

    @post("/{inbox_id:int}", opt=CHANGES)
    async def save(
        self,
        inbox_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
    ) -> Response[Any]:
        inbox = await _found(session, inbox_id)
        await connect(request, session, desk, kind_of(inbox.channel), by=agent, inbox=inbox)
        return done(request, HOME)

    @post("/{inbox_id:int}/state", opt=CHANGES)
    async def switch(
        self, inbox_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        inbox = await _found(session, inbox_id)
        await switch(session, inbox, not inbox.active, by=agent)
        return done(request, HOME, "inbox-on" if inbox.active else "inbox-off")


class Checks(Controller):
    """Tries what stands in the form, before anything is stored."""

    path = f"{HOME}/checks"

    @post("/{channel:str}", opt=CHANGES, status_code=200)
    async def fresh(
        self,
        channel: FromPath[str],
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        page: ThisPage,
    ) -> Html:
        return await _checked(request, session, desk, page, kind_of(channel), {})

    @post("/stored/{inbox_id:int}", opt=CHANGES, status_code=200)
    async def stored(
        self,
        inbox_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        page: ThisPage,
    ) -> Html:
        inbox = await _found(session, inbox_id)
        return await _checked(
            request,
            session,
            desk,
            page,
            kind_of(inbox.channel),
            stored_in(desk, inbox),
            address=inbox.address,
        )


async def _checked(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    desk: Desk,
    page: ThisPage,
    kind: type[Channel],
    stored: dict[str, Any],
    *,
    address: str = "",
) -> Html:
    form = {key: str(value) for key, value in (await request.form()).items()}
    settings = _read(kind, form, stored)
    await session.commit()  # no connection is held while others are waited for
    steps = await tried(desk, kind, settings, form.get("address", "").strip().lower() or address)
    return page("settings/inboxes/_steps.html", steps=steps)


async def connect(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    desk: Desk,
    kind: type[Channel],
    *,
    by: Agent,
    inbox: Inbox | None = None,
) -> Inbox:
    form = {key: str(value) for key, value in (await request.form()).items()}
    return await arrange(session, desk, kind, form, by=by, inbox=inbox)


async def arrange(
    session: AsyncSession,
    desk: Desk,
    kind: type[Channel],
    form: dict[str, str],
    *,
    by: Agent,
    inbox: Inbox | None = None,
) -> Inbox:
    """From the form to the row. Raises CheckFailed, in words, unless it was told to save anyway."""
    if unknown := sorted(form.keys() - OWN - set(kind.Settings.__struct_fields__)):
        raise Invalid(gettext("There is no setting named %(name)s.") % {"name": unknown[0]})
    name, address = " ".join(form.get("name", "").split())[:80], form.get("address", "").strip().lower()
    if not name or not ADDRESS.fullmatch(address) or len(address) > 320:
        raise Invalid(gettext("An inbox needs a name, and an address without a plus sign."))
    stored = stored_in(desk, inbox) if inbox else {}
    settings = _read(kind, form, stored)
    team_id = await _team(session, form.get("team", ""))
    taken = select(Inbox.id).where(
        Inbox.address == address, Inbox.id.is_distinct_from(inbox.id if inbox else None)
    )
    if await session.scalar(taken):
        raise Conflict(gettext("There is an inbox with this address already."))
    if trouble := await _barred(desk, settings):
        raise CheckFailed(trouble)
    if form.get("anyway") != "true":
        steps = await tried(desk, kind, settings, address)
        if wrong := next((step for step in steps if step.trouble), None):
            raise CheckFailed(f"{wrong.what}: {wrong.trouble}")
    sealed = desk.keys.seal(msgspec.to_builtins(settings))
    if inbox is None:
        inbox = Inbox(name=name, channel=kind.name, address=address, team_id=team_id, sealed_settings=sealed)
        session.add(inbox)
        await session.flush()
        session.add(Event(Kind.inbox_connected, by=by, about=inbox, channel=kind.name))
    else:
        now_stored = msgspec.to_builtins(settings)
        fields = sorted(key for key in now_stored if stored.get(key) != now_stored[key])
        inbox.name, inbox.address, inbox.team_id, inbox.sealed_settings = name, address, team_id, sealed
        session.add(Event(Kind.inbox_edited, by=by, about=inbox, fields=fields, team=team_id))
    await _tell(session, inbox)
    return inbox


async def switch(session: AsyncSession, inbox: Inbox, active: bool, *, by: Agent) -> None:
    """On, or off: then nothing is fetched from it, and nothing leaves it."""
    inbox.active = active
    inbox.trouble, inbox.trouble_since = "", None
    session.add(Event(Kind.inbox_edited, by=by, about=inbox, fields=["active"], active=active))
    await _tell(session, inbox)


async def tried(desk: Desk, kind: type[Channel], settings: msgspec.Struct, address: str) -> list[Step]:
    """Step by step, as far as it goes."""
    if trouble := await _barred(desk, settings):
        return [Step(gettext("The server"), trouble=trouble)]
    steps: list[Step] = []
    channel = kind(settings, address=address or "nobody@example.invalid")
    if isinstance(channel, ReachesOut):
        channel.outbound = desk.outbound
    try:
        async with asyncio.timeout(PATIENCE):
            if isinstance(channel, Diagnoses):
                steps += [step async for step in channel.diagnose()]
            else:
                await channel.check()
                steps.append(Step(gettext("Connection"), found=gettext("It works")))
    except (ChannelError, TimeoutError) as error:
        words = str(error) or gettext("It took too long.")
        steps.append(Step(gettext("Connection"), trouble=words))
    return steps


async def _barred(desk: Desk, settings: msgspec.Struct) -> str:
    """Why the desk may not connect there, if so: private addresses are for whoever runs the desk to allow."""
    policy = Policy.of(desk.settings.allow_hosts)
    for host, port in inbox_form.endpoints(settings):
        try:
            await policy.addresses(Target("mail", host.lower(), port))
        except NotAllowed as error:
            return str(error)
        except (OSError, UnicodeError):
            continue  # the channel says so itself, in better words
    return ""


def offered() -> list[type[Channel]]:
    """Channels that an inbox can be made of; the one that goes nowhere is for the demo."""
    return [kind for name, kind in sorted(registry.all().items()) if name != "loopback"]


async def form_of(session: AsyncSession, kind: type[Channel], stored: dict[str, Any]) -> dict[str, Any]:
    teams = select(Team).order_by(Team.name)
    every = [] if _elsewhere(kind) else inbox_form.settings_of(kind.Settings, stored)
    first = [s for s in every if s.name in inbox_form.FIRST or s.required]
    return {
        "first": sorted(
            first, key=lambda s: inbox_form.FIRST.index(s.name) if s.name in inbox_form.FIRST else 9
        ),
        "rest": [s for s in every if s not in first],
        "presets": inbox_form.PRESETS if "imap_host" in kind.Settings.__struct_fields__ else [],
        "team_choices": [(str(team.id), team.name) for team in await session.scalars(teams)],
    }


def _read(kind: type[Channel], form: dict[str, str], stored: dict[str, Any]) -> msgspec.Struct:
    """What has a page of its own stays as it is stored."""
    if _elsewhere(kind):
        return msgspec.convert(stored, kind.Settings)
    return inbox_form.read(kind.Settings, form, stored)


def _elsewhere(kind: type[Channel]) -> bool:
    """Whether the channel's settings are made on a page of its own."""
    return bool(getattr(kind.Settings, "elsewhere", False))


def stored_in(desk: Desk, inbox: Inbox) -> dict[str, Any]:
    """Where the secret of the desk was lost, the settings are entered again."""
    try:
        found = desk.keys.unseal(inbox.sealed_settings)
    except Misconfigured:
        return {}
    return found if isinstance(found, dict) else {}


def kind_of(name: str) -> type[Channel]:
    if name not in registry.all():
        raise NotFound
    return registry.all()[name]


async def _team(session: AsyncSession, given: str) -> int | None:
    if not given:
        return None
    team = (
        await session.get(Team, int(given))
        if given.isascii() and given.isdigit() and len(given) < 19
        else None
    )
    if team is None:
        raise Invalid(gettext("This team is not there any more."))
    return team.id


async def _tell(session: AsyncSession, inbox: Inbox) -> None:
    """Workers look at once; without it they would within seconds."""
    await session.execute(select(func.pg_notify(CHANNEL, f"inbox-{inbox.id}")))


async def _found(session: AsyncSession, inbox_id: int) -> Inbox:
    if (inbox := await session.get(Inbox, inbox_id)) is None:
        raise NotFound
    return inbox
