"""Who asks, and who else is there: the token's agent and colleagues."""

from typing import Annotated

from litestar import Controller, get, patch
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from helpdesk import presence
from helpdesk.access import OPEN, Action, granted, reach
from helpdesk.errors import NotFound
from helpdesk.people import Agent, Availability, Reach, Role, with_access
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
    team_roles: Annotated[dict[str, int], Meta(examples=[{"3": 7}])]
    """A team's id → the custom role that holds there, in place of the agent's own."""
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
            team_roles={str(m.team_id): m.custom_role_id for m in agent.memberships if m.custom_role_id},
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
