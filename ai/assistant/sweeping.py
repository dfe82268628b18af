"""Runs that nobody takes up, or whose runner is gone, end with a person: within seconds, and without any model."""

from datetime import timedelta

from sqlalchemy import and_, or_, select

from ai.assistant.acting import forgotten
from ai.assistant.decisions import Reason
from ai.assistant.rows import Run, State
from ai.assistant.running import fail
from helpdesk.clock import now
from helpdesk.desk import Desk

SILENT = timedelta(seconds=5)
"""Without a sign of life whoever ran it is gone."""
GRACE = timedelta(seconds=1)
"""For a run that ends itself at its time."""
BATCH = 50


async def sweep(desk: Desk) -> int:
    """How many were given to people. Any number of workers at once do no harm."""
    time = now()
    async with desk.sessions() as session:
        found = await session.execute(
            select(Run.id, Run.state, Run.due_at)
            .where(
                or_(
                    and_(Run.state == State.waiting, Run.due_at < time),
                    and_(Run.state == State.running, Run.due_at < time - GRACE),
                    and_(Run.state == State.running, Run.alive_at < time - SILENT),
                )
            )
            .order_by(Run.due_at)
            .limit(BATCH)
        )
        late = found.all()
    for run_id, state, due_at in late:
        running = Reason.slow if due_at < time else Reason.failed
        await fail(desk, run_id, Reason.busy if state is State.waiting else running)
    return len(late) + await forgotten(desk)
