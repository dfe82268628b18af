"""What stands around every page of the console: queues with their counts, teams, and who the colleagues are."""

from dataclasses import dataclass, field

from sqlalchemy import literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import views
from helpdesk.people import Agent, Team
from helpdesk.views import Queue, View


@dataclass(frozen=True)
class Named:
    id: int | str
    name: str
    colour: str = ""


@dataclass(frozen=True)
class Directory:
    """Names by number, for timelines and choices."""

    agents: dict[int, Named]
    teams: dict[int, Named]

    @classmethod
    async def load(cls, session: AsyncSession) -> "Directory":
        """One round trip for both: every ticket page needs them."""
        agents = select(literal("agent").label("kind"), Agent.id, Agent.name, literal("").label("colour"))
        both = union_all(agents, select(literal("team"), Team.id, Team.name, Team.colour)).order_by("name")
        found: dict[str, dict[int, Named]] = {"agent": {}, "team": {}}
        for kind, number, name, colour in await session.execute(both):
            found[kind][number] = Named(number, name, colour)
        return cls(found["agent"], found["team"])


@dataclass(frozen=True)
class Shell:
    view: View | None
    team_id: int | None
    counts: dict[View, int] = field(default_factory=dict)
    teams: dict[int, Queue] = field(default_factory=dict)

    @classmethod
    async def load(
        cls, session: AsyncSession, agent: Agent, view: View | None = None, team_id: int | None = None
    ) -> "Shell":
        found = await views.counts(session, agent)
        return cls(view, team_id, found.views, found.teams)

    @property
    def query(self) -> str:
        """The list that is shown, as an address carries it."""
        team = f"&team={self.team_id}" if self.team_id else ""
        return f"view={self.view or View.mine}{team}"
