"""What a worker does when a time has come: warnings, breaches and escalations, in the order of their times."""

from datetime import datetime

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.clock import desk_now, now
from helpdesk.sla.clocks import Clock
from helpdesk.sla.passing import pass_time
from helpdesk.sla.policies import Policy
from helpdesk.tickets import Ticket

_UNTOLD = (Clock.met_at.is_(None), Clock.ended_at.is_(None), Clock.breached_at.is_(None))


async def record(session: AsyncSession, limit: int = 200) -> int:
    """Write down what is due by now; returns how many clocks were looked at. Safe to run by many at once."""
    by_now = select(desk_now()).scalar_subquery()  # asked once, so that the indexes can answer
    late = select(Clock.id, Clock.due_at.label("at")).where(Clock.due_at < by_now, *_UNTOLD)
    told = select(Clock.id, Clock.act_at.label("at")).where(Clock.act_at <= by_now)
    due = union_all(
        late.order_by(Clock.due_at).limit(limit).subquery().select(),
        told.order_by(Clock.act_at).limit(limit).subquery().select(),
    ).subquery()
    first = select(due.c.id).order_by(due.c.at).limit(limit)
    found = await session.execute(
        select(Clock, Ticket)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(Clock.id.in_(first))
        .order_by(func.least(Clock.act_at, Clock.due_at))
        .with_for_update(skip_locked=True, key_share=True, of=(Clock, Ticket))
        .options(joinedload(Ticket.policy).joinedload(Policy.calendar))
        .execution_options(populate_existing=True)
    )
    rows = found.all()
    at = now()
    for clock, ticket in rows:
        pass_time(ticket, clock, at)
    return len(rows)


async def next_at(session: AsyncSession) -> datetime | None:
    """When there is something to write down next."""
    late = select(func.min(Clock.due_at)).where(*_UNTOLD).scalar_subquery()
    told = select(func.min(Clock.act_at)).scalar_subquery()
    return await session.scalar(select(func.least(late, told)))
