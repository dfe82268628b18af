"""Programs that call the desk with tokens of its agents."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from helpdesk import tokens
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.people import Agent
from tests.web.served import Console


class Caller(httpx.AsyncClient):
    """A program with a token; `token_id` and `secret` are its."""

    token_id: int
    secret: str


Calls = Callable[..., Awaitable[Caller]]


@pytest.fixture
async def caller(console: Console) -> Calls:
    """`await caller("Ada")` may do all that Ada may; `only` allows it less."""

    async def made(name: str = "Ada", *, only: list[Action] | None = None, **options: Any) -> Caller:
        scene = console.scene
        async with committed(scene.desk.sessions) as session:
            agent = await session.get_one(Agent, scene.agents[name].id)
            scopes = only if only is not None else list(tokens.GRANTABLE)
            token, secret = await tokens.issue(
                session, f"{name}'s program", agent=agent, by=agent, scopes=scopes, **options
            )
        headers = {"authorization": f"Bearer {secret}"}
        client = Caller(base_url=f"{console.url}/api/v1", headers=headers, timeout=30)
        client.token_id, client.secret = token.id, secret
        return await console._stack.enter_async_context(client)

    return made
