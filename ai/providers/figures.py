"""What language models were used for: by day and purpose, and call by call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.providers.calls import Call, Spent, midnight
from ai.providers.purposes import Purpose
from helpdesk import options
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.people import Agent
from helpdesk.tickets import Ticket


@dataclass(frozen=True)
class Used:
    """By one purpose on one day, where the desk is."""

    day: date
    purpose: Purpose | None
    calls: int
    tokens: int
    cost: Decimal


async def used(session: AsyncSession, days: int = 14) -> tuple[list[date], list[Used]]:
    """The last so many days, today last, and what was used on each."""
    zone = (await options.load(session)).time_zone
    today = now().astimezone(ZoneInfo(zone)).date()
    found = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    day = func.date(func.timezone(zone, Call.created_at)).label("day")
    rows = await session.execute(
        select(
            day, Call.purpose, func.count(), func.sum(Call.tokens_in + Call.tokens_out), func.sum(Call.cost)
        )
        .where(Call.created_at >= await midnight(session) - timedelta(days=days - 1, hours=1))
        .group_by(day, Call.purpose)
        .order_by(day, Call.purpose)
    )
    return found, [Used(at, purpose, calls, int(tokens), cost) for at, purpose, calls, tokens, cost in rows]


async def spent_today(session: AsyncSession) -> dict[int, Spent]:
    """By connection."""
    rows = await session.execute(
        select(Call.connection_id, func.sum(Call.tokens_in + Call.tokens_out), func.sum(Call.cost))
        .where(Call.created_at >= await midnight(session), Call.connection_id.is_not(None))
        .group_by(Call.connection_id)
    )
    return {number: Spent(int(tokens), cost) for number, tokens, cost in rows if number is not None}


def may_see(agent: Agent) -> ColumnElement[bool]:
    """Calls about tickets that this agent knows of, and those about none."""
    return or_(Call.ticket_id.is_(None), Call.ticket_id.in_(select(Ticket.id).where(is_visible(agent))))


async def log(
    session: AsyncSession,
    agent: Agent,
    *,
    ticket_number: int | None = None,
    purpose: Purpose | None = None,
    before: int = 0,
    limit: int = 50,
) -> Sequence[tuple[Call, int | None]]:
    """Calls, newest first, each with the number of its ticket."""
    query = (
        select(Call, Ticket.number)
        .outerjoin(Ticket, Ticket.id == Call.ticket_id)
        .where(may_see(agent))
        .options(joinedload(Call.record))
        .order_by(Call.id.desc())
        .limit(limit)
    )
    if ticket_number is not None:
        query = query.where(Ticket.number == ticket_number)
    if purpose is not None:
        query = query.where(Call.purpose == purpose)
    if before:
        query = query.where(Call.id < before)
    return (await session.execute(query)).tuples().all()


async def one(session: AsyncSession, agent: Agent, call_id: int) -> tuple[Call, int | None] | None:
    query = (
        select(Call, Ticket.number)
        .outerjoin(Ticket, Ticket.id == Call.ticket_id)
        .where(may_see(agent), Call.id == call_id)
        .options(joinedload(Call.record))
    )
    return (await session.execute(query)).tuples().one_or_none()
