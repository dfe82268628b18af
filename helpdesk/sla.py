"""What was promised: targets in business hours, and whether they are met."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from helpdesk.calendars import Calendar
from helpdesk.clock import desk_now
from helpdesk.database import Choice, Row
from helpdesk.events import DESK, Event, Kind

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket


class Metric(StrEnum):
    first_response = "first_response"
    resolution = "resolution"


class Policy(Row):
    __tablename__ = "sla_policy"

    name: Mapped[str] = mapped_column(unique=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id"))
    position: Mapped[int] = mapped_column(default=0)
    targets: Mapped[dict[str, Any]]
    """`{"high": {"first_response": 60, "resolution": 480}, …}`: business minutes by priority and metric."""

    calendar: Mapped[Calendar] = relationship(lazy="raise")

    def due(self, ticket: "Ticket", metric: Metric, start: datetime) -> datetime | None:
        minutes = self.targets.get(ticket.priority, {}).get(metric)
        return self.calendar.hours.add(start, timedelta(minutes=minutes)) if minutes is not None else None


class Clock(Row):
    """One promise on one ticket, from its start until it is met; breached is recorded when its time is over."""

    __tablename__ = "sla_clock"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    metric: Mapped[Metric] = mapped_column(Choice(Metric))
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    met_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("ticket_id", "metric"),
        Index("ix_sla_clock_due", "due_at", postgresql_where=text("met_at IS NULL AND breached_at IS NULL")),
    )

    @property
    def is_running(self) -> bool:
        return self.met_at is None

    @property
    def was_met(self) -> bool:
        return self.met_at is not None and self.met_at <= self.due_at


def start(ticket: "Ticket", policy: Policy, at: datetime) -> None:
    """Promise the policy's targets, counted from `at`. `policy.calendar` is loaded."""
    ticket.policy = policy
    promised = {metric: due for metric in Metric if (due := policy.due(ticket, metric, at))}
    ticket.clocks += [Clock(metric=metric, started_at=at, due_at=due) for metric, due in promised.items()]
    due_at = {metric.value: due.isoformat() for metric, due in promised.items()}
    ticket.events.add(Event(Kind.sla_started, by=DESK, policy=policy.id, due_at=due_at))
    _refresh(ticket)


def meet(ticket: "Ticket", metric: Metric, at: datetime) -> None:
    for clock in _of(ticket, metric):
        if clock.is_running:
            clock.met_at = at
            if at > clock.due_at and clock.breached_at is None:
                _breach(ticket, clock)
            ticket.events.add(Event(Kind.sla_met, by=DESK, metric=metric, in_time=clock.was_met))
    _refresh(ticket)


def unmeet(ticket: "Ticket", metric: Metric, at: datetime) -> None:
    """What met the promise at `at` was taken back."""
    for clock in _of(ticket, metric):
        if clock.met_at == at:
            clock.met_at = None
    _refresh(ticket)


def resume(ticket: "Ticket") -> None:
    """A reopened ticket is not resolved any more: the old promise stands."""
    for clock in _of(ticket, Metric.resolution):
        clock.met_at = None
    _refresh(ticket)


def retarget(ticket: "Ticket") -> None:
    """The priority changed: what is still promised is measured anew from the same start."""
    if ticket.policy is None:
        return
    for clock in ticket.clocks:
        if clock.is_running and (due := ticket.policy.due(ticket, clock.metric, clock.started_at)):
            clock.due_at, clock.breached_at = due, None
    _refresh(ticket)


async def first_policy(session: AsyncSession) -> Policy | None:
    """The policy that applies: the first in order."""
    policy: Policy | None = await session.scalar(_first())
    return policy


@cache
def _first() -> Any:
    return select(Policy).options(joinedload(Policy.calendar)).order_by(Policy.position, Policy.id).limit(1)


async def record_breaches(session: AsyncSession, limit: int = 200) -> int:
    """Write down promises whose time is over; returns how many. Safe to run by many at once."""
    from helpdesk.tickets import Ticket

    overdue = await session.execute(
        select(Clock, Ticket)
        .join(Ticket, Ticket.id == Clock.ticket_id)
        .where(Clock.due_at <= desk_now(), Clock.met_at.is_(None), Clock.breached_at.is_(None))
        .order_by(Clock.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Clock)
    )
    rows = overdue.all()
    for clock, ticket in rows:
        _breach(ticket, clock)
    return len(rows)


def _breach(ticket: "Ticket", clock: Clock) -> None:
    clock.breached_at = clock.due_at
    ticket.events.add(Event(Kind.sla_breached, by=DESK, metric=clock.metric, due_at=clock.due_at.isoformat()))


def _of(ticket: "Ticket", metric: Metric) -> Iterable[Clock]:
    return [clock for clock in ticket.clocks if clock.metric is metric]


def _refresh(ticket: "Ticket") -> None:
    ticket.next_due_at = min((clock.due_at for clock in ticket.clocks if clock.is_running), default=None)
