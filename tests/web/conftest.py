"""A console that people can use."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from helpdesk.database import committed
from helpdesk.people import Agent, Role, Team
from tests.scenes import Scene
from tests.web.served import HASH, Console, served


@pytest.fixture
async def console(scene: Scene) -> AsyncIterator[Console]:
    async with committed(scene.desk.sessions) as session:
        for agent in scene.agents.values():
            (await session.get_one(Agent, agent.id)).password_hash = HASH
        billing = await session.get_one(Team, scene.teams["Billing"].id)
        lou = Agent(name="Lou Light", email="lou@desk.example", role=Role.light_agent, password_hash=HASH)
        lou.teams = [billing]
        session.add(lou)
    async with AsyncExitStack() as stack:
        app, url, _ = await stack.enter_async_context(served(scene.desk))
        yield Console(scene, app, url, stack)
