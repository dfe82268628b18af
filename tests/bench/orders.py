"""python -m tests.bench.orders URL OWNER: every order of the settled tickets, with and without indexes for them.

For each order, the first page and the one behind half of all, of an admin and an agent of no team: buffers of 8 KB and
milliseconds of the server's process, planned for the values and by the plan for all. Then the same with the indexes
that would serve them, and what these add to writing. They are made in a transaction that is taken back.
"""

import asyncio
import sys
from collections.abc import Callable

from sqlalchemy import func, select

from helpdesk import views
from helpdesk.database import engine, sessions
from helpdesk.ordering import Order, Sorting
from helpdesk.people import Agent, with_access
from helpdesk.tickets import Ticket
from helpdesk.tickets.row import SETTLED
from helpdesk.views import View
from tests.bench.plans import Planner, Run
from tests.bench.processes import worked_ms
from tests.bench.recorded import WHO, Asked, Record

WANTED = {
    "waiting": f"((coalesce(waiting_since, 'infinity')), id) WHERE {SETTLED}",
    "due": f"((coalesce(next_due_at, 'infinity')), id) WHERE {SETTLED}",
}
ORDERED_BY = ("id", "number", "last_message_at", "created_at", "priority", "waiting_since", "next_due_at")
MANY = 2_000
WRITES = {
    "a message in each of 2,000 settled tickets": f"""
        UPDATE ticket SET last_message_at = last_message_at + interval '1 second'
        WHERE id IN (SELECT id FROM ticket WHERE {SETTLED} ORDER BY id LIMIT {MANY})""",
    "a message in each of 2,000 open tickets": f"""
        UPDATE ticket SET last_message_at = last_message_at + interval '1 second'
        WHERE id IN (SELECT id FROM ticket WHERE NOT settled AND removed IS NULL ORDER BY id LIMIT {MANY})""",
}


async def asked(url: str) -> list[tuple[str, Asked, str]]:
    """What lists ask: name, values and statement."""
    made, found = engine(url, size=1), []
    async with sessions(made)() as session:
        chosen = await session.scalars(select(Agent).where(Agent.email.in_(WHO[::2])).options(*with_access()))
        agents = chosen.unique().all()
        settled = views.condition(View.settled, agents[0])
        behind = (await session.scalar(select(func.count()).select_from(Ticket).where(settled)) or 0) // 2
        for sorting in map(Sorting, Order):
            columns = (Ticket.__table__.c[name] for name in ORDERED_BY)
            query = select(*columns).where(settled).order_by(*sorting.by()).offset(behind).limit(1)
            half_way = sorting.place((await session.execute(query)).one())
            for agent in agents:
                for name, place in (("first page", None), ("half-way", half_way)):
                    record = Record()
                    async with record.listening():
                        await views.listed(session, agent, View.settled, sorting=sorting, after=place)
                    statement, heard = max(record.statements.items(), key=lambda each: len(each[0]))
                    found.append((f"{sorting.order}, {name}, {agent.role}", heard, statement))
    await made.dispose()
    return found


def both_plans(planner: Planner, statement: str, heard: Asked) -> tuple[Run, Run]:
    line = planner._prepared(statement, heard.values[-1])
    runs = planner._run(line, "force_custom_plan"), planner._run(line, "force_generic_plan")
    planner.connection.execute("DEALLOCATE tried")
    return runs


def writing(planner: Planner, tell: Callable[[str], None]) -> None:
    """The second of two, each taken back: milliseconds of the server's process and bytes of WAL."""
    connection = planner.connection
    for name, statement in WRITES.items():
        for _ in range(2):
            connection.execute("SAVEPOINT writing")
            before = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
            worked = worked_ms(connection.info.backend_pid)
            connection.execute(statement)
            worked = worked_ms(connection.info.backend_pid) - worked
            row = connection.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before).fetchone()
            connection.execute("ROLLBACK TO writing")
        assert row
        tell(f"| {name} | {worked:.0f} ms, {int(row[0]):,} bytes of WAL |")


def main(url: str, owner: str) -> None:
    every = asyncio.run(asked(url))
    planner = Planner(owner)
    planner.connection.execute("SET statement_timeout = 0")
    before = {name: both_plans(planner, statement, heard) for name, heard, statement in every}
    writing(planner, print)
    for name, definition in WANTED.items():
        index = f"ix_ticket_settled_{name}"
        planner.connection.execute(f"CREATE INDEX {index} ON ticket {definition}".encode())
        row = planner.connection.execute("SELECT pg_size_pretty(pg_relation_size(%s))", [index]).fetchone()
        assert row
        print(f"| {index} | {row[0]} |")
    writing(planner, print)
    print("| list | before: for its values | for all | with indexes: for its values | for all |")
    print("|---|---|---|---|---|")
    for name, heard, statement in every:
        runs = *before[name], *both_plans(planner, statement, heard)
        print(f"| {name} | {' | '.join(map(str, runs))} |", flush=True)
    planner.connection.rollback()


if __name__ == "__main__":
    main(*sys.argv[1:3])
