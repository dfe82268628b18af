"""Data: how long it is kept, a copy of all of it, and the copies that are made every day."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, PathParameter
from litestar.response import File
from msgspec import Meta
from sqlalchemy import select

from helpdesk import retention
from helpdesk.access import Action
from helpdesk.backups import daily
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.export import ordered
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.retention import ACTS, Act
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

DONE["rule"] = _("The rule is saved and switched off. Look at what it would do, then switch it on.")
DONE["rule-on"] = _("The rule is on. A worker erases what is due within a minute.")
DONE["rule-off"] = _("The rule is off. Nothing more is erased.")
DONE["export"] = _("The export is being written. It appears here when it is complete.")

SEES = permits(Action.manage_data)
CHANGES = permits(Action.manage_data, confirmed=True)
Number = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]


class RuleForm(Fields):
    days: Annotated[int, Meta(ge=1, le=36_500)]
    act: Act
    active: bool = False


class ExportForm(Fields):
    with_secrets: bool = False


class Press(Fields):
    """A button without fields of its own."""


class Data(Controller):
    path = "/settings/data"

    @get(opt=SEES)
    async def show(self, session: Session, settings: ThisSettings) -> Html:
        rules = await retention.rules(session)
        inboxes = (await session.scalars(select(Inbox).order_by(Inbox.address))).all()
        rows = [(inbox, rules.get(inbox.id)) for inbox in inboxes]
        seen = {rule.id: await retention.preview(session, rule) for rule in rules.values()}
        return await settings("settings/data/retention.html", rows=rows, seen=seen, acts=ACTS)

    @get("/rules/{number:int}", opt=SEES)
    async def rule(self, session: Session, settings: ThisSettings, number: Number) -> Html:
        inbox = await _inbox(session, number)
        rule = (await retention.rules(session)).get(inbox.id)
        preview = await retention.preview(session, rule) if rule else None
        return await settings("settings/data/rule.html", inbox=inbox, rule=rule, preview=preview, acts=ACTS)

    @post("/rules/{number:int}", opt=CHANGES)
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Response[Any]:
        given = await read(request, RuleForm)
        rule = await retention.set_rule(
            session,
            await _inbox(session, number),
            days=given.days,
            act=given.act,
            active=given.active,
            by=agent,
        )
        said = "rule-on" if rule.active else "rule-off" if rule.done else "rule"
        return done(request, f"{self.path}/rules/{number}", said)

    @post("/rules/{number:int}/removal", opt=CHANGES)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Response[Any]:
        await read(request, Press)
        if rule := (await retention.rules(session)).get(number):
            await retention.remove_rule(session, rule, by=agent)
        return done(request, self.path, "removed")


class Exports(Controller):
    path = "/settings/data/exports"

    @get(opt=SEES)
    async def show(self, settings: ThisSettings, desk: CurrentDesk) -> Html:
        return await settings("settings/data/exports.html", exports=ordered.listed(desk.settings))

    @post(opt=CHANGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        given = await read(request, ExportForm)
        name = ordered.order(desk.settings, with_secrets=given.with_secrets)
        session.add(Event(Kind.export_wanted, by=agent, name=name, secrets=given.with_secrets))
        return done(request, self.path, "export")

    @get("/{name:str}", opt=CHANGES)
    async def take(self, desk: CurrentDesk, name: FromPath[str]) -> File:
        return File(
            ordered.path_of(desk.settings, name),
            filename=name,
            media_type="application/x-tar",
            headers={"cache-control": "no-store"},
        )


class Backups(Controller):
    path = "/settings/data/backups"

    @get(opt=SEES)
    async def show(self, settings: ThisSettings, desk: CurrentDesk) -> Html:
        found = [(path, daily.made_at(path), path.stat().st_size) for path in daily.kept(desk.settings)]
        due = daily.next_due(desk.settings, since=now())
        return await settings("settings/data/backups.html", backups=found, due=due, set_to=desk.settings)


async def _inbox(session: Session, number: int) -> Inbox:
    found = await session.get(Inbox, number)
    if found is None:
        raise NotFound
    return found
