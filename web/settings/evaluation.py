"""How well the desk finds and answers, measured on its own questions; and how often it may be wrong."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery, PathParameter
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.evaluation import failures, running, trials
from ai.evaluation.keeping import REASONS, configuration
from ai.evaluation.refusing import at_risk, compared, refuse_worse
from ai.evaluation.rows import SOURCES, EvaluationRun, Kind, State
from ai.evaluation.written import PROMPT
from ai.levels import AnswerLevel
from ai.providers import Connection
from helpdesk import options
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import Text, _, gettext
from web.auth import permits
from web.charts import Point, Series, lines
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

HOME = "/settings/evaluation"
MAY = permits(Action.manage_rules)
SHOWN = 30
"""Runs on the page, and failures on a page of them."""
FURTHEST = 1_000_000
STEPS = [each / 20 for each in range(1, 21)]
"""Coverages at which the curve is drawn."""
RISKS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
KINDS: dict[str, Text] = {
    "near_miss": _("Near: the article that answers was taken away"),
    "impossible": _("No article answers"),
    "off_domain": _("Of another trade"),
}
MEASURES: dict[str, Text] = {
    "accuracy": _("Right, of texts that belong somewhere"),
    "sure": _("Sure enough to say something"),
    "accuracy_when_sure": _("Right, of what was said"),
    "unknown_told": _("Silent where nothing fits"),
    "out_of_scope_auroc": _("AUROC: what fits against what does not"),
    "matthews": _("Matthews' correlation, with “don't know” as a label"),
    "macro_f1": _("Macro-F1 of negative, neutral and positive"),
    "hit@1": _("The right article stands first"),
    "hit@5": _("It stands among the first five"),
}
DONE |= {
    "evaluation": _("The evaluation waits for a worker, which begins within seconds."),
    "trial": _(
        "Saved. Other tone, language or instructions are tried first, and count once they are no worse."
    ),
    "overruled": _("The instructions count from now on."),
}
Number = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
Risk = Annotated[float, Meta(ge=RISKS[0], le=RISKS[-1])]


class Order(Fields):
    source: Annotated[str, Meta(max_length=40)]
    model: Annotated[str, Meta(pattern="^[0-9]{0,18}$")] = ""
    """The language model whose drafts are measured; empty: what is found, and whether it is said."""


class Risks(Fields):
    draft_risk: Risk
    answer_risk: Risk
    overrule: bool = False


class Evaluations(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        found = await session.scalars(
            select(EvaluationRun)
            .options(joinedload(EvaluationRun.agent))
            .order_by(EvaluationRun.id.desc())
            .limit(SHOWN)
        )
        return await settings(
            "settings/evaluation/index.html",
            runs=found.all(),
            sources=list(SOURCES.items()),
            models=(
                await session.execute(select(Connection.id, Connection.name).order_by(Connection.name))
            ).all(),
            changed=await _changed_prompt(session),
            chosen=await options.load(session),
            risks=RISKS,
        )

    @post(opt=MAY)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, Order)
        model = await session.get(Connection, int(given.model)) if given.model else None
        if given.model and model is None:
            raise NotFound
        run = await running.order(session, given.source, by=agent, model=model)
        return done(request, f"{HOME}/{run.id}", "evaluation")

    @post("/risks", opt=MAY)
    async def arrange(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        given = await read(request, Risks)
        before = await configuration(session, await _embedder(session))
        after = at_risk(before, given.answer_risk, given.draft_risk)
        await refuse_worse(session, before, after, overruled=given.overrule)
        await options.change(session, by=agent, draft_risk=given.draft_risk, answer_risk=given.answer_risk)
        return done(request, HOME)

    @get("/{number:int}", opt=MAY)
    async def one(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        page: ThisPage,
        number: Number,
        than: FromQuery[int | None] = None,
        why: FromQuery[str] = "",
        start: FromQuery[int] = 0,
    ) -> Html:
        run = await _run(session, number)
        trial = trials.trial_of(run)
        told: dict[str, Any] = {"run": run, "trial": trial, "stuck": trials.can_be_overruled(run)}
        start = min(max(0, start), FURTHEST)
        if page.asks_for("evaluation") and not run.state.is_over:
            return page("settings/evaluation/_waiting.html", **told)
        before = await _comparable(session, run, than or (trial.before if trial else None))
        told |= {
            "others": await _others(session, run),
            "before": before,
            "comparison": await compared(session, before, run) if before else None,
            "picture": _picture(run, before),
            "kinds": KINDS,
            "words": MEASURES,
            "reasons": REASONS,
            "why": why if why in REASONS else "",
            "counts": await failures.counts(session, run.id),
            "failed": await failures.of_run(
                session, agent, run.id, why=why if why in REASONS else "", start=start, most=SHOWN
            ),
            "start": start,
            "step": SHOWN,
        }
        return await settings("settings/evaluation/show.html", **told)

    @post("/{number:int}/overruling", opt=MAY)
    async def overrule(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
    ) -> Response[Any]:
        """Instructions that were refused, or could not be tried."""
        await trials.overrule(session, await _run(session, number, lock=True), by=agent)
        return done(request, f"{HOME}/{number}", "overruled")


async def _changed_prompt(session: AsyncSession) -> int | None:
    """The newest evaluation of drafts, where the instructions were others than today's."""
    query = select(EvaluationRun).where(EvaluationRun.kind == Kind.drafts, EvaluationRun.state == State.done)
    newest = await session.scalar(query.order_by(EvaluationRun.id.desc()).limit(1))
    known = (newest.configuration.get("more") or {}).get("prompt") if newest else None
    return newest.id if newest and known != PROMPT else None


async def _embedder(session: AsyncSession) -> str:
    """Whose vectors were measured last."""
    newest = select(AnswerLevel.embedder).order_by(AnswerLevel.measured_at.desc()).limit(1)
    return await session.scalar(newest) or ""


async def _run(session: AsyncSession, number: int, *, lock: bool = False) -> EvaluationRun:
    query = select(EvaluationRun).where(EvaluationRun.id == number).options(joinedload(EvaluationRun.agent))
    if lock:
        query = query.with_for_update(of=EvaluationRun).execution_options(populate_existing=True)
    if (found := await session.scalar(query)) is None:
        raise NotFound
    return found


async def _others(session: AsyncSession, run: EvaluationRun) -> list[EvaluationRun]:
    """Finished ones of the same questions' source, newest first."""
    found = await session.scalars(
        select(EvaluationRun)
        .where(
            EvaluationRun.kind == run.kind,
            EvaluationRun.state == State.done,
            EvaluationRun.source == run.source,
            EvaluationRun.id != run.id,
        )
        .order_by(EvaluationRun.id.desc())
        .limit(SHOWN)
    )
    return list(found)


async def _comparable(session: AsyncSession, run: EvaluationRun, than: int | None) -> EvaluationRun | None:
    if than is None or than == run.id or not 0 < than < 2**63:
        return None
    before = await _run(session, than)
    if before.kind is not run.kind or before.state is not State.done:
        raise NotFound
    return before


def _picture(run: EvaluationRun, before: EvaluationRun | None) -> Any:
    if not run.curve:
        return ""
    series = [_series(run, gettext("This evaluation"))]
    if before and before.curve:
        name = gettext("Evaluation %(number)s") % {"number": before.id}
        series.append(_series(before, name, faint=True))
    return lines(
        series,
        [f"{step:.0%}" for step in STEPS],
        title=gettext("How much is answered, and how much of it wrong"),
        say="{:.0%}".format,
    )


def _series(run: EvaluationRun, name: str, *, faint: bool = False) -> Series:
    words = gettext("%(coverage)s answered: %(risk)s of it wrong")
    points = []
    for step in STEPS:
        risk = next((risk for coverage, risk in run.curve if coverage >= step - 1e-9), None)
        said = words % {"coverage": f"{step:.0%}", "risk": f"{risk:.1%}"} if risk is not None else ""
        points.append(Point(risk, said))
    return Series(name, points, faint)
