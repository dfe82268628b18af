"""How a team shares out, and what a colleague can take: read with defaults, changed with an event."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent, Team
from helpdesk.routing.rows import MOST_OPEN, OURS, AgentRouting, Method, TeamRouting
from helpdesk.texts import clean
from helpdesk.tickets import Ticket

LONGEST = 7 * 24 * 60
"""Minutes."""
MOST_SKILLS = 50
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,4})?")


@dataclass(frozen=True)
class Load:
    """A colleague as the desk sees them when it shares out."""

    agent: Agent
    open: int
    routing: AgentRouting


async def of_team(session: AsyncSession, team: Team) -> TeamRouting:
    """As it is, or as it would be: by hand."""
    return (await of_teams(session, [team]))[0][1]


async def of_teams(session: AsyncSession, teams: Sequence[Team]) -> list[tuple[Team, TeamRouting]]:
    rows = await session.scalars(select(TeamRouting).where(TeamRouting.team_id.in_([t.id for t in teams])))
    own = {row.team_id: row for row in rows}
    return [(team, own.get(team.id) or _by_hand(team)) for team in teams]


async def of_agent(session: AsyncSession, agent: Agent) -> AgentRouting:
    return await session.get(AgentRouting, agent.id) or _usual(agent)


async def loads(session: AsyncSession) -> list[Load]:
    """Everybody who is active, by name, with what they hold now."""
    held = await session.execute(
        select(Ticket.assignee_id, func.count())
        .where(Ticket.is_active, Ticket.category.in_(OURS), Ticket.assignee_id.is_not(None))
        .group_by(Ticket.assignee_id)
    )
    numbers = {row[0]: row[1] for row in held.all()}
    own = {row.agent_id: row for row in await session.scalars(select(AgentRouting))}
    agents = await session.scalars(select(Agent).where(Agent.active).order_by(Agent.name, Agent.id))
    return [
        Load(agent, numbers.get(agent.id, 0), own.get(agent.id) or _usual(agent)) for agent in agents.all()
    ]


async def arrange_team(
    session: AsyncSession,
    team: Team,
    *,
    by: Actor,
    method: Method,
    cap: int,
    match_skills: bool,
    relax_minutes: int,
    give_back_minutes: int | None,
) -> TeamRouting:
    """Raises BadLimit."""
    _limit(cap, MOST_OPEN)
    _limit(relax_minutes, LONGEST)
    if give_back_minutes is not None:
        _limit(give_back_minutes, LONGEST)
    await session.execute(insert(TeamRouting).values(team_id=team.id).on_conflict_do_nothing())
    kept = await session.get_one(TeamRouting, team.id, with_for_update=True)
    kept.method, kept.cap, kept.match_skills = method, cap, match_skills
    kept.relax_minutes, kept.give_back_minutes = relax_minutes, give_back_minutes
    session.add(Event(Kind.routing_changed, by=by, about=team, method=method.value))
    await session.flush()
    return kept


async def arrange_agent(
    session: AsyncSession,
    agent: Agent,
    *,
    by: Actor,
    skills: Sequence[str],
    languages: Sequence[str],
    cap: int | None,
    channel_caps: dict[str, int],
) -> AgentRouting:
    """Raises BadLimit, TooMany."""
    for limit in (cap, *channel_caps.values()):
        if limit is not None:
            _limit(limit, MOST_OPEN)
    names = list(dict.fromkeys(" ".join(clean(skill).split())[:80] for skill in skills))
    codes = list(dict.fromkeys(code.strip().lower().replace("_", "-") for code in languages))
    if max(len(names), len(codes)) > MOST_SKILLS:
        raise TooMany
    if not all(map(LANGUAGE.fullmatch, codes)):
        raise NoLanguage
    await session.execute(insert(AgentRouting).values(agent_id=agent.id).on_conflict_do_nothing())
    kept = await session.get_one(AgentRouting, agent.id, with_for_update=True)
    kept.skills, kept.languages = [name for name in names if name], codes
    kept.cap, kept.channel_caps = cap, dict(channel_caps)
    session.add(Event(Kind.routing_changed, by=by, about=agent))
    await session.flush()
    return kept


def _by_hand(team: Team) -> TeamRouting:
    return TeamRouting(team_id=team.id, method=Method.by_hand, cap=10, match_skills=True, relax_minutes=30)


def _usual(agent: Agent) -> AgentRouting:
    return AgentRouting(agent_id=agent.id, skills=[], languages=[], channel_caps={})


def _limit(value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise BadLimit(value, most)


class BadLimit(Invalid):
    def __init__(self, value: int, most: int) -> None:
        super().__init__(
            gettext("%(value)s cannot be a limit. Choose a number from 0 to %(most)s.")
            % {"value": value, "most": most}
        )


class TooMany(Invalid):
    message = _("At most 50 skills and 50 languages, please.")


class NoLanguage(Invalid):
    message = _("Write languages as codes with commas between them, such as de, en, pt-br.")
