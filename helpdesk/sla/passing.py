"""Time passes: warnings, breaches and escalations, each written down once and at its own time."""

from datetime import datetime
from typing import TYPE_CHECKING

from helpdesk.events import DESK, Event, Kind
from helpdesk.sla.clocks import Clock
from helpdesk.sla.later import Fact
from helpdesk.sla.ledger import note
from helpdesk.sla.metrics import Step
from helpdesk.sla.reckoning import plan

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket


def pass_time(ticket: "Ticket", clock: Clock, until: datetime) -> None:
    """Write down what was due before `until`, in order: warning, breach, escalations."""
    if not clock.is_open or clock.due_at is None:
        clock.act_at = None
        return
    if clock.breached_at is None and clock.act_at and clock.act_at <= until:
        _warn(ticket, clock, until)
    if clock.breached_at is None and clock.due_at < until:
        breach(ticket, clock, clock.due_at)
    while clock.breached_at and clock.act_at and clock.act_at <= until:
        _escalate(ticket, clock)


def _warn(ticket: "Ticket", clock: Clock, until: datetime) -> None:
    at, clock.act_at = clock.act_at or until, None
    clock.warned_at = at
    in_time = clock.due_at is not None and clock.due_at >= until
    note(ticket, clock, Step.warn, at, Fact(Kind.sla_warned, at, DESK, None), told=in_time)
    if in_time and clock.due_at:  # that it is late is told anyway
        ticket.events.add(
            Event(Kind.sla_warned, by=DESK, metric=clock.metric, due_at=clock.due_at.isoformat())
        )


def breach(ticket: "Ticket", clock: Clock, at: datetime) -> None:
    clock.breached_at = at
    plan(ticket.policy, clock, at)
    note(ticket, clock, Step.breach, at, Fact(Kind.sla_breached, at, DESK, None))
    ticket.events.add(Event(Kind.sla_breached, by=DESK, metric=clock.metric, due_at=at.isoformat()))


def _escalate(ticket: "Ticket", clock: Clock) -> None:
    at, policy = clock.act_at, ticket.policy
    if at is None or policy is None or clock.escalated >= len(policy.escalations):
        clock.act_at = None
        return
    whom = {key: policy.escalations[clock.escalated].get(key) for key in ("agent", "team")}
    clock.escalated += 1
    plan(policy, clock, at)
    note(ticket, clock, Step.escalate, at, Fact(Kind.sla_escalated, at, DESK, None), **whom)
    due_at = clock.breached_at and clock.breached_at.isoformat()
    ticket.events.add(Event(Kind.sla_escalated, by=DESK, metric=clock.metric, due_at=due_at, **whom))
