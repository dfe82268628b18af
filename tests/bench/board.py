"""python -m tests.bench.board URL [--slow]: the board of a filled desk, and the plans of what it asks.

The figures are milliseconds of the core's own calls, on one connection: no HTTP, no templates. Processor time is the
application's and the database's, what it takes where nothing else runs; parallel workers are left out of it, so they
are switched off.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.board import Scope
from helpdesk.board.picture import board, trends
from helpdesk.board.share import assistants_share
from helpdesk.clock import now
from helpdesk.database import engine, sessions
from helpdesk.people import Agent, Role, Team, with_access
from tests.bench.processes import worked_ms

Operation = Callable[[AsyncSession], Awaitable[Any]]


async def main(url: str, times: int = 25) -> None:
    made = engine(url, size=1)
    last: list[tuple[float, str, Any]] = []

    @event.listens_for(made.sync_engine, "before_cursor_execute")
    def began(_c: Any, _cur: Any, _statement: str, _given: Any, context: Any, _many: Any) -> None:
        context.began = time.perf_counter()

    @event.listens_for(made.sync_engine, "after_cursor_execute")
    def ended(_c: Any, _cur: Any, statement: str, given: Any, context: Any, _many: Any) -> None:
        last.append((time.perf_counter() - context.began, statement, given))

    print(
        "| operation | agent | CPU ms: median | p95 | by the clock: median ms | p95 ms |\n|---|---|---|---|---|---|"
    )
    async with sessions(made)() as session:
        await session.execute(text("SET max_parallel_workers_per_gather = 0"))
        both = os.getpid(), await session.scalar(text("SELECT pg_backend_pid()"))
        team = await session.scalar(select(Team.id).order_by(Team.id).limit(1))
        for email in ("ada@desk.example", "liam@desk.example"):
            found = await session.scalars(select(Agent).where(Agent.email == email).options(*with_access()))
            agent = found.unique().one()
            if email.startswith("liam"):
                agent.role = Role.lead
            for name, operation in operations(agent, Scope(team_id=team)).items():
                await operation(session)
                walls, works = [], []
                for _ in range(times):
                    last.clear()
                    begun, worked = time.perf_counter(), worked_ms(*both)
                    await operation(session)
                    walls.append((time.perf_counter() - begun) * 1000)
                    works.append(worked_ms(*both) - worked)
                print(
                    f"| {name} | {agent.role} | {statistics.median(works):.1f} | {_p95(works):.1f} | "
                    f"{statistics.median(walls):.1f} | {_p95(walls):.1f} |",
                    flush=True,
                )
                if "--slow" in sys.argv:
                    for seconds, statement, _given in sorted(last, key=lambda each: -each[0])[:4]:
                        print(f"    {seconds * 1000:.1f} ms {' '.join(statement.split())[:170]}")
        await session.execute(text("ROLLBACK"))
    await made.dispose()


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def operations(agent: Agent, scope: Scope) -> dict[str, Operation]:
    """The share and what came and went are remembered for a minute, so a live board asks for the first alone."""

    async def live(session: AsyncSession, within: Scope) -> Any:
        return await board(session, agent, within, None)

    async def share(session: AsyncSession) -> Any:
        return await assistants_share(session, agent, Scope(), now())

    async def lately(session: AsyncSession, within: Scope) -> Any:
        return await trends(session, agent, within)

    return {
        "board, live": lambda session: live(session, Scope()),
        "board of a team, live": lambda session: live(session, scope),
        "assistant's share": share,
        "what came and went": lambda session: lately(session, Scope()),
        "what came and went, of a team": lambda session: lately(session, scope),
    }


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
