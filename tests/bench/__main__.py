"""python -m tests.bench [--sizes 1000 100000] [--rounds 3] [--times 40]: CPU and time of what agents and mails do.

Every figure is CPU milliseconds of one operation, application and database apart, from /proc; beside it the
wall time's median and 95th percentile of one client, and the CPU as a multiple of parsing one fixed mail
with the standard library in the same minute, which says how fast the machine was.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from sqlalchemy import delete, func, select, update

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.embedded.server import SUPERUSER
from helpdesk.people import Agent
from helpdesk.saved_views import SavedView
from helpdesk.settings import Settings
from helpdesk.tickets import Ticket
from tests.bench import filling
from tests.bench.console import PASSWORD, Served, served
from tests.bench.intake import mails_in
from tests.bench.operations import operations, saved
from tests.bench.processes import cpu_ms, pss_mib
from tests.cluster import Cluster
from tests.scenes import Scene
from web.passwords import hashed

SECRET = "a secret for benchmarks, nothing else"
MAIL = (
    b"From: Marta <marta@lumen.example>\r\nTo: support@desk.example\r\nSubject: Charged twice\r\n"
    b"Message-ID: <1@lumen.example>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + b"My card was charged twice in March. " * 50
)


HEAD = (
    "| operation | tickets | CPU ms, application + database | median ms | p95 ms | × calibration |\n"
    "|---|---|---|---|---|---|"
)


@dataclass
class Row:
    name: str
    tickets: int
    application: float
    database: float
    median: float
    p95: float
    calibration: float

    def __str__(self) -> str:
        total = self.application + self.database
        return (
            f"| {self.name} | {self.tickets:,} | {self.application:.1f} + {self.database:.1f} | "
            f"{self.median:.1f} | {self.p95:.1f} | {total / self.calibration:.1f} |"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--times", type=int, default=40, help="operations a round")
    arguments.add_argument(
        "--filled", nargs=2, metavar=("URL", "POSTMASTER"), help="a desk that filling.py has filled"
    )
    given = arguments.parse_args()
    if given.filled:
        print(HEAD)
        measure_filled(given.filled[0], int(given.filled[1]), given.rounds, given.times)
        return
    with Cluster.running() as cluster:
        print(HEAD)
        for size in given.sizes:
            measure(cluster, size, given.rounds, given.times)


def measure(cluster: Cluster, size: int, rounds: int, times: int) -> None:
    name = cluster.clone()
    home = Path(tempfile.mkdtemp())
    settings = Settings(home=home, secret=SECRET, database_url=cluster.url(name), log_level="warning")
    scene = asyncio.run(prepared(settings))
    filling.fill(
        cluster.url(name, SUPERUSER),
        size,
        inbox_id=scene.inbox.id,
        agents=[agent.id for agent in scene.agents.values()],
        teams=[team.id for team in scene.teams.values()],
    )
    server = cluster.postmaster
    print(asyncio.run(mails_in(settings, server, size)), flush=True)
    measure_served(settings, size, scene.inbox.id, server, rounds, times)
    cluster.drop(name)


def measure_filled(url: str, postmaster: int, rounds: int, times: int) -> None:
    """Its views are made again, and its agents get the password of benchmarks."""
    home = Path(tempfile.mkdtemp())
    settings = Settings(home=home, secret=SECRET, database_url=url, log_level="warning")
    size, inbox_id = asyncio.run(signable(settings))
    measure_served(settings, size, inbox_id, postmaster, rounds, times)


async def signable(settings: Settings) -> tuple[int, int]:
    desk = Desk.open(settings)
    async with committed(desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
        await session.execute(delete(SavedView))
        size = await session.scalar(select(func.max(Ticket.number)))
        inbox_id = await session.scalar(select(func.min(Ticket.inbox_id)))
    await desk.close()
    return size or 0, inbox_id or 0


def measure_served(
    settings: Settings, size: int, inbox_id: int, server: int, rounds: int, times: int
) -> None:
    views = asyncio.run(saved(settings))
    with served(settings.database_url or "", settings.home, "--no-workers") as desk:
        desk.sign_in("liam@desk.example")
        rows: dict[str, list[Row]] = {}
        measured_ones = operations(desk, size, views, inbox_id)
        for _ in range(rounds):
            for what, operation in measured_ones.items():
                rows.setdefault(what, []).append(measured(what, size, operation, times, desk, server))
        for each in rows.values():
            print(sorted(each, key=lambda row: row.application + row.database)[len(each) // 2], flush=True)
        print(
            f"\nweb process {pss_mib(desk.process.pid):.0f} MiB PSS; "
            f"first page {desk.seconds_to_first_page:.1f} s after start\n",
            flush=True,
        )


async def prepared(settings: Settings) -> Scene:
    desk = Desk.open(settings)
    scene = await Scene.set(desk)
    async with committed(desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
            agent.role = scene.agents["Ada"].role
    await desk.close()
    return scene


def measured(
    what: str, size: int, operation: Callable[[], None], times: int, desk: Served, server: int
) -> Row:
    for _ in range(5):
        operation()
    walls = []
    application, database = cpu_ms(desk.process.pid), cpu_ms(server)
    for _ in range(times):
        began = time.perf_counter()
        operation()
        walls.append((time.perf_counter() - began) * 1000)
    return Row(
        what,
        size,
        (cpu_ms(desk.process.pid) - application) / times,
        (cpu_ms(server) - database) / times,
        statistics.median(walls),
        statistics.quantiles(walls, n=20)[-1],
        calibration(),
    )


def calibration(times: int = 100) -> float:
    """CPU milliseconds to parse one fixed mail with the standard library, now, on this machine."""
    began = time.process_time()
    for _ in range(times):
        str(message_from_bytes(MAIL, policy=default)["subject"])
    return (time.process_time() - began) * 1000 / times


if __name__ == "__main__":
    main()
