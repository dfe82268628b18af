"""Writing an evaluation down: what was in force, what came of it, and each of its questions."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.answerability import gate
from ai.evaluation.answers import ANSWERABLE, Case, curve_of
from ai.evaluation.comparing import Configuration
from ai.evaluation.rows import EvaluationCase, EvaluationRun, Kind, State
from helpdesk import options
from helpdesk.clock import now
from helpdesk.events import Actor
from helpdesk.i18n import Text, _
from helpdesk.people import Agent

KEPT_RUNS = 200
"""The newest; older ones are forgotten when a new one is kept."""
KEPT_TEXT = 2000
"""Characters of a question from a file."""


class Why(StrEnum):
    """Why a question was not done well."""

    well = ""
    silent = "silent"
    other_article = "other_article"
    not_found = "not_found"
    false_answer = "false_answer"


REASONS: dict[Why, Text] = {
    Why.silent: _("The right article was found, but it was not sure enough."),
    Why.other_article: _("Another article was taken for the answer."),
    Why.not_found: _("Another article stood first, and nothing was said."),
    Why.false_answer: _("Nothing answers this, and yet something was said."),
}


async def configuration(session: AsyncSession, embedder: str) -> Configuration:
    """What is in force now."""
    chosen = await options.load(session)
    return Configuration(
        embedder=embedder,
        gate=hashlib.sha256(msgspec.json.encode(gate().stored)).hexdigest()[:12],
        answer_risk=chosen.answer_risk,
        draft_risk=chosen.draft_risk,
    )


def new_run(kind: Kind, source: str, *, by: Actor | None = None) -> EvaluationRun:
    return EvaluationRun(
        kind=kind,
        source=source[:200],
        state=State.waiting,
        agent_id=by.id if isinstance(by, Agent) else None,
    )


async def keep(
    session: AsyncSession,
    run: EvaluationRun,
    configuration: Configuration,
    measures: dict[str, Any],
    cases: Sequence[Case] = (),
) -> None:
    """In place of what an interrupted try may have left."""
    run.configuration = msgspec.to_builtins(configuration)
    run.measures, run.curve = measures, [list(point) for point in curve_of(cases)]
    run.state, run.progress, run.trouble, run.finished_at = State.done, 100, None, now()
    session.add(run)
    await session.flush()
    await session.execute(delete(EvaluationCase).where(EvaluationCase.run_id == run.id))
    if cases:
        await session.execute(
            insert(EvaluationCase), [row_of(run.id, number, case) for number, case in enumerate(cases)]
        )
    old = select(EvaluationRun.id).order_by(EvaluationRun.id.desc()).offset(KEPT_RUNS)
    await session.execute(delete(EvaluationRun).where(EvaluationRun.id.in_(old)))


def row_of(run_id: int, number: int, case: Case) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "position": number,
        "kind": case.kind,
        "key": hashlib.sha256(case.question.encode()).hexdigest()[:24],
        "message_id": case.message_id,
        "question": "" if case.message_id else case.question[:KEPT_TEXT],
        "expected": list(case.expected),
        "got": case.got,
        "chance": round(case.chance, 4),
        "answered": case.answered,
        "right": case.right,
        "why": why(case).value,
        "features": [round(each, 5) for each in case.features],
    }


def why(case: Case) -> Why:
    if case.is_well:
        return Why.well
    if case.kind != ANSWERABLE:
        return Why.false_answer
    if case.answered:
        return Why.other_article
    return Why.silent if case.right else Why.not_found
