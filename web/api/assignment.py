"""Who gets which tickets: how teams share out, and what each agent can take."""

from typing import Annotated

from litestar import Controller, get, put
from msgspec import Meta, field
from sqlalchemy.ext.asyncio import AsyncSession

from channels import registry
from helpdesk import routing
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.people import Agent, Team
from helpdesk.routing import AgentRouting, Method, TeamRouting
from helpdesk.routing.rows import MOST_OPEN
from web.api.given import Given, PathId, Sent
from web.api.problems import Mistake, Unreadable
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

ARRANGES = permits(Action.manage_agents)
Cap = Annotated[int, Meta(ge=0, le=MOST_OPEN, examples=[10])]
Minutes = Annotated[int, Meta(ge=0, le=10_080, examples=[30])]
Skills = Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=50, examples=[["refund"]])]
Languages = Annotated[
    list[Annotated[str, Meta(max_length=12, pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,4})?$")]],
    Meta(max_length=50, examples=[["de", "en"]]),
]


class TeamRoutingGiven(Sent):
    method: Method = Method.by_hand
    cap: Cap = 10
    """Open tickets, of all teams together, with which an agent gets no more."""
    match_skills: bool = True
    relax_minutes: Minutes = 30
    """How long the right agent is waited for."""
    give_back_minutes: Minutes | None = None
    """After so long an absence, tickets on which a customer waits go back to the team; null: they stay."""


class TeamRoutingView(Shape):
    team_id: int
    method: Method
    cap: int
    match_skills: bool
    relax_minutes: int
    give_back_minutes: int | None

    @classmethod
    def of(cls, row: TeamRouting) -> "TeamRoutingView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class AgentRoutingGiven(Sent):
    skills: Skills = field(default_factory=list)
    languages: Languages = field(default_factory=list)
    cap: Cap | None = None
    """In place of the team's."""
    channel_caps: Annotated[dict[str, Cap], Meta(max_length=20, examples=[{"email": 5}])] = field(
        default_factory=dict
    )


class AgentRoutingView(Shape):
    agent_id: int
    skills: list[str]
    languages: list[str]
    cap: int | None
    channel_caps: dict[str, int]
    given_at: At | None
    """When the desk last gave them a ticket."""

    @classmethod
    def of(cls, row: AgentRouting) -> "AgentRoutingView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class TeamAssignment(Controller):
    path = "/teams/{team_id:int}/assignment"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=ARRANGES, summary="Show how a team shares out its tickets")
    async def show(self, session: Session, team_id: PathId) -> TeamRoutingView:
        return TeamRoutingView.of(await routing.of_team(session, await _team(session, team_id)))

    @put(opt=ARRANGES, summary="Change how a team shares out its tickets")
    async def change(
        self, session: Session, agent: CurrentAgent, team_id: PathId, given: Given[TeamRoutingGiven]
    ) -> TeamRoutingView:
        values = {name: getattr(given, name) for name in TeamRoutingGiven.__struct_fields__}
        team = await _team(session, team_id)
        return TeamRoutingView.of(await routing.arrange_team(session, team, by=agent, **values))


class AgentAssignment(Controller):
    path = "/agents/{agent_id:int}/assignment"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=ARRANGES, summary="Show what an agent can take")
    async def show(self, session: Session, agent_id: PathId) -> AgentRoutingView:
        return AgentRoutingView.of(await routing.of_agent(session, await _agent(session, agent_id)))

    @put(opt=ARRANGES, summary="Change what an agent can take")
    async def change(
        self, session: Session, agent: CurrentAgent, agent_id: PathId, given: Given[AgentRoutingGiven]
    ) -> AgentRoutingView:
        values = {name: getattr(given, name) for name in AgentRoutingGiven.__struct_fields__}
        for name in given.channel_caps:
            if name not in registry.all():
                raise Unreadable([Mistake(field="channel_caps", message=_unknown(name))])
        colleague = await _agent(session, agent_id)
        return AgentRoutingView.of(await routing.arrange_agent(session, colleague, by=agent, **values))


def _unknown(name: str) -> str:
    known = ", ".join(registry.all())
    return gettext("There is no channel “%(name)s”. There are: %(known)s.") % {
        "name": name[:40],
        "known": known,
    }


async def _team(session: AsyncSession, number: int) -> Team:
    if (found := await session.get(Team, number)) is None:
        raise NotFound
    return found


async def _agent(session: AsyncSession, number: int) -> Agent:
    if (found := await session.get(Agent, number)) is None:
        raise NotFound
    return found
