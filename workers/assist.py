"""The models' process: a child of the desk, so that their memory, their threads and their faults are its own.

`assist` starts it and keeps it alive; `main` is what it runs: `python -m workers.assist`.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from functools import partial

from helpdesk.database import committed
from helpdesk.desk import Desk
from workers import child, jobs
from workers.child import Child
from workers.jobs import AI, ASSIST, DRAFT, INDEX, WRITE, WRITING, Crew
from workers.supervision import Supervisor

GRACE = 18.0  # seconds that it has to end
BEHIND_OTHERS = 10  # niceness: who waits for a page goes before who waits for a proposal


def assist(desk: Desk) -> Child:
    return Child(desk, "workers.assist", "The models' process", GRACE)


def main() -> None:
    os.nice(BEHIND_OTHERS)
    child.main(_until, within=GRACE, pool=3)


async def _until(desk: Desk, stop: asyncio.Event) -> None:
    from ai.providers.local import allow
    from workers import assisting, evaluating
    from workers.drafting import AT_ONCE, Drafting  # these import models: only here
    from workers.nightly import nightly
    from workers.teaching import Teaching, write_article
    from workers.thinking import Thinking
    from workers.trying import try_models

    allow()
    thinking = await Thinking.ready(desk)
    tasks: dict[str, jobs.Task] = {ASSIST: thinking.assist, INDEX: thinking.index, DRAFT: thinking.draft}
    teaching = Teaching(desk, thinking.swift)
    tasks[jobs.LEARN] = teaching.learn
    crew, supervisor = Crew(desk, AI, tasks, at_once=1), Supervisor()
    drafting = Drafting(desk, thinking.swift)
    writers = Crew(
        desk,
        WRITING,
        {
            WRITE: drafting.write,
            jobs.ARTICLE: partial(write_article, desk),
            jobs.TRY_MODELS: partial(try_models, desk),
        },
        at_once=AT_ONCE,
    )
    assistants = Crew(
        desk, jobs.ASSISTANT, assisting.answering(desk, thinking.swift), at_once=assisting.AT_ONCE
    )
    async with committed(desk.sessions) as session:  # whatever waited for us
        await jobs.defer(session, [jobs.coalesced(ASSIST, AI), jobs.coalesced(INDEX, AI)])
    async with asyncio.TaskGroup() as group:
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "models": crew.work,
            "revival": crew.revive,
            "writers": writers.work,
            "assistants": assistants.work,
            "evaluations": evaluating.crew(desk, thinking.swift).work,
            "learning": partial(nightly, desk, thinking.swift),
            "teaching": teaching.run,
            "comparing": partial(assisting.comparing, desk, thinking.swift),
        }
        running = [group.create_task(supervisor.keep(*part)) for part in parts.items()]
        await stop.wait()
        for part in running:
            part.cancel()


if __name__ == "__main__":
    main()
