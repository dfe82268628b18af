"""How the assistant does, with counts and intervals. Confirmed and assumed resolutions are told apart, and a customer
who merely went away is neither before the time is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.decisions import REASONS, Reason
from helpdesk.clock import now
from helpdesk.i18n import Text
from helpdesk.satisfaction.intervals import Interval, wilson

SILENCE = timedelta(hours=72)
REOPENED = timedelta(days=7)


@dataclass(frozen=True)
class Handover:
    reason: str
    words: Text | str
    n: int


@dataclass(frozen=True)
class Figures:
    days: int
    tickets: int
    """Opened in these days, in inboxes where the assistant is not off."""
    involved: Interval | None
    """Of those, the ones that it spoke in."""
    answered: Interval | None
    """Of the messages that it looked at to answer them, the ones that it answered."""
    confirmed: Interval | None
    """Of the engagements: the customer said that it helped."""
    assumed: Interval | None
    """Of the engagements: 72 hours of silence, nobody else answered, not reopened within seven days."""
    handed_over: Interval | None
    reasons: list[Handover]
    stopped: int
    """A colleague took over."""
    reopened: Interval | None
    """Of what was settled after it alone: the customer came back within seven days."""
    satisfied: Interval | None
    """Of the ratings where it alone answered: 4 and 5 of 5."""
    seconds: float | None
    """Median until it had decided."""
    cost: float


ENGAGED = text("""
WITH ours AS (
  SELECT e.id, e.ticket_id, e.state, e.reason, e.turns, e.confirmed, e.created_at, e.cost,
    (SELECT max(m.created_at) FROM message m WHERE m.ticket_id = e.ticket_id AND m.direction = 'outbound'
       AND m.author = 'assistant' AND NOT m.automatic AND m.withdrawn_at IS NULL) AS spoke_at,
    EXISTS (SELECT FROM message m WHERE m.ticket_id = e.ticket_id AND m.direction = 'outbound'
       AND m.author = 'agent' AND m.withdrawn_at IS NULL) AS by_people,
    (SELECT max(m.created_at) FROM message m WHERE m.ticket_id = e.ticket_id AND m.direction = 'inbound'
       AND NOT m.automatic) AS asked_at,
    (SELECT min(v.created_at) FROM event v WHERE v.ticket_id = e.ticket_id AND v.kind = 'resolved'
       AND v.created_at > e.created_at) AS settled_at,
    (SELECT min(v.created_at) FROM event v WHERE v.ticket_id = e.ticket_id AND v.kind = 'reopened'
       AND v.created_at > e.created_at) AS reopened_at
  FROM engagement e JOIN ticket t ON t.id = e.ticket_id
  WHERE e.created_at > :since AND (CAST(:inbox AS bigint) IS NULL OR t.inbox_id = :inbox)
)
SELECT count(*) AS engaged, count(*) FILTER (WHERE turns > 0) AS spoke,
  count(DISTINCT ticket_id) FILTER (WHERE turns > 0) AS tickets,
  count(*) FILTER (WHERE confirmed AND NOT by_people) AS confirmed,
  count(*) FILTER (WHERE turns > 0 AND NOT confirmed AND NOT by_people AND state IN ('active', 'done')
    AND spoke_at < :silent AND spoke_at > asked_at
    AND (reopened_at IS NULL OR reopened_at > spoke_at + make_interval(days => 7))) AS assumed,
  count(*) FILTER (WHERE state = 'handed_over') AS handed_over,
  count(*) FILTER (WHERE state = 'stopped') AS stopped,
  count(*) FILTER (WHERE settled_at IS NOT NULL AND turns > 0 AND NOT by_people) AS settled,
  count(*) FILTER (WHERE settled_at IS NOT NULL AND turns > 0 AND NOT by_people
    AND reopened_at BETWEEN settled_at AND settled_at + make_interval(days => 7)) AS reopened,
  coalesce(sum(cost), 0) AS cost
FROM ours
""")
WHY = text("""
SELECT e.reason, count(*) AS n FROM engagement e JOIN ticket t ON t.id = e.ticket_id
WHERE e.state = 'handed_over' AND e.created_at > :since
  AND (CAST(:inbox AS bigint) IS NULL OR t.inbox_id = :inbox)
GROUP BY 1 ORDER BY 2 DESC, 1
""")
ASKED = text("""
SELECT count(*) AS asked, count(*) FILTER (WHERE r.kind = 'answer') AS answered,
  percentile_cont(.5) WITHIN GROUP (ORDER BY r.seconds) FILTER (WHERE r.seconds > 0) AS seconds
FROM assistant_run r WHERE r.mode = 'answer' AND r.state IN ('done', 'failed') AND r.created_at > :since
  AND (CAST(:inbox AS bigint) IS NULL OR r.inbox_id = :inbox)
""")
TICKETS = text("""
SELECT count(*) FROM ticket t WHERE t.created_at > :since AND t.removed IS NULL
  AND (CAST(:inbox AS bigint) IS NULL OR t.inbox_id = :inbox)
  AND EXISTS (SELECT FROM assistant_policy p WHERE p.inbox_id = t.inbox_id AND p.mode = 'answer')
""")
RATED = text("""
SELECT count(*) AS n, count(*) FILTER (WHERE r.score >= 4) AS good FROM rating r JOIN ticket t ON t.id = r.ticket_id
WHERE r.kind = 'csat' AND r.score IS NOT NULL AND r.created_at > :since
  AND (CAST(:inbox AS bigint) IS NULL OR t.inbox_id = :inbox)
  AND EXISTS (SELECT FROM engagement e WHERE e.ticket_id = r.ticket_id AND e.turns > 0)
  AND NOT EXISTS (SELECT FROM message m WHERE m.ticket_id = r.ticket_id AND m.direction = 'outbound'
    AND m.author = 'agent' AND m.withdrawn_at IS NULL)
""")


async def figures(
    session: AsyncSession, *, days: int = 30, inbox_id: int | None = None, at: datetime | None = None
) -> Figures:
    time = at or now()
    given = {"since": time - timedelta(days=days), "inbox": inbox_id}
    engaged: Row[tuple[int, ...]] = (
        await session.execute(ENGAGED, {**given, "silent": time - SILENCE})
    ).one()
    asked = (await session.execute(ASKED, given)).one()
    rated = (await session.execute(RATED, given)).one()
    why = (await session.execute(WHY, given)).all()
    tickets = await session.scalar(TICKETS, given) or 0
    return Figures(
        days=days,
        tickets=tickets,
        involved=wilson(min(engaged.tickets, tickets), tickets),
        answered=wilson(asked.answered, asked.asked),
        confirmed=wilson(engaged.confirmed, engaged.spoke),
        assumed=wilson(engaged.assumed, engaged.spoke),
        handed_over=wilson(engaged.handed_over, engaged.engaged),
        reasons=[Handover(row.reason, _words(row.reason), row.n) for row in why],
        stopped=engaged.stopped,
        reopened=wilson(engaged.reopened, engaged.settled),
        satisfied=wilson(rated.good, rated.n),
        seconds=asked.seconds,
        cost=float(engaged.cost),
    )


def _words(reason: str | None) -> Text | str:
    return REASONS[Reason(reason)] if reason and reason in Reason.__members__ else (reason or "")
