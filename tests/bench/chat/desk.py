"""python -m tests.bench.chat.desk: the desk of the environment, web and workers in one process, without models.

Triage and drafts are made in another process, and no message waits for them.
"""

import asyncio

from helpdesk import logs
from helpdesk.cli.serving import run, served
from helpdesk.desk import Desk
from helpdesk.settings import load
from workers.run import run as run_workers


def main() -> None:
    settings = load()
    logs.configure(settings)
    run(served(settings, settings.database_url, workers=False, beside=[workers]))


async def workers(desk: Desk, stop: asyncio.Event) -> None:
    await run_workers(desk, assist=False, stop=stop)


if __name__ == "__main__":
    main()
