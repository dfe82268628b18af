"""Other instructions for the assistant are tried before they count.

Whoever saves them orders a trial; a worker asks the same questions with the old and with the new ones. What is no
worse takes their place, what is worse is refused and waits for somebody to overrule that, or for nobody.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.rows import Mode, Policy
from ai.evaluation.comparing import Comparison
from ai.evaluation.keeping import new_run
from ai.evaluation.rows import SOLVED, EvaluationRun, Kind, State
from ai.providers import Connection, Purpose
from ai.providers.connections import serving
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Actor, Event
from helpdesk.events import Kind as Happening
from helpdesk.i18n import _
from helpdesk.people import Agent

WORDS = ("tone", "language", "instructions")
"""Of a policy: what its language model is told."""
MODEL, TRIAL = "connection", "trial"
"""In the configuration of a run."""


class Outcome(StrEnum):
    waiting = "waiting"
    taken = "taken"  # no worse, and at work
    untested = "untested"  # at work, because there is nothing to try them on
    refused = "refused"
    overruled = "overruled"  # worse or not tried, and at work because somebody said so
    late = "late"  # the line was changed or removed meanwhile


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    policy: int
    was: dict[str, str]
    words: dict[str, str]
    before: int | None = None
    """The evaluation of what was there."""
    outcome: Outcome = Outcome.waiting


class TrialRuns(Conflict):
    message = _("Other instructions for this line are being tried already. Wait until that is done.")


class NothingToOverrule(Conflict):
    message = _(
        "There is nothing to overrule: these instructions count already, or the line was changed since."
    )


def words_of(policy: Policy) -> dict[str, str]:
    return {name: getattr(policy, name) for name in WORDS}


async def model_for(session: AsyncSession, policy: Policy, words: Mapping[str, str]) -> Connection | None:
    """The model that would read them, where it matters whether they are good: what is new or off has no past that it
    could be worse than."""
    if policy.id is None or policy.mode is Mode.off or dict(words) == words_of(policy):
        return None
    connection = await serving(session, Purpose.assist)
    return connection if connection is not None and connection.active else None


async def order(
    session: AsyncSession, policy: Policy, words: Mapping[str, str], model: Connection, *, by: Actor
) -> EvaluationRun:
    """A worker begins within seconds, after what was ordered before. Raises TrialRuns."""
    latest = await newest(session, policy)
    if latest is not None and not latest.state.is_over:
        raise TrialRuns
    run = new_run(Kind.assistant, SOLVED, by=by)
    trial = Trial(policy=policy.id, was=words_of(policy), words=dict(words))
    run.configuration = {MODEL: model.id, TRIAL: msgspec.to_builtins(trial)}
    session.add(run)
    await session.flush()
    session.add(Event(Happening.evaluation_wanted, by=by, about=run, source=Kind.assistant.value))
    return run


async def newest(session: AsyncSession, policy: Policy) -> EvaluationRun | None:
    """The latest trial of this line's."""
    about = EvaluationRun.configuration[TRIAL]["policy"].as_integer() == policy.id
    query = select(EvaluationRun).where(EvaluationRun.kind == Kind.assistant, about)
    return await session.scalar(query.order_by(EvaluationRun.id.desc()).limit(1))


def trial_of(run: EvaluationRun) -> Trial | None:
    told = run.configuration.get(TRIAL)
    return msgspec.convert(told, Trial) if told else None


def policies(policy: Policy, trial: Trial) -> tuple[Policy, Policy]:
    """As it was and as it would be; neither is in the database."""
    one, other = (
        Policy(inbox_id=policy.inbox_id, topic=policy.topic, mode=policy.mode, name=policy.name, **words)
        for words in (trial.was, trial.words)
    )
    return one, other


def mark(words: Mapping[str, str]) -> str:
    """Other words, another mark."""
    return hashlib.sha256(msgspec.json.encode([words[name] for name in WORDS])).hexdigest()[:12]


def noted(run: EvaluationRun, trial: Trial, **changes: Any) -> None:
    told = msgspec.structs.replace(trial, **changes)
    run.configuration = {**run.configuration, TRIAL: msgspec.to_builtins(told)}


async def conclude(
    session: AsyncSession, run: EvaluationRun, trial: Trial, found: Comparison | None, *, before: int | None
) -> None:
    """`found`: None where there was nothing to try them on, and so nobody can say."""
    trial = msgspec.structs.replace(trial, before=before)
    if found is not None and found.is_worse:
        noted(run, trial, outcome=Outcome.refused)
        return
    by = await session.get(Agent, run.agent_id) if run.agent_id else None
    await _take(session, run, trial, by or DESK, Outcome.taken if found else Outcome.untested)


async def overrule(session: AsyncSession, run: EvaluationRun, *, by: Actor) -> None:
    """The instructions count all the same. Raises NothingToOverrule."""
    trial = trial_of(run)
    if not can_be_overruled(run) or trial is None:
        raise NothingToOverrule
    await _take(session, run, trial, by, Outcome.overruled)
    if (trial_of(run) or trial).outcome is not Outcome.overruled:
        raise NothingToOverrule


def can_be_overruled(run: EvaluationRun) -> bool:
    trial = trial_of(run)
    return trial is not None and (
        trial.outcome is Outcome.refused or (trial.outcome is Outcome.waiting and run.state is State.failed)
    )


async def _take(session: AsyncSession, run: EvaluationRun, trial: Trial, by: Actor, outcome: Outcome) -> None:
    policy = await session.get(Policy, trial.policy, with_for_update=True, populate_existing=True)
    if policy is None or words_of(policy) != trial.was:
        noted(run, trial, outcome=Outcome.late)
        return
    for name, words in trial.words.items():
        setattr(policy, name, words)
    noted(run, trial, outcome=outcome)
    more: dict[str, Any] = {"overruled": True} if outcome is Outcome.overruled else {}
    session.add(
        Event(
            Happening.assistant_edited,
            by=by,
            about=policy,
            was=policy.mode,
            now=policy.mode,
            evaluation=run.id,
            **more,
        )
    )
