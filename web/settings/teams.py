"""Teams: who works together, on what, and which words of customers lead there."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import granting
from helpdesk.access import Action
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Membership, Team
from helpdesk.tickets import Ticket
from web.auth import permits
from web.colours import NAMES
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/teams"
PHRASES, PHRASE = 100, 300
MANAGES = permits(Action.manage_agents)


class TeamInUse(Conflict):
    message = _("Tickets or inboxes still belong to this team. Move them to another one first.")


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
            members=await _members(session, team),
            agents=await _agents(session),
        )

    @post("/{team_id:int}", opt=MANAGES)
    async def save(
        self, team_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        team = await _found(session, team_id)
        was = await _members(session, team)
        await _fill(session, team, request)
        await _gather(session, team, request, by=agent)
        members = await _members(session, team)
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
        open_ones = select(Ticket.id).where(Ticket.team_id == team.id).limit(1)
        if await session.scalar(open_ones) or await session.scalar(
            select(Inbox.id).where(Inbox.team_id == team.id).limit(1)
        ):
            raise TeamInUse
        session.add(Event(Kind.team_removed, by=agent, about=team))
        await session.flush()
        await session.execute(delete(Team).where(Team.id == team.id))
        return done(request, HOME, "removed")


async def _fill(session: AsyncSession, team: Team, request: Request[Any, Any, Any]) -> None:
    given = await read(request, TeamForm, besides=("member-",))
    if not (name := " ".join(given.name.split())):
        raise Invalid(gettext("A team needs a name."))
    if given.colour not in NAMES:
        raise Invalid(gettext("Choose a colour from the list."))
    with session.no_autoflush:
        taken = select(Team.id).where(
            func.lower(Team.name) == name.lower(), Team.id.is_distinct_from(team.id)
        )
        if await session.scalar(taken):
            raise Conflict(gettext("There is a team with this name already."))
    phrases = [" ".join(line.split())[:PHRASE] for line in given.examples.splitlines() if line.strip()]
    team.name, team.colour, team.description = name, given.colour, given.description.strip()
    team.examples = phrases[:PHRASES]


async def _gather(session: AsyncSession, team: Team, request: Request[Any, Any, Any], *, by: Agent) -> None:
    """Who is ticked is a member; a role that a membership carries stays."""
    form = await request.form()
    wanted = {
        int(key[7:]) for key in form if key.startswith("member-") and key[7:].isdigit() and len(key) < 25
    }
    known = set(await session.scalars(select(Agent.id).where(Agent.id.in_(wanted))))
    present = await _members(session, team)
    if by.id in known - present:
        granting.require_other(by, by.id)
    await session.execute(
        delete(Membership).where(Membership.team_id == team.id, Membership.agent_id.in_(present - known))
    )
    session.add_all(Membership(team_id=team.id, agent_id=agent_id) for agent_id in sorted(known - present))
    await session.flush()


async def _members(session: AsyncSession, team: Team) -> set[int]:
    return set(await session.scalars(select(Membership.agent_id).where(Membership.team_id == team.id)))


async def _agents(session: AsyncSession) -> list[Agent]:
    return list(await session.scalars(select(Agent).where(Agent.active).order_by(Agent.name)))


async def _found(session: AsyncSession, team_id: int) -> Team:
    if (team := await session.get(Team, team_id, with_for_update=True)) is None:
        raise NotFound
    return team
