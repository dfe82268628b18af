"""Sharing out a team's queue: one at a time in the whole desk, so nobody gets more than they can take.

The tickets that matter most come first. Each assignment says in its event why it is this colleague.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from helpdesk.routing.returning import returned
from helpdesk.routing.rows import OURS, AgentRouting, Method, TeamRouting
from helpdesk.sla import Policy
from helpdesk.tickets import Priority, Ticket
from helpdesk.tickets.row import RANK
from helpdesk.topics import Topic

PAGE = 50
_ONE_AT_A_TIME = 0x726F7574
_rank: ColumnElement[int] = literal_column(RANK.replace("priority)", "ticket.priority)"))
_RANKS = {priority: rank for rank, priority in enumerate(Priority, 1)}


@dataclass(frozen=True)
class Place:
    """A ticket's place in its team's queue."""

    priority: Priority
    due_at: datetime | None
    ticket_id: int


@dataclass(frozen=True)
class Page:
    given: int
    last: Place | None
    """Behind it the queue goes on; None at its end, or where nobody can take more."""


async def teams_waiting(session: AsyncSession) -> Sequence[int]:
    """Ids of the teams that want their tickets shared out and have some that nobody holds."""
    waiting = select(Ticket.id).where(Ticket.team_id == TeamRouting.team_id, _unassigned())
    teams = await session.scalars(
        select(TeamRouting.team_id)
        .where(TeamRouting.method != Method.by_hand, waiting.exists())
        .order_by(TeamRouting.team_id)
    )
    return teams.all()


async def assign_waiting(session: AsyncSession, team_id: int, after: Place | None = None) -> Page:
    """The next tickets of one team's queue, the most urgent first. Safe to run by many at once; commit each page.

    What nobody can take now, such as tickets that wait for a skill, holds up none behind it.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    team = await session.get(TeamRouting, team_id, populate_existing=True)
    if team is None or team.method is Method.by_hand:
        return Page(0, None)
    agents = await _present(session, team_id)
    candidates = await _candidates(session, agents, team) if agents else []
    if not any(one.open < one.cap for one in candidates):
        return Page(0, None)
    tickets = await _queue(session, team_id, after)
    given = await _assign(session, team, tickets, agents, candidates) if tickets else 0
    last = tickets[-1] if len(tickets) == PAGE else None
    return Page(given, Place(last.priority, last.next_due_at, last.id) if last else None)


async def _assign(
    session: AsyncSession,
    team: TeamRouting,
    tickets: Sequence[Ticket],
    agents: Mapping[int, Agent],
    candidates: Sequence[Candidate],
) -> int:
    refused = await returned(session, [ticket.id for ticket in tickets])
    known = await _skills_of(session, team.team_id) if team.match_skills else frozenset[str]()
    types = dict((await session.execute(select(TicketType.id, TicketType.name))).all())
    about = dict((await session.execute(select(Topic.id, Topic.name))).all())
    by_id = {one.agent_id: one for one in candidates}
    chosen: list[Candidate] = []
    for ticket in tickets:
        others = [one for one in candidates if one.agent_id not in refused.get(ticket.id, ())]
        able = [one for one in others if may(agents[one.agent_id], Action.reply, ticket)]
        called = (types.get(ticket.type_id or 0), about.get(ticket.topic_id or 0))
        needs = _needs(ticket, team, known, called)
        if choice := choose(team.method, needs, able):
            ticket.assign(agents[choice.agent_id], by=DESK, because=choice.reasons)
            by_id[choice.agent_id].takes(needs.channel, now())
            chosen.append(by_id[choice.agent_id])
    await session.flush()
    await _keep_turns(session, chosen)
    return len(chosen)


def _unassigned() -> ColumnElement[bool]:
    return and_(
        Ticket.is_active, Ticket.assignee_id.is_(None), ~Ticket.with_assistant, Ticket.category.in_(OURS)
    )


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


async def _queue(session: AsyncSession, team_id: int, after: Place | None) -> Sequence[Ticket]:
    """What somebody holds at this moment is left for the next time."""
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.team_id == team_id, _unassigned(), *([_behind(after)] if after else []))
        .order_by(_rank.desc(), Ticket.next_due_at.asc().nulls_last(), Ticket.id)
        .limit(PAGE)
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


def _behind(place: Place) -> ColumnElement[bool]:
    rank, later = _RANKS[place.priority], Ticket.id > place.ticket_id
    if place.due_at is None:
        same = and_(Ticket.next_due_at.is_(None), later)
    else:
        same = or_(
            Ticket.next_due_at.is_(None),
            Ticket.next_due_at > place.due_at,
            and_(Ticket.next_due_at == place.due_at, later),
        )
    return or_(_rank < rank, and_(_rank == rank, same))


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
        one.languages = frozenset(map(_spoken, own.languages))
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


def _needs(
    ticket: Ticket, team: TeamRouting, known: frozenset[str], called: tuple[str | None, str | None]
) -> Needs:
    """`called`: its type and its topic."""
    since: datetime = ticket.waiting_since or ticket.created_at
    relaxed = now() - since >= timedelta(minutes=team.relax_minutes)
    names = {tag.name.casefold() for tag in ticket.tags} | {name.casefold() for name in called if name}
    language = _spoken(ticket.language) if team.match_skills and ticket.language else None
    return Needs(ticket.inbox.channel, language, known & names, relaxed)


def _spoken(code: str) -> str:
    """Who speaks `pt-br` understands `pt`."""
    return code.lower().replace("_", "-").partition("-")[0]


async def _keep_turns(session: AsyncSession, chosen: Sequence[Candidate]) -> None:
    turns = {one.agent_id: one.given_at for one in chosen}
    if turns:
        row = insert(AgentRouting).values(
            [{"agent_id": agent_id, "given_at": at} for agent_id, at in turns.items()]
        )
        await session.execute(
            row.on_conflict_do_update(index_elements=["agent_id"], set_={"given_at": row.excluded.given_at})
        )
