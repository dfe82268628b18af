"""Which estimate speaks, and when a new one takes its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.board.risk.fitted import Fit
from helpdesk.board.risk.formula import Formula
from helpdesk.board.risk.judging import Judged, judge
from helpdesk.board.risk.past import Moment
from helpdesk.board.risk.present import Estimate
from helpdesk.board.risk.rows import RiskModel
from helpdesk.clock import now

KEPT = 60
"""Estimates that are remembered, those that never spoke among them."""
ENOUGH = 200
"""Moments that an estimate is judged by, ten of them broken and ten kept, before it may speak."""
WORST = 0.1
"""The largest calibration error with which one may speak."""


class Measures(msgspec.Struct, frozen=True):
    """On the same moments, which neither was learned from."""

    learned_from: int
    judged: Judged
    before: Judged
    """The estimate that spoke until then."""


@dataclass(frozen=True)
class Speaker:
    estimate: Estimate
    since: datetime | None = None
    """None: the formula, since nothing was learned yet."""
    measures: Measures | None = None


async def speaker(session: AsyncSession) -> Speaker:
    """The newest that was promoted; one that this version cannot read is passed over."""
    query = select(RiskModel).where(RiskModel.promoted_at.is_not(None)).order_by(RiskModel.id.desc())
    for row in await session.scalars(query.limit(5)):
        try:
            fit, measures = msgspec.convert(row.fit, Fit), msgspec.convert(row.measures, Measures)
        except msgspec.ValidationError:
            continue
        return Speaker(fit, row.promoted_at, measures)
    return Speaker(Formula())


def compared(new: Estimate, old: Estimate, held_back: Sequence[Moment], learned_from: int) -> Measures | None:
    """None where there is nothing to judge by."""
    was = [one.broken for one in held_back]
    found = [judge([each.probability(one.situation) for one in held_back], was) for each in (new, old)]
    return Measures(learned_from, found[0], found[1]) if found[0] and found[1] else None


def verdict(measures: Measures) -> tuple[bool, str]:
    """Whether the new one is to speak, and why or why not, in words."""
    new, old = measures.judged, measures.before
    if new.n < ENOUGH or min(new.broken, new.n - new.broken) < 10:
        return False, f"Too little to judge by: {new.n} moments, {new.broken} of them broken."
    if new.brier >= old.brier:
        return False, f"No better than the one before: Brier {new.brier:.4f}, before {old.brier:.4f}."
    if new.ece > WORST:
        return False, f"Better, but off by {new.ece:.3f} on average; at most {WORST} is allowed."
    return True, f"Better than the one before: Brier {new.brier:.4f}, before {old.brier:.4f}."


async def consider(session: AsyncSession, fit: Fit, measures: Measures) -> RiskModel:
    """Keep it, and let it speak if it does better than what speaks now."""
    better, because = verdict(measures)
    row = RiskModel(
        fit=_json(fit), measures=_json(measures), promoted_at=now() if better else None, because=because
    )
    session.add(row)
    await session.flush()
    speaks = (
        select(RiskModel.id).where(RiskModel.promoted_at.is_not(None)).order_by(RiskModel.id.desc()).limit(1)
    )
    await session.execute(delete(RiskModel).where(RiskModel.id <= row.id - KEPT, RiskModel.id.not_in(speaks)))
    return row


def _json(struct: Any) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(struct)
    return built
