"""From events to jobs, each event once, however many dispatch at the same time."""

import asyncio

from procrastinate.jobs import Job
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import starting
from helpdesk import webhooks
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event, EventDispatch
from helpdesk.messages import Message
from helpdesk.rules import happenings
from workers import jobs, reactions
from workers.reactions import Happened
from workers.wakeup import Bell

BATCH = 200
GATHER = 0.25  # seconds in which more may happen, so that a busy desk dispatches many events at once


async def dispatch(desk: Desk, bell: Bell) -> None:
    """For ever: react to what happened, then wait for more."""
    while True:
        async with committed(desk.sessions) as session:
            done = await dispatch_batch(session)
        if done < BATCH:
            await bell.wait()
            await asyncio.sleep(GATHER)


async def dispatch_batch(session: AsyncSession) -> int:
    """Claim events, defer what they start, forget them: one transaction, so all of it or nothing."""
    waiting = (
        select(EventDispatch.event_id)
        .order_by(EventDispatch.event_id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte()  # evaluated once, whatever the planner makes of the rest
    )
    claimed = await session.scalars(
        delete(EventDispatch)
        .where(EventDispatch.event_id.in_(select(waiting.c.event_id)))
        .returning(EventDispatch.event_id)
        .execution_options(synchronize_session=False)
    )
    event_ids = claimed.all()
    if event_ids:
        happened = await _happened(session, list(event_ids))
        started = [job for event in happened for job in reactions.jobs_for(event)]
        if any(_is_for_the_assistant(job) for job in started) and not await starting.is_at_work(session):
            started = [job for job in started if not _is_for_the_assistant(job)]
        if await happenings.enlist(session, event_ids):
            started.append(jobs.coalesced(jobs.RULES, jobs.MAIL))
        await jobs.defer(session, jobs.gathered(started))
        await webhooks.enlist(session, event_ids)
    return len(event_ids)


def _is_for_the_assistant(job: Job) -> bool:
    return job.task_name == jobs.CONSIDER


async def _happened(session: AsyncSession, event_ids: list[int]) -> list[Happened]:
    rows = await session.execute(
        select(Event.kind, Event.ticket_id, Event.message_id, Message.send_after, Event.id, Event.about_id)
        .outerjoin(Message, Message.id == Event.message_id)
        .where(Event.id.in_(event_ids), Event.kind.in_(reactions.REACTIONS))
        .order_by(Event.id)
    )
    return [Happened(*row) for row in rows]
