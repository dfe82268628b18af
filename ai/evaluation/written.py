"""What a language model is worth for drafts: the questions that would get one, put into words by it, and checked as
every draft is. Said is what the check lets through; silence is right where the article that answers was taken away."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.compose import compose
from ai.courtesy import courtesy
from ai.drafting import writing
from ai.drafting.answering import Answer
from ai.drafting.writing import rewritten
from ai.evaluation.answers import ANSWERABLE, NEAR_MISS, Case, Told, case_of, found, summary
from ai.evaluation.sets import Question
from ai.levels import level
from ai.passages import best_passage_first
from ai.providers import Connection, Purpose
from ai.providers.choosing import model_of
from ai.writing import ModelFailed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.ports import Embedder, LanguageModel
from kb.search import Hit

MOST = 40
"""Questions of one evaluation: each asks the model once or twice, and costs."""
PATIENCE = 3
"""Failures in a row after which the model is taken to be down."""
PROMPT = hashlib.sha256((writing.SYSTEM + writing.WISHED).encode()).hexdigest()[:12]
"""Which instructions the model has: another hash, another measurement."""


def named(connection: Connection) -> dict[str, str]:
    """What of a configuration tells which model wrote, and by which instructions."""
    return {"draft": f"{connection.kind} {connection.base_url} {connection.model}", "prompt": PROMPT}


@dataclass(frozen=True)
class Task:
    """One question with what is found for it: all that is needed to ask the model without a database."""

    case: Case
    answer: Answer | None
    model: LanguageModel | None
    """None where no draft would be offered: then nothing is asked."""


async def evaluate_written(
    embedder: Embedder, connection: Connection, tasks: Sequence[Task], *, tell: Told
) -> tuple[dict[str, Any], list[Case]]:
    """No database is held meanwhile, and nothing is kept of what the model writes but whether it held. Raises Invalid
    where the model is down."""
    cases, removed, failed, row = list[Case](), 0, 0, 0
    for number, task in enumerate(tasks, 1):
        try:
            done, out = await _done(task, embedder)
            row = 0 if task.model else row
        except ModelFailed as error:
            done, out, row = replace(task.case, answered=False), 0, row + 1
            failed += 1
            if row == PATIENCE:
                raise Invalid(gettext("The language model failed: %(why)s") % {"why": error}) from None
        cases.append(done)
        removed += out
        await tell(number, len(tasks))
    told = summary(cases) | {"model": connection.model, "sentences_removed": removed, "failed": failed}
    return {**told, "drafts": sum(task.model is not None for task in tasks), "embedder": embedder.name}, cases


async def tasks_of(
    desk: Desk,
    session: AsyncSession,
    embedder: Embedder,
    connection: Connection,
    questions: Sequence[Question],
) -> list[Task]:
    """Of MOST questions at most. Raises Invalid where this process can't ask the model."""
    needed, tasks = await level(session, embedder), list[Task]()
    for question in spread(questions, MOST):
        hits = await found(session, embedder, question.text)
        rounds = [(ANSWERABLE, hits)]
        rounds.append((NEAR_MISS, [hit for hit in hits if hit.slug not in question.articles]))
        for kind, offered in rounds if question.articles else [("impossible", hits)]:
            case = case_of(kind, question, offered, needed, needed)
            answer = await _offered(session, embedder, question, offered, case)
            model = None
            if answer is not None:
                ticket = await ticket_of(session, question)
                model = await model_of(session, desk.settings, connection, Purpose.evaluate, ticket_id=ticket)
            if answer is not None and model is None:
                raise Invalid(gettext("This language model is paused, or runs in another process."))
            tasks.append(Task(case, answer, model))
    return tasks


async def _offered(
    session: AsyncSession, embedder: Embedder, question: Question, hits: Sequence[Hit], case: Case
) -> Answer | None:
    if not case.drafted:
        return None
    hit = await best_passage_first(session, embedder, hits[0], subject="", letter=question.text)
    draft = compose(hit, language=hit.locale)
    return Answer(draft, case.chance, None, (hit,), hit.locale) if draft else None


async def _done(task: Task, embedder: Embedder) -> tuple[Case, int]:
    """The case as the model decided it, and how many sentences were taken out. Raises ModelFailed."""
    if task.answer is None or task.model is None:
        return replace(task.case, answered=False), 0
    answer = await rewritten(
        task.model,
        embedder,
        task.answer,
        letter=task.case.question,
        words=courtesy(task.answer.language),
    )
    return replace(task.case, answered=answer.draft is not task.answer.draft), len(answer.removed)


async def ticket_of(session: AsyncSession, question: Question) -> int | None:
    """For the log of what left, and for the names that do not."""
    if question.message_id is None:
        return None
    return await session.scalar(select(Message.ticket_id).where(Message.id == question.message_id))


def spread(questions: Sequence[Question], most: int) -> list[Question]:
    """Evenly, so that the same questions are asked each time while their number stays the same."""
    step = max(1.0, len(questions) / most)
    return [questions[int(i * step)] for i in range(min(most, len(questions)))]
