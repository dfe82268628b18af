"""The models work in a process of their own, which comes and goes with the desk and may die without harm."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ai.predictions import Classification
from ai.suggestions import Reason, Suggestion
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Kind
from kb.articles import Article, Audience, State
from kb.index import Chunk
from tests.models import model_home
from tests.scenes import Scene, mail
from tests.workers.hands import eventually
from tests.workers.processes import children, is_running
from workers.run import run
from workers.supervision import Supervisor

__all__ = ["model_home"]
MODELS = "workers.assist"


@pytest.fixture
def exported(desk: Desk, model_home: Path) -> None:
    """The desk finds the model that was exported for the tests."""
    desk.settings.models.symlink_to(model_home / "models")


@pytest.mark.models
async def test_new_messages_are_looked_at_and_articles_indexed(scene: Scene, exported: None):
    async with committed(scene.desk.sessions) as session:
        session.add(
            Article(
                slug="refunds",
                title="How long a refund takes",
                body="A refund reaches your card within five working days.",
                state=State.published,
                audience=Audience.public,
            )
        )
    ticket = await scene.receives(mail("How long does a refund take? I am very angry about this."))
    stop, supervisor = asyncio.Event(), Supervisor()
    working = asyncio.create_task(run(scene.desk, listeners=False, stop=stop, supervisor=supervisor))

    async def done() -> bool:
        async with scene.desk.sessions() as session:
            seen = (await session.scalars(select(Classification.kind))).all()
            passages = (await session.scalars(select(Chunk.id))).all()
            asked = await session.scalar(select(Suggestion))
            return bool(seen) and bool(passages) and asked is not None

    await eventually(done, 60)
    assert Kind.triaged in await scene.kinds(ticket)
    async with scene.desk.sessions() as session:
        asked = (await session.scalars(select(Suggestion))).one()
        # The article was there first, so whatever was decided was decided knowing it.
        assert asked.reason is not Reason.nothing_found

    (child,) = children(os.getpid(), MODELS)
    os.kill(child, signal.SIGKILL)
    second = await scene.receives(mail("And where is my invoice?", sender="otto@lumen.example"))

    async def looked_at() -> bool:
        return Kind.triaged in await scene.kinds(second)

    await eventually(looked_at, 60)
    assert supervisor.parts["assist"].restarts == 1
    assert "ended with code -9" in supervisor.parts["assist"].trouble
    (child,) = children(os.getpid(), MODELS)
    stop.set()
    await asyncio.wait_for(working, 25)
    assert not is_running(child)


@pytest.mark.models
async def test_the_child_ends_with_a_parent_that_is_killed(desk: Desk, exported: None):
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.worker",
        desk.database_url,
        str(desk.settings.home),
        "assist",
        stdout=PIPE,
        stderr=DEVNULL,
    )

    async def has_a_child() -> list[int]:
        return children(parent.pid, MODELS)

    async def works() -> bool:
        async with desk.sessions() as session:
            return bool(await session.scalar(text("SELECT 1 FROM procrastinate_workers OFFSET 1")))

    (child,) = await eventually(has_a_child, 30)
    await eventually(works, 60)
    parent.kill()
    await parent.wait()

    async def gone() -> bool:
        return not is_running(child)

    await eventually(gone, 5)
