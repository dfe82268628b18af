"""Some of the demo's colleagues are at their desks, so that the board shows who is there, and who can take more."""

import asyncio
from contextlib import suppress

from sqlalchemy import select

from helpdesk import presence
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.people import Agent
from helpdesk.routing import AgentRouting

CAPS = {"katja": 4, "mateo": 6, "femi": 5, "priya": 5}
"""By the beginning of their address: new and open tickets with which they get no more."""
THERE = ("katja", "mateo", "priya")
AGAIN = presence.GONE_AFTER / 3


async def limit(desk: Desk) -> None:
    """As the settings of assignment would."""
    async with committed(desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            if cap := CAPS.get(_name(agent)):
                session.add(AgentRouting(agent_id=agent.id, cap=cap))


async def work(desk: Desk, stop: asyncio.Event) -> None:
    """As long as the demo runs, as though their consoles were open."""
    while not stop.is_set():
        async with committed(desk.sessions) as session:
            agents = (await session.scalars(select(Agent).where(Agent.active))).all()
            await presence.seen(session, [agent.id for agent in agents if _name(agent) in THERE])
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN.total_seconds()):
                await stop.wait()


def _name(agent: Agent) -> str:
    return agent.email.partition("@")[0]
