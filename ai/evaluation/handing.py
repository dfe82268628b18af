"""Another model for vectors takes over when it has read everything, unless this desk's own questions say that answers
come out worse with it, and nobody has overruled that.

The model that answers now was measured by somebody (Settings, Evaluation); the one that is to follow is asked the same
questions by itself. Where nothing was measured nobody can say, and it takes over.
"""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.answers import cases_of, summary
from ai.evaluation.comparing import Comparison, Configuration
from ai.evaluation.keeping import configuration, keep, new_run
from ai.evaluation.refusing import newest, worse
from ai.evaluation.rows import SOURCES, EvaluationRun, Kind
from ai.evaluation.running import questions_of
from ai.levels import level, measure
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.ports import Embedder
from kb import serving

log = structlog.get_logger(__name__)


async def may_take_over(desk: Desk, wanted: Embedder) -> bool:
    """Asked when it has read everything; measures it the first time, which takes some seconds."""
    async with desk.sessions() as session:
        waiting = await serving.waiting(session)
        if waiting is None or waiting.overruled or await serving.is_behind(session, wanted):
            return True
        now_answering = Configuration(embedder=await serving.answering(session) or "")
        before = await newest(session, now_answering)
        after = await newest(session, Configuration(embedder=wanted.name))
    if before is None or before.source not in SOURCES:
        return True
    if (after is None or after.id < before.id) and not await _measured(desk, wanted, before):
        return True
    async with desk.sessions() as session:
        found = await refused(session, now_answering.embedder, wanted.name)
    if found is not None:
        log.warning("another model is refused: answers come out worse", model=wanted.name, **found.told())
    return found is None


async def refused(session: AsyncSession, answers: str, wanted: str) -> Comparison | None:
    """Why the wanted model does not answer, where that is so."""
    found = await worse(session, Configuration(embedder=answers), Configuration(embedder=wanted))
    return found if found is not None and found.is_worse else None


async def _measured(desk: Desk, wanted: Embedder, before: EvaluationRun) -> bool:
    """False where it can't be, for want of questions."""
    async with desk.sessions() as session:  # never committed: the desk's own thresholds stay as they are
        await measure(session, wanted)
        alone, draft = await level(session, wanted, alone=True), await level(session, wanted)
        try:
            questions = await questions_of(session, wanted, before.source)
        except Invalid:
            return False
        cases = await cases_of(session, wanted, questions, alone, draft)
    async with committed(desk.sessions) as session:
        run = new_run(Kind.answers, before.source)
        session.add(run)
        await keep(session, run, await configuration(session, wanted.name), summary(cases), cases)
    return True
