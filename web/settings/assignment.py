"""Who gets which tickets: how teams share out, and what each colleague can take."""

from typing import Annotated, Any, TypeVar

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels import registry
from helpdesk import routing
from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import Text, _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Team
from helpdesk.routing import AgentRouting, Method
from helpdesk.routing.rows import MOST_OPEN
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read, typed_list
from web.pages import Html
from web.settings.frame import ThisSettings, done

HOME = "/settings/assignment"
Found = TypeVar("Found", Team, Agent)
MANAGES = permits(Action.manage_agents)
Limit = Annotated[str, Meta(pattern=r"^[0-9]{0,6}$")]
METHODS: dict[Method, tuple[Text, Text]] = {
    Method.by_hand: (_("By hand"), _("Everybody takes what they choose.")),
    Method.in_turn: (_("In turn"), _("Round robin: whoever got one longest ago gets the next.")),
    Method.fewest_open: (
        _("Fewest open tickets"),
        _("Balanced load: whoever has the fewest, measured by what each can take, gets the next."),
    ),
    Method.longest_free: (
        _("Free for longest"),
        _("Whoever has nothing open gets the next; else whoever got their last one longest ago."),
    ),
}


class TeamForm(Fields):
    method: Method
    cap: Annotated[int, Meta(ge=0, le=MOST_OPEN)] = 10
    match_skills: bool = False
    relax_minutes: Annotated[int, Meta(ge=0)] = 30
    give_back_minutes: Limit = ""


class AgentForm(Fields):
    skills: Annotated[str, Meta(max_length=4000)] = ""
    languages: Annotated[str, Meta(max_length=1000)] = ""
    cap: Limit = ""


class Assignment(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        teams = (await session.scalars(select(Team).order_by(Team.name))).all()
        return await settings(
            "settings/assignment/index.html",
            teams=await routing.of_teams(session, teams),
            loads=await routing.loads(session),
            methods=METHODS,
        )

    @get("/teams/{team_id:int}", opt=MANAGES)
    async def team(self, team_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        team = await _one(session, Team, team_id)
        return await settings(
            "settings/assignment/team.html",
            team=team,
            routing=await routing.of_team(session, team),
            methods=METHODS,
        )

    @post("/teams/{team_id:int}", opt=MANAGES)
    async def arrange_team(
        self, team_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, TeamForm)
        await routing.arrange_team(
            session,
            await _one(session, Team, team_id),
            by=agent,
            method=form.method,
            cap=form.cap,
            match_skills=form.match_skills,
            relax_minutes=form.relax_minutes,
            give_back_minutes=_limit(form.give_back_minutes),
        )
        return done(request, HOME)

    @get("/agents/{agent_id:int}", opt=MANAGES)
    async def agent(self, agent_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        colleague = await _one(session, Agent, agent_id)
        routed = await routing.of_agent(session, colleague)
        return await settings(
            "settings/assignment/agent.html",
            colleague=colleague,
            routing=routed,
            channels=await _in_use(session, routed),
        )

    @post("/agents/{agent_id:int}", opt=MANAGES)
    async def arrange_agent(
        self, agent_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, AgentForm, besides=("channel-",))
        sent = await request.form()
        limits = {name: _limit(str(sent.get(f"channel-{name}", ""))) for name, _label in _channels()}
        await routing.arrange_agent(
            session,
            await _one(session, Agent, agent_id),
            by=agent,
            skills=typed_list(form.skills),
            languages=typed_list(form.languages),
            cap=_limit(form.cap),
            channel_caps={name: limit for name, limit in limits.items() if limit is not None},
        )
        return done(request, HOME)


async def _in_use(session: AsyncSession, own: AgentRouting) -> list[tuple[str, str]]:
    """The channels by which anything arrives, and those that have a limit already."""
    shown = {*await session.scalars(select(Inbox.channel).where(Inbox.active).distinct()), *own.channel_caps}
    return [(name, label) for name, label in _channels() if name in shown]


def _channels() -> list[tuple[str, str]]:
    return [(name, str(kind.label)) for name, kind in registry.all().items()]


def _limit(text: str) -> int | None:
    """None: without one."""
    if not text.strip():
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        raise NoNumber(text)
    return int(text)


class NoNumber(Invalid):
    def __init__(self, text: str) -> None:
        words = gettext("“%(text)s” is no number. Write one such as 10, or leave it empty.")
        super().__init__(words % {"text": text[:20]})


async def _one(session: AsyncSession, kind: type[Found], number: int) -> Found:
    if (found := await session.get(kind, number)) is None:
        raise NotFound
    return found
