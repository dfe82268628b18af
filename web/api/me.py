"""Who asks, and who else is there: the token's agent, colleagues, teams, roles."""

from typing import Annotated

from litestar import Controller, get, patch
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from helpdesk import presence
from helpdesk.access import OPEN, Action, granted, reach
from helpdesk.errors import NotFound
from helpdesk.people import Agent, Availability, CustomRole, Membership, Reach, Role, Team, with_access
from helpdesk.tokens import ApiToken
from web.api.answers import Listed
from web.api.given import Given, Patch, PathId
from web.api.shapes import At, Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

PersonName = Annotated[str, Meta(examples=["Ada Novak"])]
Address = Annotated[str, Meta(examples=["ada@desk.example"])]


class AgentView(Shape):
    id: int
    name: PersonName
    email: Address
    role: Role
    custom_role: Ref | None
    """Takes the place of what `role` allows."""
    teams: list[Ref]
    active: bool
    availability: Availability
    """What colleagues see: who has no console open is offline."""

    @classmethod
    def of(cls, agent: Agent) -> "AgentView":
        custom = agent.custom_role
        return cls(
            id=agent.id,
            name=agent.name,
            email=agent.email,
            role=agent.role,
            custom_role=Ref(id=custom.id, name=custom.name) if custom else None,
            teams=[Ref(id=team.id, name=team.name) for team in agent.teams],
            active=agent.active,
            availability=agent.presence,
        )


class MeView(Shape):
    agent: AgentView
    permissions: Annotated[list[str], Meta(examples=[["ticket:read", "ticket:reply"]])]
    """What this token may do now, wherever the agent's role reaches."""
    reach: Reach
    token: Ref | None
    expires_at: At | None
    locale: str
    time_zone: str


class MePatch(Patch):
    availability: Availability | UnsetType = UNSET


class TeamView(Shape):
    id: int
    name: Annotated[str, Meta(examples=["Billing"])]
    colour: str
    description: str
    members: list[int]
    """Ids of agents."""


class RoleView(Shape):
    id: int
    name: str
    permissions: list[str]
    reach: Reach


class Me(Controller):
    path = "/me"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=permits(Action.signed_in), summary="Show who this token acts for")
    async def show(self, session: Session, agent: CurrentAgent) -> MeView:
        """And what it may do at this moment."""
        return await _me(session, agent)

    @patch(opt=permits(Action.signed_in), summary="Change one's availability")
    async def change(self, session: Session, agent: CurrentAgent, given: Given[MePatch]) -> MeView:
        if given.availability is not UNSET:
            await presence.choose(session, agent, given.availability)
        return await _me(session, agent)


class Agents(Controller):
    path = "/agents"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List colleagues")
    async def list(
        self,
        session: Session,
        active: Annotated[bool, QueryParameter(description="Leave out who is switched off.")] = True,
    ) -> Listed[AgentView]:
        """All of them: a desk has few."""
        query = select(Agent).options(*with_access(), joinedload(Agent.teams)).order_by(Agent.name, Agent.id)
        rows = await session.scalars(query.where(Agent.active) if active else query)
        return Listed(items=[AgentView.of(agent) for agent in rows.unique()])

    @get("/{agent_id:int}", opt=permits(Action.read), summary="Show a colleague")
    async def show(self, session: Session, agent_id: PathId) -> AgentView:
        query = select(Agent).options(*with_access(), joinedload(Agent.teams)).where(Agent.id == agent_id)
        if (found := (await session.scalars(query)).unique().one_or_none()) is None:
            raise NotFound
        return AgentView.of(found)


class Teams(Controller):
    path = "/teams"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List teams")
    async def list(self, session: Session) -> Listed[TeamView]:
        teams = (await session.scalars(select(Team).order_by(Team.name))).all()
        members: dict[int, list[int]] = {}
        for team_id, agent_id in await session.execute(select(Membership.team_id, Membership.agent_id)):
            members.setdefault(team_id, []).append(agent_id)
        return Listed(
            items=[
                TeamView(
                    id=team.id,
                    name=team.name,
                    colour=team.colour,
                    description=team.description,
                    members=sorted(members.get(team.id, [])),
                )
                for team in teams
            ]
        )


class Roles(Controller):
    path = "/roles"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=permits(Action.manage_roles), summary="List roles of the desk's own")
    async def list(self, session: Session) -> Listed[RoleView]:
        """The built-in roles are `admin`, `lead`, `agent` and `light_agent`."""
        rows = await session.scalars(select(CustomRole).order_by(CustomRole.name))
        return Listed(
            items=[RoleView(id=r.id, name=r.name, permissions=r.permissions, reach=r.reach) for r in rows]
        )


async def _me(session: Session, agent: Agent) -> MeView:
    await session.flush()
    await session.refresh(agent, ["teams"])
    token = await session.get(ApiToken, agent.token_id) if agent.token_id else None
    return MeView(
        agent=AgentView.of(agent),
        permissions=sorted(action.value for action in granted(agent) - OPEN),
        reach=reach(agent),
        token=Ref(id=token.id, name=token.name) if token else None,
        expires_at=token.expires_at if token else None,
        locale=agent.locale,
        time_zone=agent.time_zone,
    )
