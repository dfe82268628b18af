"""python -m tests.bench.day [--agents 100] [--tickets 4000] [--hours 24] [--seed 1]: a desk's whole day, and its sums.

Ends with 1 where anything is not as the model, the recount or common sense says.
"""

import argparse
import logging
import shutil
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import structlog
import uvloop

from helpdesk.desk import Desk
from helpdesk.settings import Settings
from tests.bench.day.simulated import simulated
from tests.cluster import Cluster


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.day", description=__doc__)
    arguments.add_argument("--agents", type=int, default=100)
    arguments.add_argument("--tickets", type=int, default=4000)
    arguments.add_argument("--hours", type=int, default=24)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    cluster, home = Cluster.started(), Path(tempfile.mkdtemp(prefix="helpdesk-day-"))
    settings = Settings(
        home=home,
        secret="a secret for one simulated day",
        database_url=cluster.url(cluster.clone()),
        log_level="error",
    )
    try:
        return uvloop.run(_run(settings, given))
    finally:
        cluster.server.stop()
        for folder in (cluster.home, home):
            shutil.rmtree(folder, ignore_errors=True)


async def _run(settings: Settings, given: argparse.Namespace) -> int:
    desk = Desk.open(settings, pool=12)
    try:
        report = await simulated(
            desk,
            agents=given.agents,
            tickets=given.tickets,
            hours=given.hours,
            seed=given.seed,
            count_every=timedelta(hours=1),
            told=lambda words: print(words, file=sys.stderr, flush=True),
        )
    finally:
        await desk.close()
    print(report, flush=True)
    for line in report.wrong[:50]:
        print("wrong:", line, file=sys.stderr)
    for number, lines in list(report.stories.items())[:5]:
        print(f"\nticket {number}", *lines, sep="\n", file=sys.stderr)
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
