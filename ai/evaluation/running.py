"""Evaluations that somebody ordered: one after the other, beside everything else, and safe to start again."""

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.rows import Policy
from ai.evaluation import instructed, own, trials, written
from ai.evaluation.answers import Case, Told, cases_of, summary
from ai.evaluation.keeping import configuration, keep, new_run
from ai.evaluation.mined import evaluate_topics
from ai.evaluation.refusing import compared
from ai.evaluation.rows import ARTICLES, SOLVED, SOURCES, TOPICS, EvaluationRun, Kind, State
from ai.evaluation.sets import Question
from ai.levels import level, searched_with
from ai.providers import Connection
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event
from helpdesk.events import Kind as Happening
from helpdesk.i18n import _, gettext
from helpdesk.ports import Embedder

FEWEST = 10
"""Questions of which an interval says anything at all."""
MODEL = trials.MODEL
"""Of an evaluation that waits: the language model whose drafts are measured."""
STEP = 5
"""Percent between two notes of progress."""

log = structlog.get_logger(__name__)


class OneAtATime(Conflict):
    message = _("An evaluation is running already. Wait until it is done.")


class UnknownSource(Invalid):
    message = _("Choose where the questions come from.")


async def order(
    session: AsyncSession, source: str, *, by: Actor, model: Connection | None = None
) -> EvaluationRun:
    """A worker begins within seconds. `model`: what it writes is measured, instead of what is found. Raises
    OneAtATime."""
    if source not in SOURCES or (model is not None and source == TOPICS):
        raise UnknownSource
    open_ = select(EvaluationRun.id).where(EvaluationRun.state.in_([State.waiting, State.running])).limit(1)
    if await session.scalar(open_) is not None:
        raise OneAtATime
    run = new_run(Kind.intents if source == TOPICS else Kind.drafts if model else Kind.answers, source, by=by)
    if model is not None:
        run.configuration = {MODEL: model.id, "more": written.named(model)}
    session.add(run)
    await session.flush()
    session.add(Event(Happening.evaluation_wanted, by=by, about=run, source=source))
    return run


async def evaluate_wanted(desk: Desk, embedder: Embedder) -> None:
    """All that wait, the oldest first; one that was interrupted begins anew."""
    while (number := await _next(desk)) is not None:
        try:
            await _evaluate(desk, embedder, number)
        except Invalid as error:
            await _give_up(desk, number, str(error))
        except Exception:
            await _give_up(desk, number, gettext("Something went wrong; the log says what."))
            raise


async def _next(desk: Desk) -> int | None:
    wanted = (
        select(EvaluationRun)
        .where(EvaluationRun.state.in_([State.waiting, State.running]))
        .order_by(EvaluationRun.id)
        .limit(1)
    )
    async with committed(desk.sessions) as session:
        if (run := await session.scalar(wanted)) is None:
            return None
        run.state, run.progress, run.started_at = State.running, 0, now()
        return run.id


async def _evaluate(desk: Desk, embedder: Embedder, number: int) -> None:
    async with desk.sessions() as session:
        run = await session.get_one(EvaluationRun, number)
    if (trial := trials.trial_of(run)) is not None:
        await _tried(desk, embedder, run, trial)
        return
    if run.kind is Kind.drafts:
        told, cases, more = await _written(desk, embedder, run)
    else:
        told, cases, more = await _measured(desk, embedder, run)
    async with committed(desk.sessions) as session:
        run = await session.get_one(EvaluationRun, number)
        in_force = await configuration(session, await searched_with(session, embedder))
        await keep(session, run, msgspec.structs.replace(in_force, more=more), told, cases)
    log.info("evaluated", run=number, questions=len(cases))


Found = tuple[dict[str, Any], list[Case], dict[str, str]]
"""Measures, cases, and what of the configuration the desk's options do not tell."""


async def _measured(desk: Desk, embedder: Embedder, run: EvaluationRun) -> Found:
    async with desk.sessions() as session:
        if run.source == TOPICS:
            return await evaluate_topics(session, embedder), [], {}
        questions = await questions_of(session, embedder, run.source)
        cases = await _answered(desk, session, embedder, run, questions)
        return summary(cases), cases, {}


async def _written(desk: Desk, embedder: Embedder, run: EvaluationRun) -> Found:
    async with desk.sessions() as session:
        connection = await session.get(Connection, run.configuration.get(MODEL, 0))
        if connection is None:
            raise Invalid(gettext("This language model was removed. Choose another one."))
        questions = await questions_of(session, embedder, run.source)
        tasks = await written.tasks_of(desk, session, embedder, connection, questions)
    told, cases = await written.evaluate_written(embedder, connection, tasks, tell=_teller(desk, run))
    return told, cases, written.named(connection)


async def _tried(desk: Desk, embedder: Embedder, run: EvaluationRun, trial: trials.Trial) -> None:
    """Both sets of instructions on the same questions, each kept; then the new ones are taken or refused."""
    async with desk.sessions() as session:
        connection = await session.get(Connection, run.configuration.get(MODEL, 0))
        policy = await session.get(Policy, trial.policy)
        if connection is None or policy is None:
            raise Invalid(gettext("The language model or the line of the assistant was removed."))
        source, questions = await _best_questions(session, embedder)
        both = trials.policies(policy, trial)
        tasks = await instructed.tasks_of(desk, session, embedder, connection, questions, both)
    before, after = await instructed.evaluate_instructed(tasks, tell=_teller(desk, run))
    async with committed(desk.sessions) as session:
        run = await session.get_one(EvaluationRun, run.id)
        in_force = await configuration(session, await searched_with(session, embedder))
        was = new_run(Kind.assistant, source)
        run.source, was.agent_id = source, run.agent_id
        session.add(was)
        for one, cases, words in ((was, before, trial.was), (run, after, trial.words)):
            more = {"assistant": connection.model, "instructions": trials.mark(words)}
            told = {**summary(cases), "model": connection.model} if cases else {}
            await keep(session, one, msgspec.structs.replace(in_force, more=more), told, cases)
        found = await compared(session, was, run)
        await trials.conclude(session, run, trial, found, before=was.id)
    log.info("instructions tried", run=run.id, questions=len(after), worse=bool(found and found.is_worse))


async def _best_questions(session: AsyncSession, embedder: Embedder) -> tuple[str, list[Question]]:
    """Of solved tickets, else of the articles; none where there are too few of either."""
    for source in (SOLVED, ARTICLES):
        try:
            return source, await questions_of(session, embedder, source)
        except Invalid:
            continue
    return ARTICLES, []


async def questions_of(session: AsyncSession, embedder: Embedder, source: str) -> list[Question]:
    """Raises Invalid where there are too few."""
    found = await (own.solved(session, embedder) if source == SOLVED else own.of_articles(session))
    if len(found) < FEWEST:
        words = {
            SOLVED: gettext(
                "Only %(n)s solved tickets tell which article answers them; it takes %(least)s. Answer with drafts, "
                "or with links to articles, and try again."
            ),
            ARTICLES: gettext(
                "Only %(n)s questions can be made of the published articles; it takes %(least)s."
            ),
        }
        raise Invalid(words[source] % {"n": len(found), "least": FEWEST})
    return found


async def _answered(
    desk: Desk, session: AsyncSession, embedder: Embedder, run: EvaluationRun, questions: Sequence[Question]
) -> list[Case]:
    alone, draft = await level(session, embedder, alone=True), await level(session, embedder)
    return await cases_of(session, embedder, questions, alone, draft, tell=_teller(desk, run))


def _teller(desk: Desk, run: EvaluationRun) -> Told:
    number, told = run.id, 0

    async def tell(done: int, of: int) -> None:
        nonlocal told
        if (percent := 100 * done // of) >= told + STEP:
            told = percent
            async with committed(desk.sessions) as other:  # seen while this one is still at it
                await other.execute(
                    update(EvaluationRun).where(EvaluationRun.id == number).values(progress=min(99, percent))
                )

    return tell


async def _give_up(desk: Desk, number: int, why: str) -> None:
    async with committed(desk.sessions) as session:
        await session.execute(
            update(EvaluationRun)
            .where(EvaluationRun.id == number)
            .values(state=State.failed, trouble=why, finished_at=now())
        )
