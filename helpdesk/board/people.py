"""Who is there, and who can take more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, and_, any_, case, cast, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, reach
from helpdesk.board.load import Held
from helpdesk.board.scope import Scope
from helpdesk.people import Agent, Availability, CustomRole, Membership, Reach, Role
from helpdesk.reading import rows
from helpdesk.routing import AgentRouting, Method, TeamRouting
from helpdesk.statements import once


@dataclass(frozen=True)
class Colleague:
    """Somebody who answers customers."""

    id: int
    name: str
    presence: Availability
    team_ids: tuple[int, ...]
    cap: int | None
    """Open tickets with which they get no more; None where nothing is shared out to them."""
    held: Held

    @property
    def is_full(self) -> bool:
        """There, and the desk gives them no more."""
        return self.presence is Availability.online and self.cap is not None and self.held.whole >= self.cap


async def colleagues(
    session: AsyncSession, agent: Agent, scope: Scope, load: Sequence[Held]
) -> list[Colleague]:
    """Of the scope's team, else of all teams that the reader's role reaches; by name."""
    (found,) = await rows(session, (_colleagues(agent, scope), {}))
    theirs: dict[int | None, list[Held]] = {}
    for one in load:
        theirs.setdefault(one.assignee_id, []).append(one)
    return [
        Colleague(
            row.id,
            row.name,
            Availability(row.presence),
            tuple(row.team_ids or ()),
            row.cap,
            Held.together(theirs.get(row.id, ())),
        )
        for row in found
    ]


@once
def _colleagues(agent: Agent, scope: Scope) -> Select[Any]:
    presence = case(
        (Agent.present_at.is_(None), Availability.offline.value), else_=cast(Agent.availability, Text)
    )
    shared = and_(
        TeamRouting.method != Method.by_hand,
        TeamRouting.team_id == scope.team_id if scope.team_id is not None else true(),
    )
    usual = (
        select(func.max(TeamRouting.cap))
        .join(Membership, Membership.team_id == TeamRouting.team_id)
        .where(Membership.agent_id == Agent.id, shared)
        .scalar_subquery()
    )
    teams = (
        select(func.array_agg(Membership.team_id)).where(Membership.agent_id == Agent.id).scalar_subquery()
    )
    answers = or_(
        and_(Agent.custom_role_id.is_(None), Agent.role != Role.light_agent),
        literal(Action.reply.value, Text) == any_(CustomRole.permissions),
    )
    query = (
        select(
            Agent.id,
            Agent.name,
            presence.label("presence"),
            teams.label("team_ids"),
            func.coalesce(AgentRouting.cap, usual).label("cap"),
        )
        .outerjoin(AgentRouting, AgentRouting.agent_id == Agent.id)
        .outerjoin(CustomRole, CustomRole.id == Agent.custom_role_id)
        .where(Agent.active, answers)
        .order_by(Agent.name, Agent.id)
    )
    if scope.team_id is not None:
        return query.where(Agent.id.in_(_members([scope.team_id])))
    if reach(agent) is not Reach.all:
        return query.where(or_(Agent.id == agent.id, Agent.id.in_(_members(agent.team_ids))))
    return query


def _members(team_ids: list[int]) -> Select[Any]:
    return select(Membership.agent_id).where(Membership.team_id.in_(team_ids))
