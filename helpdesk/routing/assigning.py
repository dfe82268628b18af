"""Sharing out a team's queue: one at a time in the whole desk, so nobody gets more than they can take.

The tickets that matter most come first. Each assignment says in its event why it is this colleague.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType
from helpdesk.people import Agent, Availability, Membership, with_access
from helpdesk.routing.choosing import Candidate, Needs, choose
from helpdesk.routing.rows import AgentRouting, Method, TeamRouting
from helpdesk.sla import Policy
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket
from helpdesk.tickets.row import RANK

BATCH = 50
_ONE_AT_A_TIME = 0x726F7574
_RANK: ColumnElement[int] = literal_column(RANK.replace("priority)", "ticket.priority)"))
OURS = (Category.new, Category.open)
"""Categories in which a ticket is somebody's work now."""


async def share_out(session: AsyncSession) -> int:
    """The queues of all teams that want it; returns how many tickets found somebody. Commit after each call."""
    waiting = select(Ticket.id).where(Ticket.team_id == TeamRouting.team_id, _unassigned())
    teams = await session.scalars(
        select(TeamRouting.team_id)
        .where(TeamRouting.method != Method.by_hand, waiting.exists())
        .order_by(TeamRouting.team_id)
    )
    return sum([await assign_waiting(session, team_id) for team_id in teams.all()])


async def assign_waiting(session: AsyncSession, team_id: int, limit: int = BATCH) -> int:
    """Up to `limit` tickets of one team's queue, the most urgent first. Safe to run by many at once."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    team = await session.get(TeamRouting, team_id, populate_existing=True)
    if team is None or team.method is Method.by_hand:
        return 0
    agents = await _present(session, team_id)
    if not agents:
        return 0
    tickets = await _queue(session, team_id, limit)
    candidates = await _candidates(session, agents, team)
    known = await _skills_of(session, team_id) if team.match_skills else frozenset[str]()
    types = dict((await session.execute(select(TicketType.id, TicketType.name))).all())
    given = 0
    for ticket in tickets:
        able = [one for one in candidates if may(agents[one.agent_id], Action.reply, ticket)]
        needs = _needs(ticket, team, known, types.get(ticket.type_id or 0))
        if choice := choose(team.method, needs, able):
            ticket.assign(agents[choice.agent_id], by=DESK, because=choice.reasons)
            chosen = next(one for one in candidates if one.agent_id == choice.agent_id)
            chosen.takes(needs.channel, now())
            await _given(session, chosen)
            given += 1
    await session.flush()
    return given


async def give_back(session: AsyncSession, limit: int = BATCH) -> int:
    """Tickets on which a customer waits, of colleagues who have been away for as long as their team allows."""
    away = or_(Agent.present_at.is_(None), Agent.availability != Availability.online, ~Agent.active)
    long_enough = Agent.away_since + func.make_interval(0, 0, 0, 0, 0, TeamRouting.give_back_minutes) <= now()
    found = await session.scalars(
        select(Ticket)
        .join(Agent, Agent.id == Ticket.assignee_id)
        .join(TeamRouting, TeamRouting.team_id == Ticket.team_id)
        .where(
            TeamRouting.give_back_minutes.is_not(None),
            away,
            long_enough,
            Ticket.is_active,
            Ticket.category.in_(OURS),
            Ticket.waiting_since.is_not(None),
        )
        .order_by(Ticket.id)
        .limit(limit)
        .with_for_update(of=Ticket, skip_locked=True, key_share=True)
        .options(joinedload(Ticket.policy).joinedload(Policy.calendar), selectinload(Ticket.clocks))
    )
    tickets = found.all()
    for ticket in tickets:
        ticket.assign(None, by=DESK, because={"away": ticket.assignee_id})
    await session.flush()
    return len(tickets)


def _unassigned() -> ColumnElement[bool]:
    return and_(Ticket.is_active, Ticket.assignee_id.is_(None), Ticket.category.in_(OURS))


async def _present(session: AsyncSession, team_id: int) -> dict[int, Agent]:
    found = await session.scalars(
        select(Agent)
        .join(Membership, Membership.agent_id == Agent.id)
        .where(
            Membership.team_id == team_id,
            Agent.active,
            Agent.availability == Availability.online,
            Agent.present_at.is_not(None),
        )
        .options(*with_access())
        .execution_options(populate_existing=True)
    )
    return {agent.id: agent for agent in found.unique()}


async def _queue(session: AsyncSession, team_id: int, limit: int) -> Sequence[Ticket]:
    """What somebody holds at this moment is left for the next time."""
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.team_id == team_id, _unassigned())
        .order_by(_RANK.desc(), Ticket.next_due_at.asc().nulls_last(), Ticket.id)
        .limit(limit)
        .with_for_update(of=Ticket, skip_locked=True, key_share=True)
        .options(
            joinedload(Ticket.inbox),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
        )
        .execution_options(populate_existing=True)
    )
    return found.unique().all()


async def _candidates(session: AsyncSession, agents: dict[int, Agent], team: TeamRouting) -> list[Candidate]:
    held = await session.execute(
        select(Ticket.assignee_id, Inbox.channel, func.count())
        .join(Inbox, Inbox.id == Ticket.inbox_id)
        .where(Ticket.assignee_id.in_(agents), Ticket.is_active, Ticket.category.in_(OURS))
        .group_by(Ticket.assignee_id, Inbox.channel)
    )
    of_agent: dict[int, dict[str, int]] = {}
    for agent_id, channel, number in held.all():
        of_agent.setdefault(agent_id or 0, {})[channel] = number
    rows = await session.scalars(
        select(AgentRouting)
        .where(AgentRouting.agent_id.in_(agents))
        .execution_options(populate_existing=True)
    )
    own = {row.agent_id: row for row in rows}
    return [_candidate(number, own.get(number), of_agent.get(number, {}), team) for number in sorted(agents)]


def _candidate(
    agent_id: int, own: AgentRouting | None, by_channel: dict[str, int], team: TeamRouting
) -> Candidate:
    one = Candidate(agent_id, team.cap, sum(by_channel.values()), by_channel)
    if own:
        one.cap = own.cap if own.cap is not None else team.cap
        one.channel_caps, one.given_at = dict(own.channel_caps), own.given_at
        one.skills = frozenset(map(str.casefold, own.skills))
        one.languages = frozenset(own.languages)
    return one


async def _skills_of(session: AsyncSession, team_id: int) -> frozenset[str]:
    """What anybody in the team can do, whether they are there or not."""
    rows = await session.scalars(
        select(AgentRouting.skills)
        .join(Membership, Membership.agent_id == AgentRouting.agent_id)
        .join(Agent, Agent.id == AgentRouting.agent_id)
        .where(Membership.team_id == team_id, Agent.active)
    )
    return frozenset(skill.casefold() for skills in rows for skill in skills)


def _needs(ticket: Ticket, team: TeamRouting, known: frozenset[str], type_name: str | None) -> Needs:
    since: datetime = ticket.waiting_since or ticket.created_at
    relaxed = now() - since >= timedelta(minutes=team.relax_minutes)
    names = {tag.name.casefold() for tag in ticket.tags} | ({type_name.casefold()} if type_name else set())
    language = ticket.language if team.match_skills else None
    return Needs(ticket.inbox.channel, language, known & names, relaxed)


async def _given(session: AsyncSession, one: Candidate) -> None:
    row = insert(AgentRouting).values(agent_id=one.agent_id, given_at=one.given_at)
    await session.execute(
        row.on_conflict_do_update(index_elements=["agent_id"], set_={"given_at": row.excluded.given_at})
    )
