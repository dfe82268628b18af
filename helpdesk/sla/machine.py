"""The machine: facts about a ticket, in the order of time, move its clocks.

A verb changes the ticket first and then tells what happened (`tell`); nothing else moves a clock. Due times are
never shifted: each is reckoned from the clock's start, target and breaks whenever one of them changes. Nothing here
does IO; `ticket.clocks` and `ticket.policy.calendar` are loaded, or the fact waits for the commit.

What ran out before a fact is written down before it, at its own time, whether or not a worker was there to see it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from helpdesk.events import DESK, Actor, ActorKind, Event, Kind
from helpdesk.sla.clocks import Clock
from helpdesk.sla.later import Fact, postponed, reconsider
from helpdesk.sla.ledger import note
from helpdesk.sla.metrics import RESPONSES, Metric, Step
from helpdesk.sla.passing import breach, pass_time
from helpdesk.sla.policies import Policy
from helpdesk.sla.reckoning import REQUEST, reckon

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket


def begin(ticket: "Ticket", policy: Policy, at: datetime, *, by: Actor = DESK) -> None:
    """The customer asked for something at `at`. `policy.calendar` is loaded."""
    fact = Fact(Kind.ticket_created, at, by, None)
    ticket.policy = policy
    for metric in (Metric.first_response, Metric.resolution):
        _start(ticket, metric, at, fact)
    due_at = {clock.metric.value: clock.due_at.isoformat() for clock in ticket.clocks if clock.due_at}
    ticket.events.add(Event(Kind.sla_started, by=DESK, policy=policy.id, due_at=due_at))
    _refresh(ticket)


def tell(ticket: "Ticket", kind: Kind, at: datetime, *, by: Actor, since: datetime | None = None) -> None:
    """Something happened to the ticket, which stands by now as it does since.

    `since`: of `message_received` when the customer wrote, of `reply_withdrawn` when the reply had been sent.
    """
    fact = Fact(kind, at, by, since)
    if not postponed(ticket, fact):
        hear(ticket, fact)


def hear(ticket: "Ticket", fact: Fact) -> None:
    """Where no clock runs yet, the customer's words begin one: from then on they wait for us."""
    if ticket.clocks:
        apply(ticket, fact)
    elif fact.kind is Kind.message_received:
        since = fact.since or fact.at
        if ticket.policy:  # somebody chose it before they wrote, or it promises answers to answers alone
            follow(ticket, ticket.policy, fact, since=since)
        else:
            reconsider(ticket, since=since)
    elif fact.kind is Kind.restored and ticket.waiting_since:  # put away before anything was promised
        reconsider(ticket, since=fact.at)


def apply(ticket: "Ticket", fact: Fact) -> None:
    if not _at_once(ticket, fact):
        for clock in ticket.clocks:
            pass_time(ticket, clock, fact.at)
    ticket.__dict__["told_at"] = fact.at
    if act := ACTS.get(fact.kind):
        act(ticket, fact)
    _settle(ticket, fact, again=fact.kind in RECKONED)
    _refresh(ticket)


def _at_once(ticket: "Ticket", fact: Fact) -> bool:
    """Another policy holds because of what the same request has just told, so time has passed already.

    What the policy before would promise now, such as an answer to an urgent ticket, was never promised: nobody is
    warned of it, and it is not late.
    """
    told_at = ticket.__dict__.get("told_at")
    return fact.kind is Kind.policy_changed and told_at is not None and fact.at - told_at < REQUEST


def follow(ticket: "Ticket", policy: Policy | None, fact: Fact, *, since: datetime | None = None) -> None:
    """From now on this policy holds: every open promise is reckoned by it, from where it once began."""
    nothing_yet = not ticket.clocks
    asked = since if nothing_yet else _asked_at(ticket)
    ticket.policy = policy
    if policy and asked:
        _catch_up(ticket, asked, fact)
        if nothing_yet:
            due_at = {one.metric.value: one.due_at.isoformat() for one in ticket.clocks if one.due_at}
            ticket.events.add(Event(Kind.sla_started, by=DESK, policy=policy.id, due_at=due_at))
    apply(ticket, fact)


def _start(ticket: "Ticket", metric: Metric, started: datetime, fact: Fact) -> None:
    policy = ticket.policy
    if policy is None or not policy.promises(metric):
        return
    clock = Clock(metric=metric, started_at=started, breaks=[], escalated=0)
    ticket.clocks.append(clock)
    if policy.rests(metric, ticket):
        clock.rest(max(fact.at, started))
    reckon(ticket, clock, max(fact.at, started))
    note(
        ticket,
        clock,
        Step.start,
        started,
        fact,
        priority=ticket.priority,
        policy=policy.id,
        target=clock.target,
    )


def _catch_up(ticket: "Ticket", asked: datetime, fact: Fact) -> None:
    """What this policy promises and the one before did not, from when it would have begun."""
    there = {clock.metric for clock in ticket.clocks if clock.is_open}
    ever = {clock.metric for clock in ticket.clocks}
    unanswered = ticket.first_replied_at is None
    first = ticket.policy is not None and ticket.policy.promises(Metric.first_response)
    begins = {
        Metric.first_response: asked if unanswered and Metric.first_response not in ever else None,
        Metric.next_response: None if unanswered and first else ticket.waiting_since,
        Metric.update: None if ticket.is_settled else _answered_at(ticket),
        Metric.resolution: asked if Metric.resolution not in ever and not ticket.is_settled else None,
    }
    for metric, started in begins.items():
        if started and metric not in there:
            _start(ticket, metric, started, fact)


def _asked_at(ticket: "Ticket") -> datetime:
    return min(clock.started_at for clock in ticket.clocks)


def _answered_at(ticket: "Ticket") -> datetime | None:
    """When a person last answered, as far as the clocks know."""
    met = [clock.met_at for clock in ticket.clocks if clock.metric in RESPONSES and clock.met_at]
    return max([*met, *([ticket.first_replied_at] if ticket.first_replied_at else [])], default=None)


def _customer_wrote(ticket: "Ticket", fact: Fact) -> None:
    """The first response is promised until it is given; then each question that waits has a promise of its own."""
    waiting = {clock.metric for clock in ticket.clocks if clock.is_open}
    if not waiting & {Metric.first_response, Metric.next_response}:
        _start(ticket, Metric.next_response, fact.since or fact.at, fact)


def _answered(ticket: "Ticket", fact: Fact) -> None:
    """Only a person's answer counts: not the assistant's, nor a rule's."""
    if fact.by.actor is not ActorKind.agent:
        return
    for clock in ticket.clocks:
        if clock.is_open and clock.metric in RESPONSES:
            _meet(ticket, clock, fact)
    if not ticket.is_settled:
        _start(ticket, Metric.update, fact.at, fact)


def _taken_back(ticket: "Ticket", fact: Fact) -> None:
    """As if the reply had never been: what it met is owed, what it began or ended at that moment is undone."""
    sent_at = fact.since
    if sent_at is None:
        return
    for clock in ticket.clocks:
        if clock.unbreak(sent_at) and clock.is_open:
            _reckoned(ticket, clock, Step.pause if clock.is_resting else Step.resume, fact, undone=True)
    opened = {clock.metric: clock for clock in ticket.clocks if clock.is_open}
    for clock in [one for one in ticket.clocks if one.metric in RESPONSES and one.met_at == sent_at]:
        clock.met_at = None
        if newer := opened.pop(clock.metric, None):  # one promise a metric is open: the newer one takes over
            for name in ("started_at", "breaks", "breached_at", "warned_at", "escalated"):
                setattr(newer, name, getattr(clock, name))
            clock.ended_at, clock.due_at, clock.act_at, clock = fact.at, None, None, newer
        _reckoned(ticket, clock, Step.unmeet, fact)
    if (begun := opened.get(Metric.update)) and begun.started_at == sent_at:
        _cancel(ticket, begun, fact)


def _nobody_waits(ticket: "Ticket", fact: Fact) -> None:
    """Messages went to another ticket, and with them the question."""
    for clock in ticket.clocks:
        if clock.is_open and clock.metric is Metric.next_response and ticket.waiting_since is None:
            _cancel(ticket, clock, fact)


ACTS: dict[Kind, Callable[["Ticket", Fact], None]] = {
    Kind.message_received: _customer_wrote,
    Kind.replied: _answered,
    Kind.reply_withdrawn: _taken_back,
    Kind.unmerged: _nobody_waits,
    Kind.split_off: _nobody_waits,
}
RECKONED = frozenset(
    {Kind.priority_changed, Kind.policy_changed, Kind.policy_edited, Kind.calendar_changed, Kind.unmerged}
)
"""After these every open promise is reckoned anew."""


def _settle(ticket: "Ticket", fact: Fact, *, again: bool) -> None:
    """Every clock as the ticket stands: resting or not, met by its being resolved or not."""
    for clock in ticket.clocks:
        if clock.metric is Metric.resolution:
            _resolve(ticket, clock, fact)
        if not clock.is_open:
            continue
        rests, rested = _rests(ticket, clock), clock.is_resting
        if rests and not rested:
            clock.rest(fact.at)
            _reckoned(ticket, clock, Step.pause, fact, **_standing(ticket))
        elif rested and not rests:
            clock.go_on(fact.at)
            _reckoned(ticket, clock, Step.resume, fact, rested=clock.breaks[-1][0], **_standing(ticket))
        elif again:
            _reckoned(ticket, clock, Step.recompute, fact, **_terms(ticket, clock))


def _resolve(ticket: "Ticket", clock: Clock, fact: Fact) -> None:
    if clock.is_open and ticket.is_settled and not ticket.removed:
        if fact.kind is Kind.reply_withdrawn and ticket.resolved_at:
            _resolved_still(ticket, clock, ticket.resolved_at, fact)
        else:
            _meet(ticket, clock, fact)
    elif clock.met_at and not ticket.is_settled:
        if fact.kind is not Kind.reply_withdrawn and not clock.is_resting:
            clock.breaks = [*clock.breaks, [clock.met_at.isoformat(), fact.at.isoformat()]]
        clock.met_at = None
        _reckoned(ticket, clock, Step.unmeet, fact)
        pass_time(ticket, clock, fact.at)


def _resolved_still(ticket: "Ticket", clock: Clock, at: datetime, fact: Fact) -> None:
    """The reply that had opened it again was taken back: it has been resolved since it was."""
    clock.breaks = [one for one in clock.breaks if one[0] != at.isoformat()]
    reckon(ticket, clock, at)
    clock.met_at, clock.act_at = at, None
    note(ticket, clock, Step.meet, at, fact, in_time=clock.breached_at is None, again=True)


def _rests(ticket: "Ticket", clock: Clock) -> bool:
    if ticket.policy is None:
        return bool(ticket.removed) or (ticket.is_settled and clock.metric in RESPONSES)
    return ticket.policy.rests(clock.metric, ticket)


def _meet(ticket: "Ticket", clock: Clock, fact: Fact) -> None:
    promised = clock.target is not None or clock.due_at is not None
    clock.met_at, clock.act_at = fact.at, None
    if promised:
        in_time = clock.breached_at is None
        ticket.events.add(Event(Kind.sla_met, by=DESK, metric=clock.metric, in_time=in_time))
        note(ticket, clock, Step.meet, fact.at, fact, in_time=in_time)


def _cancel(ticket: "Ticket", clock: Clock, fact: Fact) -> None:
    clock.ended_at, clock.due_at, clock.act_at = fact.at, None, None
    note(ticket, clock, Step.cancel, fact.at, fact)


def _reckoned(ticket: "Ticket", clock: Clock, step: Step, fact: Fact, **data: Any) -> None:
    was = clock.due_at
    ran_out = reckon(ticket, clock, fact.at)
    if step is Step.recompute and clock.due_at == was and not ran_out:
        return
    if clock.target is not None or was:
        note(ticket, clock, step, fact.at, fact, was=was and was.isoformat(), **data)
    if ran_out:
        breach(ticket, clock, ran_out)


def _standing(ticket: "Ticket") -> dict[str, Any]:
    return {
        "category": ticket.category,
        "removed": ticket.removed,
        "snoozed": ticket.snoozed_until is not None,
    }


def _terms(ticket: "Ticket", clock: Clock) -> dict[str, Any]:
    return {"priority": ticket.priority, "policy": clock.policy_id, "target": clock.target}


def _refresh(ticket: "Ticket") -> None:
    due = [clock.due_at for clock in ticket.clocks if clock.is_open and clock.due_at]
    ticket.next_due_at = min(due, default=None)
