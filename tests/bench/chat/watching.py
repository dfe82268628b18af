"""What the desk and its database use while the crowd is there, and what came of it all, in words."""

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import msgspec
import psycopg

from helpdesk.database import libpq_url
from helpdesk.embedded.server import SUPERUSER
from tests.bench.chat.crowd import Plan
from tests.bench.console import Served
from tests.bench.processes import cpu_ms
from tests.cluster import Cluster

SETTLE, COUNTED = (
    10.0,
    5.0,
)  # seconds until both sides talk, and in which each statement is written to the log


@dataclass(frozen=True)
class Sample:
    """The desk at the moment when the crowd said `name`: milliseconds of CPU so far, and memory."""

    name: str
    at: float
    web: float
    database: float
    crowd: float
    rss: float
    told: dict[str, Any]

    def used(self, since: "Sample") -> dict[str, float]:
        """Milliseconds since then."""
        return {what: getattr(self, what) - getattr(since, what) for what in ("web", "database", "crowd")}


@dataclass(frozen=True)
class Statements:
    messages: int
    by_beginning: Counter[str]

    @property
    def of_a_message(self) -> float:
        return self.by_beginning.total() / max(1, self.messages)


def watched(desk: Served, cluster: Cluster, name: str, plan: Plan) -> tuple[list[Sample], Statements]:
    """A sample for each line that the crowd says."""
    samples: list[Sample] = []
    statements = Statements(0, Counter())
    crowd = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.chat.crowd"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert crowd.stdin
    assert crowd.stdout

    def tell(told: object) -> None:
        crowd.stdin.write(msgspec.json.encode(told) + b"\n")  # type: ignore[union-attr]
        crowd.stdin.flush()  # type: ignore[union-attr]

    try:
        tell(plan)
        for line in crowd.stdout:
            told = json.loads(line)
            web, database, crowds = (cpu_ms(pid) for pid in (desk.process.pid, cluster.postmaster, crowd.pid))
            rss = rss_mib(desk.process.pid)
            samples.append(Sample(told.pop("name"), monotonic(), web, database, crowds, rss, told))
            say(samples)
            if samples[-1].name == "arrived":
                tell(numbers(cluster, name))
            elif samples[-1].name == "warm begins":
                statements = counted(cluster, name)
        assert crowd.wait() == 0, "the crowd did not end well"
    finally:
        crowd.kill()
        crowd.wait()
    return samples, statements


def say(samples: list[Sample]) -> None:
    """On standard error, since the whole takes long."""
    last, before = samples[-1], samples[-2] if len(samples) > 1 else samples[-1]
    seconds = max(0.001, last.at - before.at)
    used = ", ".join(f"{what} {ms / seconds / 10:.0f} %" for what, ms in last.used(before).items())
    print(
        f"{last.name}: {seconds:.0f} s, CPU {used}, RSS {last.rss:.1f} MiB {last.told}",
        file=sys.stderr,
        flush=True,
    )


def numbers(cluster: Cluster, name: str) -> dict[int, int]:
    """Ids of tickets by number: a stream names ids."""
    with psycopg.connect(libpq_url(cluster.url(name))) as connection:
        return dict(connection.execute("SELECT number, id FROM ticket").fetchall())


def counted(cluster: Cluster, name: str) -> Statements:
    """What the database was asked in a few seconds, by how it begins; and the messages stored meanwhile."""
    sleep(SETTLE)
    log = cluster.server.files.log
    with psycopg.connect(libpq_url(cluster.url(name, SUPERUSER)), autocommit=True) as connection:
        from_here, messages = log.stat().st_size, _messages(connection)
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        sleep(COUNTED)
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
        messages = _messages(connection) - messages
    with log.open("rb") as lines:
        lines.seek(from_here)
        text = lines.read().decode(errors="replace")
    found = re.findall(r"LOG:  (?:execute [^:]*|statement): (.*(?:\n\t.*)*)", text)
    return Statements(messages, Counter(" ".join(each.split())[:110] for each in found))


def _messages(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM message").fetchone()
    return int(row[0]) if row else 0


def rss_mib(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def report(plan: Plan, samples: list[Sample], statements: Statements, stored: dict[str, int]) -> None:
    """For people, then one line for programs."""
    at = {sample.name: sample for sample in samples}
    minutes = [sample for sample in samples if sample.name in {"minute begins", "minute"}]
    print("| minute | CPU of one core: web | database | crowd | RSS MiB |\n|---|---|---|---|---|")
    for n, (before, after) in enumerate(pairwise(minutes), 1):
        shares = [ms / (after.at - before.at) / 10 for ms in after.used(before).values()]
        print(f"| {n} | {' | '.join(f'{share:.0f} %' for share in shares)} | {after.rss:.1f} |")
    print("\n| delivery, ms | n | p50 | p95 | p99 | most |\n|---|---|---|---|---|---|")
    for what, figures in at["over"].told["took"].items():
        print(f"| {what} | {' | '.join(str(each) for each in figures.values())} |")
    found = {
        "plan": msgspec.to_builtins(plan),
        "delivery": at["over"].told["took"],
        "count": at["over"].told["count"],
        "stored": stored,
        "streams_kib": kib_of_a_stream(at, plan),
        "idle_core_percent": shares_of(at["idle begins"], at["idle ends"]),
        "ms_of_a_message": of_a_message(minutes),
        "rss_mib": [round(each.rss, 1) for each in minutes],
        "rss_mib_a_minute": round(slope([(each.at / 60, each.rss) for each in minutes[1:]]), 3),
        "herd": at["herd"].told | shares_of(at["said"], at["herd"]),
        "statements_of_a_message": round(statements.of_a_message, 1),
        "statements": statements.by_beginning.most_common(60),
    }
    for what, value in found.items():
        if what != "statements":
            print(f"{what}: {value}")
    print(json.dumps(found))


def kib_of_a_stream(at: dict[str, Sample], plan: Plan) -> float:
    opened = plan.widgets + len(plan.agents)
    return round((at["idle begins"].rss - at["arrived"].rss) * 1024 / opened, 1)


def shares_of(before: Sample, after: Sample) -> dict[str, float]:
    """Percent of one core."""
    return {what: round(ms / (after.at - before.at) / 10, 2) for what, ms in after.used(before).items()}


def of_a_message(minutes: list[Sample]) -> dict[str, float]:
    """Milliseconds of CPU, with all that it made consoles ask again."""
    said = minutes[-1].told["messages"] - minutes[0].told["messages"]
    return {what: round(ms / max(1, said), 2) for what, ms in minutes[-1].used(minutes[0]).items()}


def slope(points: list[tuple[float, float]]) -> float:
    """Of a straight line through them, by least squares."""
    if len(points) < 2:
        return 0.0
    x0, y0 = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - x0) ** 2 for x, _ in points)
    return sum((x - x0) * (y - y0) for x, y in points) / spread if spread else 0.0
