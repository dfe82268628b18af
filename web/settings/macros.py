"""Macros: one's own, a team's, everybody's; what they say and what they do."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, macros
from helpdesk.access import Action, may
from helpdesk.changes import Verb
from helpdesk.fields import Subject
from helpdesk.i18n import gettext
from helpdesk.macros import Given, Macro, placeholders
from helpdesk.people import Agent
from helpdesk.sharing import Visibility
from web.actions import action, choices, options, typed
from web.auth import permits
from web.console.macro_words import does
from web.console.shell import Directory
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done

HOME = "/settings/macros"
WRITES = permits(Action.reply)
ORDER = (Verb.team, Verb.assign, Verb.type, Verb.priority, Verb.tag, Verb.untag, Verb.status)


class MacroForm(Fields):
    """Each action has one field; an empty one is left out."""

    name: Annotated[str, Meta(max_length=200)] = ""
    folder: Annotated[str, Meta(max_length=400)] = ""
    body: Annotated[str, Meta(max_length=100_000)] = ""
    assign: Annotated[str, Meta(pattern=r"^(|none|\d{1,18})$")] = ""
    team: Annotated[str, Meta(pattern=r"^(|none|\d{1,18})$")] = ""
    status: Annotated[str, Meta(pattern=r"^\d{0,18}$")] = ""
    priority: str = ""
    type: Annotated[str, Meta(pattern=r"^(|none|\d{1,18})$")] = ""
    tag: Annotated[str, Meta(max_length=2000)] = ""
    untag: Annotated[str, Meta(max_length=2000)] = ""
    snooze: bool = False
    away: Annotated[str, Meta(pattern=r"^(|spam|trash)$")] = ""
    visibility: Visibility = Visibility.me
    share_with: Annotated[str, Meta(pattern=r"^\d{0,18}$")] = ""
    archived: bool = False

    def actions(self) -> list[dict[str, Any]]:
        """In the order in which a person would do it: who, what, then where it stands."""
        typed: dict[Verb, str] = {verb: getattr(self, verb) for verb in ORDER}
        typed[Verb.snooze] = "true" if self.snooze else ""
        typed |= {verb: self.away if self.away == verb else "" for verb in (Verb.spam, Verb.trash)}
        found = [action(verb, text) for verb, text in typed.items() if text]
        return [each for each in found if each.get("tags") != []]


class Macros(Controller):
    path = HOME

    @get(opt=WRITES)
    async def index(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        found = await macros.seen_by(session, agent)
        return await settings(
            "settings/macros/index.html",
            folders=macros.of_folder(found),
            mine={macro.id for macro in found if macro.may_be_changed_by(agent)},
            directory=await Directory.load(session),
            does=does,
        )

    @get("/new", opt=WRITES)
    async def new(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, folder: FromQuery[str] = ""
    ) -> Html:
        empty = Macro(name="", folder=folder[:120], body="", actions=[], visibility=Visibility.me)
        return await _edit(session, agent, settings, empty)

    @post(opt=WRITES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await _kept(request, session, agent, None)
        return done(request, HOME, "added")

    @get("/{macro_id:int}", opt=WRITES)
    async def show(
        self,
        macro_id: FromPath[int],
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        copy: FromQuery[bool] = False,
    ) -> Html:
        return await _edit(session, agent, settings, await macros.one(session, agent, macro_id), copied=copy)

    @post("/{macro_id:int}", opt=WRITES)
    async def change(
        self,
        macro_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
    ) -> Response[Any]:
        await _kept(request, session, agent, await macros.one(session, agent, macro_id, to_change=True))
        return done(request, HOME)

    @post("/{macro_id:int}/removal", opt=WRITES)
    async def remove(
        self,
        macro_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
    ) -> Response[Any]:
        await macros.remove(session, await macros.one(session, agent, macro_id, to_change=True), by=agent)
        return done(request, HOME, "removed")


async def _edit(
    session: AsyncSession, agent: Agent, settings: Any, macro: Macro, *, copied: bool = False
) -> Html:
    named = await _named_fields(session)
    teams = (await Directory.load(session)).teams
    offered = await choices(session)
    return await settings(  # type: ignore[no-any-return]
        "settings/macros/edit.html",
        macro=macro,
        number=None if copied else macro.id,
        name=gettext("%(name)s, copied") % {"name": macro.name} if copied else macro.name,
        chosen=_chosen(macro),
        offered={verb.value: options(verb, offered) for verb in ORDER},
        placeholders=placeholders.offered(named),
        may_share=may(agent, Action.write_templates),
        may_change=copied or macro.id is None or macro.may_be_changed_by(agent),
        own_teams=[(number, teams[number].name) for number in agent.team_ids if number in teams],
        folders=sorted({each.folder for each in await macros.seen_by(session, agent) if each.folder}),
    )


def _chosen(macro: Macro) -> dict[str, str | bool]:
    """Field → what stands in it."""
    kept = {each["verb"]: typed(each) for each in macro.actions}
    away = next((verb.value for verb in (Verb.spam, Verb.trash) if verb in kept), "")
    return {**dict.fromkeys(ORDER, ""), **kept, "snooze": Verb.snooze in kept, "away": away}


async def _kept(
    request: Request[Any, Any, Any], session: AsyncSession, agent: Agent, macro: Macro | None
) -> Macro:
    form = await read(request, MacroForm)
    given = Given(
        form.name,
        form.body,
        form.folder,
        form.actions(),
        form.visibility,
        int(form.share_with) if form.share_with else None,
    )
    made = await macros.keep(session, macro, given, by=agent)
    made.archived = form.archived
    return made


async def _named_fields(session: AsyncSession) -> list[tuple[str, str]]:
    return [
        (f"{subject.value}.fields.{field.key}", field.name)
        for subject in Subject
        for field in await fields.load(session, subject)
    ]
