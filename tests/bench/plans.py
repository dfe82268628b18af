"""python -m tests.bench.plans URL [--only WORDS]: are kept plans as good as those for their values?

Every statement that a filled desk asks (tests/bench/recorded.py) is prepared as the driver does it, and run with the
values that were asked for: planned for them, and by the one plan that PostgreSQL may keep for all. Prints those where
the kept plan touches more or works longer, buffers of 8 KB and milliseconds of the server's process, planning
included, and whether PostgreSQL would keep it after being asked six times with the same values: with all that
were tried, or with some, so that it depends on what a connection was asked first.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus

from helpdesk.database import libpq_url
from helpdesk.settings import Settings
from tests.bench.__main__ import signable
from tests.bench.processes import worked_ms
from tests.bench.recorded import Asked, recorded

MANY = 5
"""Values of one statement that are tried, spread over those that were asked for."""
KEPT_AFTER = 6
SLOW = 500.0
"""Milliseconds beyond which once is enough."""
PATIENCE = 10_000.0


@dataclass
class Run:
    buffers: int
    cpu: float

    def __str__(self) -> str:
        return "more than 10 s" if self.cpu == PATIENCE else f"{self.buffers:,}, {self.cpu:.1f} ms"


@dataclass
class Compared:
    where: str
    value: str
    custom: Run
    generic: Run
    kept: bool

    @property
    def is_worse(self) -> bool:
        more, longer = self.generic.buffers - self.custom.buffers, self.generic.cpu - self.custom.cpu
        return (more > 200 and more > self.custom.buffers / 2) or (
            longer > 2 and longer > self.custom.cpu / 2
        )

    def __str__(self) -> str:
        return f"| {self.where} | {self.value} | {self.custom} | {self.generic} |"


class Planner:
    """One connection, on which statements are prepared as psycopg prepares them."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(libpq_url(url), prepare_threshold=None)
        self.connection.execute("SET timezone = 'UTC'; SET max_parallel_workers_per_gather = 0")
        self.connection.execute("SET statement_timeout = '10s'; SET jit = off")
        self.connection.commit()

    def compared(self, asked: Asked, statement: str) -> Iterator[Compared]:
        every = asked.values
        for values in every[:: max(1, -(-len(every) // MANY))]:
            line = self._prepared(statement, values)
            kept = self._is_kept(line)
            custom, generic = (self._run(line, mode) for mode in ("force_custom_plan", "force_generic_plan"))
            self.connection.rollback()
            self.connection.execute("DEALLOCATE tried")
            self.connection.commit()
            shown = (
                ", ".join(str(each)[:24] for each in (values or {}).values())
                if isinstance(values, dict)
                else ""
            )
            yield Compared(asked.where, shown[:70], custom, generic, kept)

    def plan(self, statement: str, values: Any, mode: str) -> str:
        """As EXPLAIN tells it."""
        line = self._prepared(statement, values)
        self.connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        rows = self.connection.execute(b"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) " + line).fetchall()
        self.connection.rollback()
        self.connection.execute("DEALLOCATE tried")
        self.connection.commit()
        return "\n".join(row[0] for row in rows)

    def _prepared(self, statement: str, values: Any) -> bytes:
        """How it is executed with these values."""
        query = PostgresQuery(Transformer.from_context(self.connection))
        query.convert(statement, values)
        made = self.connection.pgconn.prepare(b"tried", query.query, query.types)
        assert made.status == ExecStatus.COMMAND_OK, made.error_message.decode()
        ordered = [values[name] for name in query._order or ()] if isinstance(values, dict) else values or ()
        if not ordered:
            return b"EXECUTE tried"
        given = sql.SQL(", ").join(map(sql.Literal, ordered)).as_bytes(self.connection)
        return b"EXECUTE tried (" + given + b")"

    def _run(self, line: bytes, mode: str) -> Run:
        """The second of two runs, which finds in memory what there is room for."""
        pid = self.connection.info.backend_pid
        for _ in range(2):
            self.connection.execute("SAVEPOINT before")
            self.connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            worked = worked_ms(pid)
            try:
                row = self.connection.execute(
                    b"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + line
                ).fetchone()
            except psycopg.errors.QueryCanceled:
                self.connection.execute("ROLLBACK TO before")
                return Run(0, PATIENCE)
            cpu = worked_ms(pid) - worked
            self.connection.execute("ROLLBACK TO before")
            if cpu > SLOW:
                break
        assert row
        top = row[0][0]["Plan"]
        return Run(top["Shared Hit Blocks"] + top["Shared Read Blocks"], cpu)

    def _is_kept(self, line: bytes) -> bool:
        for _ in range(KEPT_AFTER):
            self.connection.execute(b"EXPLAIN " + line)
        query = "SELECT generic_plans > 0 FROM pg_prepared_statements WHERE name = 'tried'"
        row = self.connection.execute(query).fetchone()
        return bool(row and row[0])


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m tests.bench.plans", description=__doc__)
    given.add_argument("url", help="a desk that filling.py has filled")
    given.add_argument("--only", default="", help="statements with these words, and their plans")
    arguments = given.parse_args()
    asyncio.run(
        signable(Settings(home=Path(tempfile.mkdtemp()), database_url=arguments.url, log_level="warning"))
    )
    record = asyncio.run(recorded(arguments.url))
    planner = Planner(arguments.url)
    print("| where | values | planned for them | by the kept plan |\n|---|---|---|---|")
    totals = dict.fromkeys(("statements", "kept", "worse", "worse and kept"), 0)
    for statement, asked in record.statements.items():
        if arguments.only not in statement and arguments.only not in asked.where:
            continue
        tried = list(planner.compared(asked, statement))
        worse = [one for one in tried if one.is_worse]
        is_kept = not asked.own_plans and any(one.kept for one in tried)
        counted = zip(totals, (True, is_kept, bool(worse), worse and is_kept), strict=True)
        totals |= {name: totals[name] + bool(counts) for name, counts in counted}
        if worse or arguments.only:
            print(f"\n{_told(asked, tried)}: {' '.join(statement.split())[-400:]}")
            for one in tried:
                print(one, flush=True)
        if arguments.only:
            for mode in ("force_custom_plan", "force_generic_plan"):
                print(f"\n{mode}\n{planner.plan(statement, asked.values[-1], mode)}\n")
    print(totals)


def _told(asked: Asked, tried: list[Compared]) -> str:
    if asked.own_plans:
        return "own plans"
    kept = sum(one.kept for one in tried)
    return "kept" if kept == len(tried) else "perhaps kept" if kept else "not kept"


if __name__ == "__main__":
    main()
