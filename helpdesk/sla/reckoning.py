"""When a promise is due, from scratch: start, target, breaks and business hours, never what was reckoned before."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from helpdesk.hours import NeverOpen, Paused
from helpdesk.sla.clocks import Clock
from helpdesk.sla.policies import Policy

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket

REQUEST = timedelta(seconds=5)
"""In which everything has happened that one request tells."""


def reckon(ticket: "Ticket", clock: Clock, at: datetime) -> datetime | None:
    """Target, due time and whether it is late, from scratch, as ticket and policy stand.

    Returns when it ran out, where it rests by now and that was not written down yet.
    """
    policy = ticket.policy
    working = policy.target(ticket.priority, clock.metric) if policy else None
    clock.policy_id = policy.id if policy else None
    clock.target = None if working is None else working // timedelta(minutes=1)
    over = _over(policy, clock, working)
    clock.due_at = None if clock.is_resting else over
    until = datetime.fromisoformat(clock.breaks[-1][0]) if clock.is_resting else at
    unwritten = None
    if over is None or over >= until:
        _no_longer_late(clock, at)
    elif clock.breached_at or _was_late(clock, at):
        clock.breached_at = over
    elif clock.is_resting:
        unwritten = over
    plan(policy, clock, at)
    return unwritten


def _no_longer_late(clock: Clock, at: datetime) -> None:
    if clock.breached_at:
        clock.__dict__["was_late"] = at, clock.escalated
    clock.breached_at, clock.escalated = None, 0


def _was_late(clock: Clock, at: datetime) -> bool:
    """One request that changes first the priority and then, because of it, the policy, may take a breach back and
    find it again: to everybody else it has been late all the time."""
    then, escalated = clock.__dict__.pop("was_late", (None, 0))
    if then is None or at - then >= REQUEST:
        return False
    clock.escalated = escalated
    return True


def _over(policy: Policy | None, clock: Clock, working: timedelta | None) -> datetime | None:
    """When the target is worked; None where it never is, or rests before."""
    if policy is None or working is None:
        return None
    try:
        return policy.calendar.hours.add(clock.started_at, working, clock.pauses)
    except (NeverOpen, Paused):
        return None


def plan(policy: Policy | None, clock: Clock, at: datetime) -> None:
    """When somebody is to be told next."""
    clock.act_at = None
    if policy is None or clock.due_at is None:
        return
    if clock.breached_at:
        if later := policy.escalations[clock.escalated :]:
            clock.act_at = clock.breached_at + timedelta(minutes=later[0]["after"])
        return
    warn_at = clock.due_at - policy.warning if policy.warning else None
    if warn_at and warn_at > clock.started_at:
        if clock.warned_at and warn_at > at:
            clock.warned_at = None
        if clock.warned_at is None and clock.due_at >= at:  # that it is late is told anyway
            clock.act_at = max(warn_at, at)
