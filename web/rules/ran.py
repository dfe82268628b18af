"""How often rules ran lately, when last, and what was refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.rules import Rule, RuleRun
from web.rules.runs import did_something

WEEK, MONTH = timedelta(days=7), timedelta(days=30)


@dataclass(frozen=True)
class Ran:
    week: int = 0
    month: int = 0
    failed: int = 0
    """Things that were refused in the last 30 days."""
    last_at: datetime | None = None


NEVER = Ran()


async def ran(session: AsyncSession) -> dict[int, Ran]:
    """By rule, those that ever ran."""
    at = now()
    lately = (
        select(
            RuleRun.rule_id,
            func.count().filter(RuleRun.created_at >= at - WEEK).label("week"),
            func.count().label("month"),
            func.sum(func.jsonb_array_length(RuleRun.failed)).label("failed"),
        )
        .where(RuleRun.created_at >= at - MONTH, did_something())
        .group_by(RuleRun.rule_id)
        .subquery()
    )
    last = (
        select(RuleRun.created_at)
        .where(RuleRun.rule_id == Rule.id, did_something())
        .order_by(RuleRun.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Rule.id, lately.c.week, lately.c.month, lately.c.failed, last.label("last_at"))
        .outerjoin(lately, lately.c.rule_id == Rule.id)
        .where(last.is_not(None))
    )
    return {row.id: Ran(row.week or 0, row.month or 0, int(row.failed or 0), row.last_at) for row in rows}
