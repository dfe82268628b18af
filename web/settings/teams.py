"""Teams: who works together, on what, and which words of customers lead there."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import teams
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.people import Agent, Membership, Team
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/teams"
MANAGES = permits(Action.manage_agents)


class TeamForm(Fields):
    name: Annotated[str, Meta(max_length=80)]
    colour: str = "blue"
    description: Annotated[str, Meta(max_length=500)] = ""
    examples: Annotated[str, Meta(max_length=40_000)] = ""


class RemovalForm(Fields):
    confirmation: str


class Teams(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        members = (
            select(func.count())
            .select_from(Membership)
            .where(Membership.team_id == Team.id)
            .correlate(Team)
            .scalar_subquery()
        )
        rows = await session.execute(select(Team, members.label("members")).order_by(Team.name))
        return await settings("settings/teams/index.html", rows=rows.all())

    @get("/new", opt=MANAGES)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        return await settings(
            "settings/teams/edit.html", team=None, members=set(), agents=await _agents(session)
        )

    @post(opt=MANAGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        team = Team()
        await _fill(session, team, request)
        session.add(team)
        await session.flush()
        await _gather(session, team, request, by=agent)
        session.add(Event(Kind.team_created, by=agent, about=team))
        return done(request, HOME, "added")

    @get("/{team_id:int}", opt=MANAGES)
    async def show(self, team_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        team = await _found(session, team_id)
        return await settings(
            "settings/teams/edit.html",
            team=team,
            members=await teams.members(session, team),
            agents=await _agents(session),
        )

    @post("/{team_id:int}", opt=MANAGES)
    async def save(
        self, team_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        team = await _found(session, team_id)
        was = await teams.members(session, team)
        await _fill(session, team, request)
        await _gather(session, team, request, by=agent)
        members = await teams.members(session, team)
        session.add(
            Event(
                Kind.team_edited,
                by=agent,
                about=team,
                joined=sorted(members - was),
                left=sorted(was - members),
            )
        )
        return done(request, HOME)

    @post("/{team_id:int}/removal", opt=MANAGES)
    async def remove(
        self, team_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        team = await _found(session, team_id)
        confirmed((await read(request, RemovalForm)).confirmation, team.name)
        await teams.remove(session, team, by=agent)
        return done(request, HOME, "removed")


async def _fill(session: AsyncSession, team: Team, request: Request[Any, Any, Any]) -> None:
    given = await read(request, TeamForm, besides=("member-",))
    await teams.fill(
        session,
        team,
        name=given.name,
        colour=given.colour,
        description=given.description,
        examples=given.examples.splitlines(),
    )


async def _gather(session: AsyncSession, team: Team, request: Request[Any, Any, Any], *, by: Agent) -> None:
    """Who is ticked is a member."""
    form = await request.form()
    wanted = {
        int(key[7:])
        for key in form
        if key.startswith("member-") and key[7:].isascii() and key[7:].isdigit() and len(key) < 25
    }
    await teams.gather(session, team, wanted, by=by)


async def _agents(session: AsyncSession) -> list[Agent]:
    return list(await session.scalars(select(Agent).where(Agent.active).order_by(Agent.name)))


async def _found(session: AsyncSession, team_id: int) -> Team:
    if (team := await session.get(Team, team_id, with_for_update=True)) is None:
        raise NotFound
    return team
