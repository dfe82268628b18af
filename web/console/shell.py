"""What stands around every page of the console: queues with their counts, teams, and who the colleagues are."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import views
from helpdesk.people import Agent, Team
from helpdesk.views import View


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
        agents = await session.execute(select(Agent.id, Agent.name).order_by(Agent.name))
        return cls({i: Named(i, name) for i, name in agents.all()}, await teams(session))


@dataclass(frozen=True)
class Shell:
    view: View | None
    team_id: int | None
    counts: dict[View, int]
    teams: dict[int, Named]
    team_counts: dict[int, int]

    @classmethod
    async def load(
        cls, session: AsyncSession, agent: Agent, view: View | None = None, team_id: int | None = None
    ) -> "Shell":
        return cls(
            view,
            team_id,
            await views.counts(session, agent),
            await teams(session),
            await views.team_counts(session, agent),
        )

    @property
    def query(self) -> str:
        """The list that is shown, as an address carries it."""
        team = f"&team={self.team_id}" if self.team_id else ""
        return f"view={self.view or View.mine}{team}"


async def teams(session: AsyncSession) -> dict[int, Named]:
    rows = await session.execute(select(Team.id, Team.name, Team.colour).order_by(Team.name))
    return {i: Named(i, name, colour) for i, name, colour in rows.all()}
