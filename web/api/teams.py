"""Teams and roles of the desk's own: made, changed, removed."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import roles, teams
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.people import CustomRole, Membership, Reach, Team
from web import sessions
from web.api.answers import Answer, Listed
from web.api.given import Given, Id, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import Shape
from web.api.words import Colour
from web.auth import permits
from web.dependencies import CurrentAgent, Session

ARRANGES, ROLES = permits(Action.manage_agents), permits(Action.manage_roles)
TeamName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Returns"])]
RoleName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Night shift"])]
About = Annotated[str, Meta(max_length=500, examples=["What comes back."])]
Phrases = Annotated[
    list[Annotated[str, Meta(max_length=teams.PHRASE)]],
    Meta(max_length=teams.PHRASES, examples=[["I want to send it back"]]),
]
Members = Annotated[list[Id], Meta(max_length=5_000, examples=[[]])]
Permission = Annotated[str, Meta(max_length=60, extra_json_schema={"enum": list(roles.GIVEN)})]
Permissions = Annotated[list[Permission], Meta(max_length=200, examples=[["ticket:read"]])]


class TeamView(Shape):
    id: int
    name: TeamName
    colour: str
    description: str
    examples: list[str]
    """Phrases of customers whose tickets belong here; triage learns from them on the first day."""
    members: list[int]
    """Ids of agents."""


class NewTeam(Sent):
    name: TeamName
    colour: Colour = "blue"
    description: About = ""
    examples: Phrases = field(default_factory=list)
    members: Members = field(default_factory=list)


class TeamPatch(Patch):
    name: TeamName | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET
    description: About | UnsetType = UNSET
    examples: Phrases | UnsetType = UNSET
    members: Members | UnsetType = UNSET
    """All of them; a role that a membership carries stays."""


class RoleView(Shape):
    id: int
    name: RoleName
    permissions: list[str]
    reach: Reach

    @classmethod
    def of(cls, role: CustomRole) -> "RoleView":
        return cls(id=role.id, name=role.name, permissions=role.permissions, reach=role.reach)


class NewRole(Sent):
    name: RoleName
    permissions: Permissions
    reach: Reach = Reach.teams


class RolePatch(Patch):
    name: RoleName | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET
    reach: Reach | UnsetType = UNSET


class Teams(Controller):
    path = "/teams"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List teams")
    async def list(self, session: Session) -> Listed[TeamView]:
        rows = (await session.scalars(select(Team).order_by(Team.name))).all()
        members: dict[int, set[int]] = {}
        for team_id, agent_id in await session.execute(select(Membership.team_id, Membership.agent_id)):
            members.setdefault(team_id, set()).add(agent_id)
        return Listed(items=[_shown(team, members.get(team.id, set())) for team in rows])

    @post(opt=ARRANGES, summary="Make a team")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewTeam]) -> Answer[TeamView]:
        team = Team()
        await teams.fill(
            session,
            team,
            name=given.name,
            colour=given.colour,
            description=given.description,
            examples=given.examples,
        )
        session.add(team)
        await session.flush()
        await teams.gather(session, team, given.members, by=agent)
        session.add(Event(Kind.team_created, by=agent, about=team))
        shown = _shown(team, await teams.members(session, team))
        return Answer(shown, status_code=201, headers={"location": f"{PREFIX}/teams/{team.id}"})

    @get("/{team_id:int}", opt=permits(Action.read), summary="Show a team")
    async def show(self, session: Session, team_id: PathId) -> TeamView:
        if (team := await session.get(Team, team_id)) is None:
            raise NotFound
        return _shown(team, await teams.members(session, team))

    @patch("/{team_id:int}", opt=ARRANGES, summary="Change a team, or who is in it")
    async def change(
        self, session: Session, agent: CurrentAgent, team_id: PathId, given: Given[TeamPatch]
    ) -> TeamView:
        team = await _team(session, team_id)
        was = await teams.members(session, team)
        values = {name: getattr(team, name) for name in ("name", "colour", "description", "examples")}
        values |= {name: value for name, value in given.given().items() if name in values}
        await teams.fill(session, team, **values)
        if given.members is not UNSET:
            await teams.gather(session, team, given.members, by=agent)
        members = await teams.members(session, team)
        joined, left = sorted(members - was), sorted(was - members)
        session.add(Event(Kind.team_edited, by=agent, about=team, joined=joined, left=left))
        return _shown(team, members)

    @delete("/{team_id:int}", opt=ARRANGES, summary="Remove a team")
    async def remove(self, session: Session, agent: CurrentAgent, team_id: PathId) -> None:
        """409 while tickets or inboxes belong to it."""
        await teams.remove(session, await _team(session, team_id), by=agent)


class Roles(Controller):
    path = "/roles"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=ROLES, summary="List roles of the desk's own")
    async def list(self, session: Session) -> Listed[RoleView]:
        """The built-in roles are `admin`, `lead`, `agent` and `light_agent`."""
        rows = await session.scalars(select(CustomRole).order_by(CustomRole.name))
        return Listed(items=[RoleView.of(row) for row in rows])

    @post(opt=ROLES, summary="Make a role")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewRole]) -> Answer[RoleView]:
        """It allows no more than the token may give: what leads may do, and what it may do itself."""
        role = CustomRole()
        await roles.save(
            session, role, name=given.name, permissions=given.permissions, reach=given.reach, by=agent
        )
        headers = {"location": f"{PREFIX}/roles/{role.id}"}
        return Answer(RoleView.of(role), status_code=201, headers=headers)

    @patch("/{role_id:int}", opt=ROLES, summary="Change a role")
    async def change(
        self, session: Session, agent: CurrentAgent, role_id: PathId, given: Given[RolePatch]
    ) -> RoleView:
        """Whoever has it signs in again."""
        role = await _role(session, role_id)
        values = {name: getattr(role, name) for name in ("name", "permissions", "reach")} | given.given()
        if await roles.save(session, role, by=agent, **values):
            for holder in await roles.holders(session, role):
                await sessions.end_all(session, holder)
        return RoleView.of(role)

    @delete("/{role_id:int}", opt=ROLES, summary="Remove a role")
    async def remove(self, session: Session, agent: CurrentAgent, role_id: PathId) -> None:
        """409 while somebody has it, or is invited with it."""
        await roles.remove(session, await _role(session, role_id), by=agent)


def _shown(team: Team, members: set[int]) -> TeamView:
    return TeamView(
        id=team.id,
        name=team.name,
        colour=team.colour,
        description=team.description,
        examples=team.examples,
        members=sorted(members),
    )


async def _team(session: AsyncSession, team_id: int) -> Team:
    if (team := await session.get(Team, team_id, with_for_update=True)) is None:
        raise NotFound
    return team


async def _role(session: AsyncSession, role_id: int) -> CustomRole:
    if (role := await session.get(CustomRole, role_id, with_for_update=True)) is None:
        raise NotFound
    return role
