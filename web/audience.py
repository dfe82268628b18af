"""Who of those who listen may know of what changed, and how much has happened to it."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import BigInteger, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import sees
from helpdesk.events import Event
from helpdesk.participants import Participant
from helpdesk.people import Agent, with_access
from helpdesk.reading import rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket

FRESH = 4.0  # seconds; `forget` says sooner when something about colleagues has changed


@dataclass(frozen=True)
class Heard:
    """A ticket of which something was said."""

    happened: int
    """How many of its events were committed by then. Their numbers do not tell what a page has not seen: a
    transaction may end after another whose events have higher ones."""
    agents: frozenset[int]
    """Who may know of it."""


class Audience:
    """The agents who listen, loaded once for all that is said in the next seconds."""

    def __init__(self) -> None:
        self._agents: dict[int, Agent] = {}
        self._ids: frozenset[int] = frozenset()
        self._read_at = -FRESH
        self._reading = asyncio.Lock()

    def forget(self) -> None:
        self._read_at = -FRESH

    async def of(
        self, session: AsyncSession, agent_ids: Collection[int], tickets: Collection[int]
    ) -> dict[int, Heard]:
        """By the ticket's id; one that is gone is left out."""
        async with self._reading:  # streams that begin ask as well, and none with what another is to replace
            agents = await self._load(session, frozenset(agent_ids))
        (found,) = await rows(session, (_asked(), {"tickets": sorted(tickets)}))
        return {
            row.id: Heard(
                row.happened,
                frozenset(
                    id_
                    for id_, agent in agents.items()
                    if sees(agent, row.team_id, row.assignee_id, row.followers)
                ),
            )
            for row in found
        }

    async def _load(self, session: AsyncSession, ids: frozenset[int]) -> dict[int, Agent]:
        if ids == self._ids and monotonic() - self._read_at < FRESH:
            return self._agents
        self._read_at = monotonic()  # before it is read: what changes meanwhile makes it forget
        self._agents, self._ids = {}, frozenset()  # where it cannot be read, those of before are not told
        query = select(Agent).where(Agent.id.in_(ids), Agent.active).options(*with_access())
        agents = (await session.scalars(query)).unique().all()
        self._agents, self._ids = {agent.id: agent for agent in agents}, ids
        return self._agents


@once
def _asked() -> AnySelect:
    followers = select(Participant.agent_id).where(
        Participant.ticket_id == Ticket.id, Participant.agent_id.is_not(None)
    )
    happened = select(func.count()).where(Event.ticket_id == Ticket.id)
    return select(
        Ticket.id,
        Ticket.team_id,
        Ticket.assignee_id,
        func.array(followers.scalar_subquery(), type_=ARRAY(BigInteger)).label("followers"),
        happened.scalar_subquery().label("happened"),
    ).where(Ticket.id == any_(bindparam("tickets", type_=ARRAY(BigInteger))))
