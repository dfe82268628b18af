"""Who is there: what agents say of themselves, and whether a console of theirs is open at all."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.events import DESK, Event, Kind
from helpdesk.people import Agent, Availability

KEPT_EVERY = timedelta(seconds=25)
"""How exactly `present_at` is kept: a write every few seconds would cost more than it tells."""
GONE_AFTER = timedelta(seconds=75)
"""Going from page to page closes the stream for a moment; only longer is away."""


async def choose(session: AsyncSession, agent: Agent, availability: Availability) -> None:
    """By hand; holds until they choose otherwise."""
    if agent.availability is availability:
        return
    was, agent.availability = agent.presence, availability
    _reckon(agent, agent.presence)
    session.add(Event(Kind.availability_changed, by=agent, about=agent, was=was, now=agent.presence))
    await _tell(session)


async def seen(session: AsyncSession, agent_ids: Collection[int]) -> None:
    """A console of each of these is open at this moment."""
    came = await session.scalars(
        select(Agent).where(Agent.id.in_(agent_ids), Agent.present_at.is_(None)).with_for_update()
    )
    for agent in came.all():
        agent.present_at = now()
        _changed(session, agent, Availability.offline, agent.availability)
        await _tell(session)
    old = or_(Agent.present_at.is_(None), Agent.present_at < now() - KEPT_EVERY)
    await session.execute(update(Agent).where(Agent.id.in_(agent_ids), old).values(present_at=now()))


async def sweep(session: AsyncSession) -> int:
    """Whoever was not seen for a while is offline; returns how many went."""
    gone = await session.scalars(
        select(Agent).where(Agent.present_at < now() - GONE_AFTER).with_for_update(skip_locked=True)
    )
    agents = gone.all()
    for agent in agents:
        agent.present_at = None
        _changed(session, agent, agent.availability, Availability.offline)
    if agents:
        await _tell(session)
    return len(agents)


def _changed(session: AsyncSession, agent: Agent, was: Availability, is_now: Availability) -> None:
    _reckon(agent, is_now)
    if was is not is_now:
        session.add(Event(Kind.availability_changed, by=DESK, about=agent, was=was, now=is_now))


async def _tell(session: AsyncSession) -> None:
    await session.execute(select(func.pg_notify(CHANNEL, "colleagues")))


def _reckon(agent: Agent, is_now: Availability) -> None:
    agent.away_since = None if is_now is Availability.online else agent.away_since or now()
