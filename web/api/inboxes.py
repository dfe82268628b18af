"""Inboxes: where customers write to. Connected, tried, changed, switched off; never their passwords."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, patch, post
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels import registry
from channels.contract import Channel
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.inboxes import Inbox
from web.api import choices
from web.api.answers import Answer, Listed
from web.api.choices import Named
from web.api.given import Given, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import At, Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.settings import inbox_form
from web.settings.inboxes import arrange, kind_of, stored_in, switch, tried

MANAGES = permits(Action.manage_inboxes)
InboxName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Support"])]
InboxAddress = Annotated[str, Meta(min_length=3, max_length=320, examples=["support@desk.example"])]
Value = Annotated[str, Meta(max_length=20_000)] | int | bool
Settings = Annotated[dict[str, Value], Meta(max_length=50, examples=[{"imap_host": "imap.desk.example"}])]


class InboxView(Shape):
    id: int
    name: Annotated[str, Meta(examples=["Support"])]
    channel: Annotated[str, Meta(examples=["email"])]
    address: Annotated[str, Meta(examples=["support@desk.example"])]
    team: Ref | None
    active: bool
    created_at: At
    trouble: Annotated[str, Meta(examples=[""])]
    """Why it does not work at the moment, in words; empty when it does."""

    @classmethod
    def of(cls, inbox: Inbox) -> "InboxView":
        return cls(
            id=inbox.id,
            name=inbox.name,
            channel=inbox.channel,
            address=inbox.address,
            team=Ref.of(inbox.team),
            active=inbox.active,
            created_at=inbox.created_at,
            trouble=inbox.trouble,
        )


class InboxSettings(Shape):
    id: int
    settings: Annotated[dict[str, Any], Meta(examples=[{"imap_host": "imap.desk.example"}])]
    """Without passwords, tokens and keys."""
    secrets: Annotated[list[str], Meta(examples=[["imap_password"]])]
    """Names of those that are stored; they stay until others are sent."""


class StepView(Shape):
    what: str
    found: str
    trouble: str
    """Why it does not work, in words; empty where it does."""


class NewInbox(Sent):
    name: InboxName
    address: InboxAddress
    channel: Annotated[str, Meta(max_length=60, examples=["email"])]
    settings: Settings = field(default_factory=dict)
    team: Named | None = None
    anyway: bool = False
    """Keep it although it does not work yet."""


class InboxPatch(Patch):
    name: InboxName | UnsetType = UNSET
    address: InboxAddress | UnsetType = UNSET
    settings: Settings | UnsetType = UNSET
    """What is left out stays; a password has to be sent again for another server."""
    team: Named | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    anyway: bool | UnsetType = UNSET


class Inboxes(Controller):
    path = "/inboxes"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List inboxes")
    async def list(self, session: Session) -> Listed[InboxView]:
        """Without their settings: those hold passwords, and no answer ever does."""
        query = select(Inbox).options(joinedload(Inbox.team)).order_by(Inbox.name, Inbox.id)
        return Listed(items=[InboxView.of(row) for row in await session.scalars(query)])

    @post(opt=MANAGES, summary="Connect an inbox")
    async def create(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, given: Given[NewInbox]
    ) -> Answer[InboxView]:
        """It is tried first, which may take 40 seconds; 422 says what does not work."""
        if given.channel not in registry.all() or given.channel == "loopback":
            raise choices.unknown("channel", given.channel)
        kind = kind_of(given.channel)
        team = await choices.team(session, given.team)
        form = _form(kind, given.settings, {}) | {
            "name": given.name,
            "address": given.address,
            "team": str(team.id) if team else "",
            "anyway": _text(given.anyway),
        }
        made = await arrange(session, desk, kind, form, by=agent)
        shown = InboxView.of(await _one(session, made.id))
        return Answer(shown, status_code=201, headers={"location": f"{PREFIX}/inboxes/{made.id}"})

    @get("/{inbox_id:int}", opt=MANAGES, summary="Show an inbox's settings")
    async def show(self, session: Session, desk: CurrentDesk, inbox_id: PathId) -> InboxSettings:
        """Never passwords, tokens or keys: which of them are stored."""
        inbox = await _one(session, inbox_id)
        known = inbox_form.settings_of(kind_of(inbox.channel).Settings, stored_in(desk, inbox))
        return InboxSettings(
            id=inbox.id,
            settings={one.name: one.value for one in known if one.kind != "secret"},
            secrets=[one.name for one in known if one.kind == "secret" and one.kept],
        )

    @patch("/{inbox_id:int}", opt=MANAGES, summary="Change an inbox")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        inbox_id: PathId,
        given: Given[InboxPatch],
    ) -> InboxView:
        """`active` switches it off and on; anything else is tried before it is kept."""
        inbox = await _one(session, inbox_id, lock=True)
        values = given.given()
        active = values.pop("active", inbox.active)
        if values.keys() - {"anyway"}:
            await _change(session, desk, inbox, values, agent)
        if active != inbox.active:
            await switch(session, inbox, active, by=agent)
        return InboxView.of(await _one(session, inbox_id))

    @post("/{inbox_id:int}/check", opt=MANAGES, summary="Try an inbox out", status_code=200)
    async def check(self, session: Session, desk: CurrentDesk, inbox_id: PathId) -> Listed[StepView]:
        """Step by step, as far as it goes, with what is stored."""
        inbox = await _one(session, inbox_id)
        kind = kind_of(inbox.channel)
        stored = stored_in(desk, inbox)
        settings = inbox_form.read(kind.Settings, _form(kind, {}, stored), stored)
        address = inbox.address
        await session.commit()  # no connection is held while others are waited for
        steps = await tried(desk, kind, settings, address)
        return Listed(
            items=[
                StepView(what=str(one.what), found=str(one.found), trouble=str(one.trouble)) for one in steps
            ]
        )


async def _change(
    session: AsyncSession, desk: Desk, inbox: Inbox, values: dict[str, Any], agent: CurrentAgent
) -> None:
    kind = kind_of(inbox.channel)
    team_id = inbox.team_id
    if "team" in values:
        team = await choices.team(session, values["team"])
        team_id = team.id if team else None
    form = _form(kind, values.get("settings", {}), stored_in(desk, inbox)) | {
        "name": values.get("name", inbox.name),
        "address": values.get("address", inbox.address),
        "team": str(team_id or ""),
        "anyway": _text(values.get("anyway", False)),
    }
    await arrange(session, desk, kind, form, by=agent, inbox=inbox)


def _form(kind: type[Channel], given: dict[str, Any], stored: dict[str, Any]) -> dict[str, str]:
    """As a form would bring it, where a switch that is off is not there at all."""
    switches = {
        one.name: _text(one.value)
        for one in inbox_form.settings_of(kind.Settings, stored)
        if one.kind == "switch"
    }
    own = {"name", "address", "team", "anyway"} - {one.name for one in msgspec.structs.fields(kind.Settings)}
    if wrong := sorted(own & given.keys()):
        raise choices.unknown(f"settings.{wrong[0]}", wrong[0])
    return switches | {name: _text(value) for name, value in given.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _one(session: AsyncSession, inbox_id: int, *, lock: bool = False) -> Inbox:
    query = select(Inbox).where(Inbox.id == inbox_id).options(joinedload(Inbox.team))
    if lock:
        query = query.with_for_update(of=Inbox)
    if (found := await session.scalar(query.execution_options(populate_existing=True))) is None:
        raise NotFound
    return found
