"""python -m tests.bench.chat.desk: the desk of the environment, web and workers in one process, without models.

Triage and drafts are made in another process, and no message waits for them. `--apart`: the workers in a process of
their own, as `helpdesk serve` has them on two cores.
"""

import asyncio
import subprocess
import sys

from helpdesk import logs
from helpdesk.cli.running import running, stopped_by_signals
from helpdesk.cli.serving import run, served
from helpdesk.desk import Desk
from helpdesk.memory import spare_the_collector
from helpdesk.settings import Settings, load
from workers.run import run as run_workers


def main() -> None:
    settings = load()
    logs.configure(settings)
    if "--work" in sys.argv:
        run(worked(settings))
        return
    if "--apart" not in sys.argv:
        run(served(settings, settings.database_url, workers=False, beside=[workers]))
        return
    with subprocess.Popen([sys.executable, "-m", "tests.bench.chat.desk", "--work"]) as others:
        run(served(settings, settings.database_url, workers=False))
        others.terminate()


async def worked(settings: Settings) -> None:
    spare_the_collector()
    async with running(settings) as desk:
        with stopped_by_signals() as stop:
            await workers(desk, stop)


async def workers(desk: Desk, stop: asyncio.Event) -> None:
    await run_workers(desk, assist=False, stop=stop)


if __name__ == "__main__":
    main()
