"""The board's numbers at one moment, counted row by row from tickets, messages and clocks; and what the board says."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.board import Scope, tiles
from helpdesk.clock import now
from tests.bench.day.world import World

TICKETS = text("SELECT id, category, snoozed_until, removed, assignee_id, team_id, inbox_id FROM ticket")
MESSAGES = text(
    "SELECT ticket_id, origin_id, direction, agent_id, sent_at, automatic FROM message "
    "WHERE withdrawn_at IS NULL AND side_id IS NULL AND copy_of_id IS NULL ORDER BY ticket_id, sent_at, id"
)
MERGES = text("SELECT source_id, target_id, created_at FROM ticket_merge WHERE undone_at IS NULL")
CLOCKS = text(
    "SELECT ticket_id, due_at, breached_at FROM sla_clock WHERE met_at IS NULL AND ended_at IS NULL"
)
AGENTS = text(
    "SELECT agent.id, availability, present_at, active, array_agg(team_member.team_id) AS teams, "
    "coalesce(max(agent_routing.cap), max(team_routing.cap) FILTER (WHERE team_routing.method <> 'by_hand')) AS cap "
    "FROM agent LEFT JOIN team_member ON team_member.agent_id = agent.id "
    "LEFT JOIN team_routing ON team_routing.team_id = team_member.team_id "
    "LEFT JOIN agent_routing ON agent_routing.agent_id = agent.id GROUP BY agent.id"
)
NAMES = ("open", "unassigned", "unattended", "due", "breached", "waiting", "online", "full")


@dataclass(frozen=True)
class Counted:
    at: datetime
    whose: str
    board: dict[str, float | None]
    recount: dict[str, float | None]

    @property
    def differs(self) -> dict[str, tuple[float | None, float | None]]:
        """By tile: what the board says, and what there is."""
        both = {name: (self.board.get(name), self.recount[name]) for name in self.recount}
        return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


@dataclass
class Rows:
    tickets: list[Row[Any]]
    waiting: dict[int, datetime]
    """By ticket: since when the customer waits who has not been answered."""
    answered: set[int]
    """Tickets that a person has answered; what was answered in one that was merged into it, answered that one."""
    clocks: dict[int, list[Row[Any]]]
    agents: list[Row[Any]]

    @classmethod
    async def read(cls, session: AsyncSession) -> "Rows":
        merges = {one.source_id: (one.target_id, one.created_at) for one in await session.execute(MERGES)}
        waiting, answered = _conversations(await session.execute(MESSAGES), merges)
        clocks: dict[int, list[Row[Any]]] = {}
        for one in await session.execute(CLOCKS):
            clocks.setdefault(one.ticket_id, []).append(one)
        tickets = list(await session.execute(TICKETS))
        return cls(tickets, waiting, answered, clocks, list(await session.execute(AGENTS)))


def _conversations(
    messages: Iterable[Row[Any]], merges: dict[int, tuple[int, datetime]]
) -> tuple[dict[int, datetime], set[int]]:
    """An answer is one to what was asked where it was written, and in what had been merged into that by then."""
    asked: dict[int, dict[int, datetime]] = {}
    answered: set[int] = set()
    for one in messages:
        written_to = one.origin_id or one.ticket_id
        open_questions = asked.setdefault(one.ticket_id, {})
        if one.direction == "inbound" and not one.automatic:
            open_questions.setdefault(written_to, one.sent_at)
        elif one.direction == "outbound" and not one.automatic:
            root = _root(written_to, one.sent_at, merges)
            for other in [each for each in open_questions if _root(each, one.sent_at, merges) == root]:
                del open_questions[other]
            if one.agent_id is not None and one.origin_id is None:
                answered.add(one.ticket_id)
    return {ticket: min(found.values()) for ticket, found in asked.items() if found}, answered


def _root(ticket: int, at: datetime, merges: dict[int, tuple[int, datetime]]) -> int:
    """The ticket that it was part of at this time."""
    while ticket in merges and merges[ticket][1] <= at:
        ticket = merges[ticket][0]
    return ticket


async def counted(world: World) -> list[Counted]:
    """For the whole desk, and for each first team."""
    scopes = {"all": Scope()} | {
        first.name: Scope(team_id=first.id) for first, _second in world.teams.values()
    }
    assert world.lead
    found = []
    async with world.desk.sessions() as session:
        rows = await Rows.read(session)
        for whose, scope in scopes.items():
            board = {tile.name.value: tile.number for tile in await tiles(session, world.lead, scope)}
            mine = _recount(rows, scope.team_id, now())
            found.append(Counted(now(), whose, {name: board[name] for name in NAMES}, mine))
    return found


def _recount(rows: Rows, team_id: int | None, at: datetime) -> dict[str, float | None]:
    active = [
        one
        for one in rows.tickets
        if one.category not in {"resolved", "closed"} and one.snoozed_until is None and one.removed is None
    ]
    ours = Counter(one.assignee_id for one in active if one.category in {"new", "open"})
    mine = [one for one in active if team_id in (None, one.team_id)]
    waits = [rows.waiting[one.id] for one in mine if one.id in rows.waiting]
    there = [
        one
        for one in rows.agents
        if one.active and one.present_at and one.availability == "online" and team_id in (None, *one.teams)
    ]
    soon = at + timedelta(hours=1)
    return {
        "open": len(mine),
        "unassigned": sum(one.assignee_id is None for one in mine),
        "unattended": sum(one.id in rows.waiting or one.id not in rows.answered for one in mine),
        "due": sum(
            any(
                c.breached_at is None and c.due_at and at < c.due_at <= soon
                for c in rows.clocks.get(one.id, ())
            )
            for one in mine
        ),
        "breached": sum(any(c.breached_at for c in rows.clocks.get(one.id, ())) for one in mine),
        "waiting": (at - min(waits)).total_seconds() if waits else None,
        "online": len(there),
        "full": sum(one.cap is not None and ours[one.id] >= one.cap for one in there),
    }
