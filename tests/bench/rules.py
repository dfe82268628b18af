"""python -m tests.bench.rules [--mails 100] [--rules 50]: what rules cost a mail that was received, and who is silent.

Each line is one mail received, dispatched and ruled about, one after the other as on a quiet desk, then all of them
at once: CPU milliseconds, application and database, and statements a mail. Half of the rules wait for new tickets,
the others for messages, changes and promises, each with three statements in its condition.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import event

from helpdesk import intake, rules
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.rules import Given
from helpdesk.settings import Settings
from tests.bench.processes import cpu_ms
from tests.cluster import Cluster
from tests.rules_at_work import settle, where
from tests.scenes import Scene, mail
from workers.ruling import tick

OCCASIONS: list[Mapping[str, Any]] = [
    {"on": "created"},
    {"on": "received"},
    {"on": "created"},
    {"on": "changed", "field": "priority", "now": ["urgent"]},
    {"on": "created"},
    {"on": "breached"},
]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.rules", description=__doc__)
    arguments.add_argument("--mails", type=int, default=100)
    arguments.add_argument("--rules", type=int, default=50)
    given = arguments.parse_args()
    with Cluster.running() as cluster:
        name = cluster.clone()
        settings = Settings(
            home=Path(tempfile.mkdtemp()),
            secret="a secret for benchmarks",
            database_url=cluster.url(name),
            log_level="warning",
        )
        asyncio.run(measure(settings, cluster.postmaster, given.mails, given.rules))


async def measure(settings: Settings, server: int, mails: int, many: int) -> None:
    desk = Desk.open(settings)
    scene = await Scene.set(desk)
    statements = Statements(desk)
    print(
        "| active rules | at once | received | dispatched and ruled about | statements |\n|---|---|---|---|---|"
    )
    for label, number, fitting in [
        ("none", 0, 0),
        (f"{many}, none fits", many, 0),
        (f"{many}, two fit", many, 2),
    ]:
        await _rules(scene, number, fitting)
        for together in (1, mails):
            print(await _mails(scene, statements, server, label, mails, together), flush=True)
    statements.count = 0
    before = cpu_ms(os.getpid()) + cpu_ms(server)
    await tick(desk)
    spent = cpu_ms(os.getpid()) + cpu_ms(server) - before
    print(f"a look for silences: {statements.count} statements, {spent:.0f} ms")
    await desk.close()


class Statements:
    def __init__(self, desk: Desk) -> None:
        self.count = 0
        engine = desk.sessions.kw["bind"]
        event.listen(engine.sync_engine, "before_cursor_execute", self._one)

    def _one(self, *_: Any) -> None:
        self.count += 1


async def _rules(scene: Scene, number: int, fitting: int) -> None:
    async with committed(scene.desk.sessions) as session:
        for old in await rules.all_rules(session):
            await rules.remove(session, old, by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        for n in range(number):
            fits = n < fitting
            subject = where("subject", "contains", "question" if fits else f"campaign {n}")
            others = [where("priority", "any_of", ["normal", "high"]), where("language", "is_empty")]
            given = Given(
                f"Rule {n}",
                [{"on": "created"}] if fits else [OCCASIONS[n % len(OCCASIONS)]],
                [{"verb": "tag", "tags": [f"tag {n}"]}, {"verb": "priority", "priority": "high"}],
                {"kind": "all", "of": [subject, *others]},
                active=True,
            )
            await rules.keep(session, None, given, by=scene.agents["Ada"])
    await settle(scene)


async def _mails(
    scene: Scene, statements: Statements, server: int, label: str, mails: int, together: int
) -> str:
    spent = {"in": [0.0, 0.0], "ruled": [0.0, 0.0]}
    counted = 0
    for start in range(0, mails, together):
        before = _now(server)
        for n in range(start, start + together):
            sender = f"p{n}@customers.example"
            async with committed(scene.desk.sessions) as session:
                await intake.receive(scene.desk, session, scene.inbox, mail(f"Mail {n}", sender=sender))
        middle = _now(server)
        statements.count = 0
        await settle(scene)
        after = _now(server)
        counted += statements.count
        for place in (0, 1):
            spent["in"][place] += middle[place] - before[place]
            spent["ruled"][place] += after[place] - middle[place]
    each = {name: f"{ours / mails:.1f} + {theirs / mails:.1f} ms" for name, (ours, theirs) in spent.items()}
    return f"| {label} | {together} | {each['in']} | {each['ruled']} | {counted / mails:.1f} |"


def _now(server: int) -> tuple[float, float]:
    return cpu_ms(os.getpid()), cpu_ms(server)


if __name__ == "__main__":
    main()
