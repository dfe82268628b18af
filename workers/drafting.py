"""Drafts in a language model's words, beside everything else that the models' process does.

A draft from the articles is there at once; the model's takes its place when it is ready, unless somebody has answered,
used or turned down the first one meanwhile.
"""

import asyncio

import structlog
from procrastinate.jobs import Job
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting import proposing
from ai.drafting.answering import Answer
from ai.drafting.entailment import entailment
from ai.drafting.proposing import Task
from ai.providers import Purpose, serving
from ai.suggestions import Suggestion
from ai.writing import ModelFailed
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict
from helpdesk.events import ASSISTANT
from helpdesk.messages import Direction
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from workers import jobs

PATIENCE = 90.0  # seconds for one draft, its retries included
AT_ONCE = 2  # models wait for others most of the time

log = structlog.get_logger(__name__)


class Drafting:
    def __init__(self, desk: Desk, embedder: Embedder) -> None:
        self.desk, self.embedder = desk, embedder
        self.entailment = entailment(desk.settings)

    async def write(self, ticket_id: int) -> None:
        """Does nothing where no model serves drafts, or nothing is offered any more."""
        async with committed(self.desk.sessions) as session:
            ticket = await session.get(Ticket, ticket_id)
            if ticket is None or await _offered(session, ticket) is None:
                return
            task = await proposing.task_of(session, self.desk.settings, self.embedder, ticket)
        if task is None or task.model is None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                answer, model = await task.done(self.embedder, self.entailment)
        except (ModelFailed, TimeoutError) as error:
            log.warning("no draft of a model", ticket=ticket_id, why=str(error) or "it took too long")
            return
        async with committed(self.desk.sessions) as session:
            await self._keep(session, task, answer, model)

    async def _keep(self, session: AsyncSession, task: Task, answer: Answer, model: str) -> None:
        ticket = await session.scalar(
            select(Ticket)
            .where(Ticket.id == task.ticket_id, Ticket.last_direction == Direction.inbound, ~Ticket.settled)
            .with_for_update(key_share=True)
        )
        if ticket is None or (offered := await _offered(session, ticket)) is None:
            return
        if model.startswith(proposing.EXTRACTIVE):
            offered.removed = [{"text": each.text, "why": each.why.value} for each in answer.removed] or None
            return
        try:
            await proposing.keep(session, ticket, task, answer, model=model, hint=None, by=ASSISTANT)
        except Conflict:
            log.info("a draft came too late", ticket=ticket.id)


async def _offered(session: AsyncSession, ticket: Ticket) -> Suggestion | None:
    """What nobody has asked for in other words yet."""
    newest = await session.scalar(
        select(Suggestion).where(Suggestion.ticket_id == ticket.id).order_by(Suggestion.id.desc()).limit(1)
    )
    by_itself = newest is not None and newest.is_open and newest.hint is None
    return newest if by_itself and newest and newest.model.startswith(proposing.EXTRACTIVE) else None


async def wanted(session: AsyncSession, ticket_id: int) -> list[Job]:
    """To be deferred with the first draft, where a model serves drafts."""
    return [jobs.writing(ticket_id)] if await serving(session, Purpose.draft) else []
