"""python -m tests.bench.views URL: lists, views, counts and searches of a filled desk, and why the slowest are slow.

The figures are milliseconds of the core's own calls, on one connection: no HTTP, no templates. Beside what a clock
shows stands the processor time of one operation, application and database: what it takes where nothing else runs.
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

from helpdesk import conditions, views
from helpdesk.clock import now
from helpdesk.conditions import Condition
from helpdesk.database import engine, sessions
from helpdesk.ordering import Order, Sorting
from helpdesk.people import Agent, with_access
from helpdesk.search import finding, syntax
from helpdesk.search.values import Vocabulary, vocabulary
from helpdesk.views import View
from tests.bench.processes import cpu_ms, worked_ms

HARD = {
    "view: tag and field and words": "tag:tag20 plan:free invoice",
    "view: tag and field that never meet": "tag:tag20 plan:team invoice",
    "view: urgent": "priority:urgent",
    "view: rare words in the subject": "subject:tetosa",
    "view: rare field value": "order_number:A-4000",
    "view: company's urgent, waiting": 'company:"Company 77" priority:urgent is:waiting',
    "view: tag or unread high, not team": "(tag:tag3 OR (is:unread priority:high)) -team:none is:open",
    "view: last week's, unassigned, with words": "updated:7d is:unassigned refund",
}
SEARCHES = {
    "search: word in 1 % of messages": "davevirir",
    "search: word in a third of messages": "sync",
    "search: word in half of the messages": "invoice",
    "search: one message": "ref5000001",
    "search: a word that is nowhere": "tetosanade",
    "search: two words": "printer refund",
    "search: exact words": '"card plan"',
    "search: word with filters": "invoice status:open priority:urgent",
    "search: name": "Johnson",
    "search: misspelt name": "jonhson",
    "search: address": "from:person1234@customers.example",
}
Operation = Callable[[AsyncSession], Awaitable[Any]]


async def main(url: str, postmaster: int, times: int = 25) -> None:
    made = engine(url, size=1)
    slow: dict[str, tuple[float, str, Any]] = {}
    last: list[tuple[float, str, Any]] = []

    @event.listens_for(made.sync_engine, "before_cursor_execute")
    def began(_c: Any, _cur: Any, statement: str, given: Any, context: Any, _many: Any) -> None:
        context.began = time.perf_counter()

    @event.listens_for(made.sync_engine, "after_cursor_execute")
    def ended(_c: Any, _cur: Any, statement: str, given: Any, context: Any, _many: Any) -> None:
        last.append((time.perf_counter() - context.began, statement, given))

    print(
        "| operation | agent | CPU ms: median | p95 | of it the database's | by the clock: median ms | p95 ms |"
    )
    print("|---|---|---|---|---|---|---|")
    async with sessions(made)() as session:
        both = os.getpid(), await session.scalar(text("SELECT pg_backend_pid()"))
        for email in ("ada@desk.example", "agent7@desk.example"):
            found = await session.scalars(select(Agent).where(Agent.email == email).options(*with_access()))
            agent = found.unique().one()
            for name, operation in operations(agent, await vocabulary(session)).items():
                last.clear()
                walls, works = [], []
                await operation(session)
                cpu = cpu_ms(postmaster)
                for _ in range(times):
                    begun, worked = time.perf_counter(), worked_ms(*both)
                    await operation(session)
                    walls.append((time.perf_counter() - begun) * 1000)
                    works.append(worked_ms(*both) - worked)
                    if walls[-1] > 5000:
                        break
                cpu = (cpu_ms(postmaster) - cpu) / len(walls)
                print(
                    f"| {name} | {agent.role} | {statistics.median(works):.1f} | {_p95(works):.1f} | {cpu:.1f} | "
                    f"{statistics.median(walls):.1f} | {_p95(walls):.1f} |",
                    flush=True,
                )
                slow[f"{name} ({agent.role})"] = max(last, key=lambda each: each[0])
        for name, (_seconds, statement, given) in sorted(slow.items(), key=lambda each: -each[1][0])[:5]:
            plan = await (await session.connection()).exec_driver_sql(
                f"EXPLAIN (ANALYZE, BUFFERS) {statement}", given
            )
            print(f"\n### {name}\n```\n" + "\n".join(row[0] for row in plan) + "\n```")
        print(await session.scalar(text("SELECT pg_size_pretty(pg_database_size(current_database()))")))
    await made.dispose()


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def operations(agent: Agent, known: Vocabulary) -> dict[str, Operation]:
    def listed(view: Any, sorting: Sorting | None = None) -> Operation:
        return lambda session: views.listed(session, agent, view, sorting=sorting)

    def kept(wanted: Condition) -> Operation:
        async def operation(session: AsyncSession) -> Any:
            where = await conditions.compiled(session, conditions.kept(wanted), agent, now())
            return await views.listed(session, agent, where)

        return operation

    def search(typed: str) -> Operation:
        return lambda session: finding.find(session, agent, syntax.read(typed, known.find, known.kinds))

    return (
        {"counts of all queues": lambda session: views.counts(session, agent)}
        | {f"queue: {view}": listed(view) for view in View}
        | {f"all open by {order}": listed(View.all, Sorting(order)) for order in Order}
        | {name: kept(syntax.read(typed, known.find, known.kinds).whole) for name, typed in HARD.items()}
        | {name: search(typed) for name, typed in SEARCHES.items()}
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
