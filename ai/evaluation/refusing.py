"""A change that makes answers or drafts worse is refused, unless somebody overrules that.

    await refuse_worse(session, before, after, overruled=form.overrule)

`before` and `after` are Configurations. Thresholds are judged at once, on the questions of the newest evaluation;
another embedding model, language model or prompt (named in `more`) needs one evaluation under each: run one, change,
run another, or let `helpdesk ai evaluate … --than RUN` compare them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.comparing import COST, COST_READ, Comparison, Configuration, compare
from ai.evaluation.rows import SOLVED, EvaluationCase, EvaluationRun, Kind, State
from ai.levels import AnswerLevel as Measured
from ai.levels import Neighbourhood, level_of, risk_of_drafts
from ai.verdicts import verdicts
from helpdesk.errors import Conflict
from helpdesk.i18n import gettext


@dataclass(frozen=True)
class Retold:
    """A question of a run, judged by another threshold."""

    key: str
    kind: str
    answered: bool
    right: bool


class Worse(Conflict):
    """The change was measured, and it is for the worse."""

    def __init__(self, found: Comparison, *, drafts: bool = False) -> None:
        self.comparison = found
        words = (
            gettext(
                "This makes drafts worse: %(worse)s of %(questions)s questions of the newest evaluation would be done "
                "less well, %(better)s better. Nothing was changed. Tick “Change it all the same” to overrule this."
            )
            if drafts
            else gettext(
                "This makes answers worse: %(worse)s of %(questions)s questions of the newest evaluation would be done "
                "less well, %(better)s better. Nothing was changed. Tick “Change it all the same” to overrule this."
            )
        )
        super().__init__(words % {"worse": found.worse, "better": found.better, "questions": found.questions})


async def refuse_worse(
    session: AsyncSession,
    before: Configuration,
    after: Configuration,
    *,
    kind: Kind = Kind.answers,
    overruled: bool = False,
) -> None:
    """Where nothing was measured, nothing is refused. `kind`: whose evaluations tell; `drafts` where `more` names a
    language model. Raises Worse."""
    if overruled:
        return
    for drafts in (False, True):
        if drafts and kind is Kind.answers and before.draft_risk == after.draft_risk:
            continue
        if not drafts and kind is Kind.drafts:
            continue
        found = await worse(session, before, after, kind=kind, drafts=drafts)
        if found is not None and found.is_worse:
            raise Worse(found, drafts=drafts)


async def worse(
    session: AsyncSession,
    before: Configuration,
    after: Configuration,
    *,
    kind: Kind = Kind.answers,
    drafts: bool = False,
) -> Comparison | None:
    """How they compare on the same questions; None where one of them was never measured, so that nobody can say."""
    if (one := await newest(session, before, kind=kind)) is None:
        return None
    other = await newest(session, after, kind=kind, source=one.source) or one
    if embedded(other) != after.embedder or more(other) != after.more:
        return None
    if kind is Kind.drafts:
        return compare(await of_run(session, one.id), await of_run(session, other.id), cost=COST_READ)
    return compare(
        await retold(session, one, before, drafts=drafts),
        await retold(session, other, after, drafts=drafts),
        cost=COST_READ if drafts else COST,
    )


async def newest(
    session: AsyncSession, under: Configuration, *, kind: Kind = Kind.answers, source: str | None = None
) -> EvaluationRun | None:
    """The newest evaluation with this model and these names, best of solved tickets."""
    runs = await session.scalars(
        select(EvaluationRun)
        .where(EvaluationRun.kind == kind, EvaluationRun.state == State.done)
        .order_by((EvaluationRun.source == SOLVED).desc(), EvaluationRun.id.desc())
        .limit(50)
    )
    return next(
        (
            run
            for run in runs
            if embedded(run) == under.embedder
            and more(run) == under.more
            and (source is None or run.source == source)
        ),
        None,
    )


def embedded(run: EvaluationRun) -> str:
    return str(run.configuration.get("embedder", ""))


def more(run: EvaluationRun) -> dict[str, str]:
    return dict(run.configuration.get("more", {}))


async def retold(
    session: AsyncSession, run: EvaluationRun, under: Configuration, *, drafts: bool = False
) -> list[Retold]:
    """Its questions at another threshold, by the chances that were kept; the model is not asked again. `drafts`: as
    to whether an agent would get one."""
    cases = await of_run(session, run.id)
    risk = under.draft_risk if drafts else under.answer_risk
    if not drafts and (not risk or risk == run.configuration.get("answer_risk")):
        return [Retold(c.key, c.kind, c.answered, c.right) for c in cases]
    lies = await known(session, embedded(run))
    if drafts:
        risk = risk_of_drafts(lies, risk)
    threshold = level_of(lies, risk, await verdicts(session)).threshold
    return [Retold(c.key, c.kind, (c.chance or 0) >= threshold, c.right) for c in cases]


async def known(session: AsyncSession, embedder: str) -> Neighbourhood:
    measured = await session.get(Measured, embedder)
    try:
        return msgspec.convert(measured.about, Neighbourhood) if measured else Neighbourhood.shipped()
    except msgspec.ValidationError:
        return Neighbourhood.shipped()


async def of_run(session: AsyncSession, run_id: int) -> Sequence[EvaluationCase]:
    found = await session.scalars(
        select(EvaluationCase).where(EvaluationCase.run_id == run_id).order_by(EvaluationCase.position)
    )
    return found.all()


async def compared(session: AsyncSession, before: EvaluationRun, after: EvaluationRun) -> Comparison | None:
    """Two runs as they were, on the questions that both were asked."""
    cost = COST_READ if after.kind is Kind.drafts else COST
    return compare(await of_run(session, before.id), await of_run(session, after.id), cost=cost)


def at_risk(
    configuration: Configuration, answer_risk: float, draft_risk: float | None = None
) -> Configuration:
    drafts = configuration.draft_risk if draft_risk is None else draft_risk
    return msgspec.structs.replace(configuration, answer_risk=answer_risk, draft_risk=drafts)
