"""The assistant at work: what came in is looked at beside the mail, thought about in the models' process, and given
to people by whoever notices that nobody thinks about it any more."""

import asyncio
from functools import partial

import structlog

from ai.assistant import acting, agreeing, starting
from ai.assistant.running import Answering
from ai.assistant.sweeping import sweep
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.engagements import latest
from helpdesk.holding import held
from helpdesk.ports import Embedder
from workers import jobs

EVERY = 2.0  # seconds between looks for runs that nobody ends
COMPARE = 30.0  # seconds between looks for what colleagues said where the assistant only listened
AT_ONCE = 3  # runs in one models' process

log = structlog.get_logger(__name__)


async def engage(desk: Desk, ticket_id: int) -> None:
    """A customer wrote, a colleague handed the ticket back, or a rule asks: without any model."""
    async with committed(desk.sessions) as session:
        ticket = await held(session, ticket_id)
        message = await starting.last_asked(session, ticket) if ticket else None
        if ticket is None or message is None:
            return
        engagement = await latest(session, ticket)
        if engagement and engagement.is_active and not await starting.has_run(session, engagement, message):
            run = await starting.again(session, ticket, message, engagement)
        else:
            run = await starting.consider(session, message.id)
        if run:
            await jobs.defer(session, [jobs.answering(run.id)])


async def consider(desk: Desk, message_ids: list[int]) -> None:
    """Messages as they came in; each by itself, since each locks its ticket."""
    async with desk.sessions() as session:
        if not await starting.is_at_work(session):
            return
    for message_id in message_ids:
        async with committed(desk.sessions) as session:
            if run := await starting.consider(session, message_id):
                await jobs.defer(session, [jobs.answering(run.id)])


async def sweeping(desk: Desk) -> None:
    """For ever, in every worker."""
    while True:
        if late := await sweep(desk):
            log.warning("assistant did not answer in time", runs=late)
        await asyncio.sleep(EVERY)


async def comparing(desk: Desk, embedder: Embedder) -> None:
    """For ever, in the models' process."""
    while True:
        async with committed(desk.sessions) as session:
            compared = await agreeing.compare(session, embedder)
        async with committed(desk.sessions) as session:
            await agreeing.demote(session)
        await asyncio.sleep(0 if compared else COMPARE)


def answering(desk: Desk, embedder: Embedder) -> dict[str, jobs.Task]:
    return {jobs.ANSWER: Answering(desk, embedder).answer, jobs.ACT: partial(acting.act, desk)}
