"""Whatever happens to the models, a customer whom the assistant was to answer hears of a person within ten seconds."""

import asyncio
import subprocess
import sys
from datetime import timedelta
from time import monotonic

from sqlalchemy import func, select, update

from ai.assistant.decisions import Reason
from ai.assistant.rows import Mode, Run, State
from ai.assistant.running import Answering
from ai.assistant.sweeping import sweep
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.engagements import Hold
from tests.ai.assistant.conftest import Conversation, allow
from tests.faults.hanging import Hangs
from tests.scenes import Scene
from workers.assisting import EVERY

WITHIN = 10.0  # seconds


async def asked(scene: Scene, **limits: int) -> tuple[Conversation, Run]:
    await allow(scene, Mode.answer, **limits)
    talk = Conversation(scene, None)  # type: ignore[arg-type]
    run = await talk.says("Where is my invoice?", think=False)
    assert run
    return talk, run


async def handed_over(talk: Conversation, reason: Reason) -> None:
    engagement = await talk.engagement()
    assert engagement
    assert (engagement.state, engagement.reason) == (Hold.handed_over, reason)
    (told,) = await talk.heard()
    assert "A colleague will answer you here" in told.text
    assert len(await talk.notes()) == 1


async def test_a_model_that_hangs_is_given_up_at_its_time(scene: Scene) -> None:
    talk, run = await asked(scene, seconds=3)
    began = monotonic()
    await Answering(scene.desk, Hangs()).answer(run.id)
    assert monotonic() - began < 3 + WITHIN
    await handed_over(talk, Reason.slow)
    assert (await talk.run()).state is State.failed


async def test_a_models_process_that_is_killed_in_the_middle_leaves_nobody_waiting(scene: Scene) -> None:
    """A real process takes the run up, thinks, and is killed; the sweeper of another one hands over in time."""
    talk, run = await asked(scene, seconds=120)
    url = scene.desk.database_url
    with subprocess.Popen(  # noqa: ASYNC220 - it has to be killed, not waited for
        [sys.executable, "-m", "tests.faults.hanging", str(scene.desk.settings.home), url, str(run.id)],
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout
        assert (await asyncio.to_thread(child.stdout.readline)).strip() == b"thinking"
        child.kill()
    killed = monotonic()
    while not await sweep(scene.desk):
        assert monotonic() - killed < WITHIN
        await asyncio.sleep(EVERY)
    assert monotonic() - killed < WITHIN
    await handed_over(talk, Reason.failed)
    assert await sweep(scene.desk) == 0


async def test_a_queue_that_nobody_works_off_is_handed_over(scene: Scene) -> None:
    """No models' process at all, or one with too much to do; by two sweepers at once, yet once."""
    talk, run = await asked(scene)
    assert await sweep(scene.desk) == 0, "there is still time"
    async with committed(scene.desk.sessions) as session:
        assert run.due_at - now() < timedelta(seconds=WITHIN - EVERY)
        await session.execute(update(Run).values(due_at=now() - timedelta(seconds=1)))
    await asyncio.gather(sweep(scene.desk), sweep(scene.desk))
    await handed_over(talk, Reason.busy)
    await Answering(scene.desk, Hangs()).answer(run.id)  # the queue gets to it at last
    await handed_over(talk, Reason.busy)


async def test_an_error_in_the_middle_is_handed_over(scene: Scene) -> None:
    class Breaks(Hangs):
        async def embed(self, texts: object) -> object:  # type: ignore[override]
            raise RuntimeError(f"out of memory for {texts}")

    talk, run = await asked(scene)
    await Answering(scene.desk, Breaks()).answer(run.id)  # type: ignore[arg-type]
    await handed_over(talk, Reason.failed)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).where(Run.state == State.failed)) == 1
