"""Why something is due when it is: the ledger as a sentence for each step, and a picture of the time between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from helpdesk.clock import now
from helpdesk.events import ActorKind, Kind
from helpdesk.hours import NeverOpen
from helpdesk.i18n import gettext
from helpdesk.sla import Clock, Entry, Policy, Step
from helpdesk.statuses import Category
from helpdesk.tickets import Priority, Ticket
from web.promises import duration, metric_name
from web.words import priority_name, status_name

MOST_SPANS = 400
"""Stretches of working hours that a picture shows; further ones are left out."""


@dataclass(frozen=True)
class Names:
    """What the numbers in entries are called."""

    agents: Mapping[int, Any]
    teams: Mapping[int, Any]
    policies: Mapping[int, str]
    contact: str

    def who(self, entry: Entry) -> str:
        match entry.actor:
            case ActorKind.agent:
                found = self.agents.get(entry.actor_id or 0)
                return str(found.name) if found else gettext("A former colleague")
            case ActorKind.contact:
                return self.contact
            case ActorKind.assistant:
                return gettext("The assistant")
            case ActorKind.rule:
                return gettext("A rule")
        return gettext("The desk")

    def told(self, data: Mapping[str, Any]) -> str:
        if agent := self.agents.get(data.get("agent") or 0):
            return str(agent.name)
        team = self.teams.get(data.get("team") or 0)
        return gettext("team %(name)s") % {"name": team.name} if team else gettext("nobody")


@dataclass(frozen=True)
class Told:
    """One step."""

    at: datetime
    step: Step
    text: str
    left: str
    """Working time that was left by then; empty where that says nothing."""
    due_at: datetime | None


@dataclass(frozen=True)
class Picture:
    """From 0 to 1000, left to right."""

    begin: datetime
    end: datetime
    open: Sequence[tuple[int, int]]
    paused: Sequence[tuple[int, int]]
    marks: Mapping[str, int]
    """start, now, due, met."""


@dataclass(frozen=True)
class Story:
    clock: Clock
    name: str
    steps: Sequence[Told]
    picture: Picture | None
    left: str
    tone: str
    words: str
    """How it stands, in a word or two."""


@dataclass(frozen=True)
class Why:
    stories: Sequence[Story] = field(default_factory=list)

    @property
    def open(self) -> Sequence[Story]:
        return [story for story in self.stories if story.clock.is_open]

    @property
    def over(self) -> Sequence[Story]:
        return [story for story in self.stories if not story.clock.is_open]


def why(ticket: Ticket, entries: Sequence[Entry], names: Names) -> Why:
    """`clocks` and `policy.calendar` are loaded. What is due first comes first; what is over comes last."""
    shown = [clock for clock in ticket.clocks if clock.target is not None or clock.due_at]
    stories = [
        _story(ticket, clock, [one for one in entries if one.clock_id == clock.id], names) for clock in shown
    ]
    far = datetime.max.replace(tzinfo=now().tzinfo)
    return Why(
        sorted(stories, key=lambda one: (not one.clock.is_open, one.clock.due_at or far, one.clock.id))
    )


def _story(ticket: Ticket, clock: Clock, entries: Sequence[Entry], names: Names) -> Story:
    policy = ticket.policy
    tone, words = _state(clock)
    return Story(
        clock,
        metric_name(clock.metric),
        [_told(entry, clock, policy, names) for entry in entries],
        _picture(clock, policy) if policy else None,
        _left(clock, policy, now()) if clock.is_open else "",
        tone,
        words,
    )


def _state(clock: Clock) -> tuple[str, str]:
    if clock.met_at:
        return ("good", gettext("kept")) if clock.was_met else ("bad", gettext("kept late"))
    if clock.ended_at:
        return "", gettext("given up")
    if clock.breached_at:
        return "bad", gettext("late")
    return ("", gettext("paused")) if clock.is_resting else ("accent", gettext("running"))


def _told(entry: Entry, clock: Clock, policy: Policy | None, names: Names) -> Told:
    left = "" if entry.step in {Step.breach, Step.escalate, Step.cancel} else _left(clock, policy, entry.at)
    return Told(entry.at, entry.step, _sentence(entry, names), left, entry.due_at)


def _left(clock: Clock, policy: Policy | None, at: datetime) -> str:
    """Working time between then and the target, by the hours as they are now."""
    if policy is None or clock.working is None:
        return ""
    rests = [(begin, end or at) for begin, end in clock.pauses]
    left = clock.working - policy.calendar.hours.between(clock.started_at, at, rests)
    minutes = max(round(left / timedelta(minutes=1)), 0)
    return duration(minutes)


def _sentence(entry: Entry, names: Names) -> str:
    data: Mapping[str, Any] = entry.data
    match entry.step:
        case Step.start:
            words = gettext(
                "%(who)s wrote: %(policy)s promises this within %(target)s for %(priority)s priority."
            )
            if entry.cause not in {Kind.ticket_created, Kind.message_received}:
                words = gettext(
                    "%(cause)s %(policy)s promises this within %(target)s for %(priority)s priority."
                )
            return words % {
                "who": names.contact,
                "cause": _cause(entry, names),
                "policy": names.policies.get(data.get("policy") or 0, gettext("A policy")),
                "target": duration(data.get("target")),
                "priority": _priority(data.get("priority")),
            }
        case Step.pause:
            return gettext("%(cause)s The clock rests.") % {"cause": _cause(entry, names)}
        case Step.resume:
            return gettext("%(cause)s The clock goes on.") % {"cause": _cause(entry, names)}
        case Step.meet:
            words = gettext("%(cause)s In time.") if data.get("in_time") else gettext("%(cause)s Too late.")
            return words % {"cause": _cause(entry, names)}
        case Step.unmeet:
            return gettext("%(cause)s It is promised again.") % {"cause": _cause(entry, names)}
        case Step.recompute:
            return gettext("%(cause)s It was reckoned anew from its start.") % {"cause": _cause(entry, names)}
        case Step.warn:
            return gettext("It was due soon: whoever is responsible was told.")
        case Step.breach:
            return gettext("The time was over, and it had not happened.")
        case Step.escalate:
            return gettext("It was still late: %(who)s was told.") % {"who": names.told(data)}
        case Step.cancel:
            return gettext("%(cause)s Nobody waits for it any more.") % {"cause": _cause(entry, names)}


def _cause(entry: Entry, names: Names) -> str:
    data: Mapping[str, Any] = entry.data
    category = data.get("category")
    status = status_name(Category(category)) if category in set(Category) else gettext("another status")
    policy = names.policies.get(data.get("policy") or 0, gettext("another policy"))
    words = {
        Kind.message_received: gettext("%(who)s wrote."),
        Kind.ticket_created: gettext("%(who)s wrote."),
        Kind.replied: gettext("%(who)s answered."),
        Kind.reply_withdrawn: gettext("%(who)s took the answer back."),
        Kind.status_changed: gettext("%(who)s changed the status to %(status)s."),
        Kind.assigned: gettext("%(who)s assigned the ticket."),
        Kind.resolved: gettext("%(who)s resolved the ticket."),
        Kind.reopened: gettext("%(who)s opened the ticket again."),
        Kind.snoozed: gettext("%(who)s snoozed the ticket."),
        Kind.woken: gettext("%(who)s woke the ticket."),
        Kind.removed: gettext("%(who)s moved the ticket to spam or trash."),
        Kind.restored: gettext("%(who)s brought the ticket back."),
        Kind.merged: gettext("%(who)s merged the ticket into another one."),
        Kind.unmerged: gettext("%(who)s undid the merge."),
        Kind.split_off: gettext("%(who)s moved the message to a ticket of its own."),
        Kind.priority_changed: gettext("%(who)s changed the priority to %(priority)s."),
        Kind.policy_changed: gettext("From now on %(policy)s holds for the ticket."),
        Kind.policy_edited: gettext("The policy was edited."),
        Kind.calendar_changed: gettext("Working hours or holidays were edited."),
    }.get(entry.cause, gettext("%(who)s changed the ticket."))
    return words % {
        "who": names.who(entry),
        "status": status,
        "priority": _priority(data.get("priority")),
        "policy": policy,
    }


def _priority(given: Any) -> str:
    return priority_name(Priority(given)).lower() if given in set(Priority) else gettext("this")


def _picture(clock: Clock, policy: Policy) -> Picture | None:
    ends = [at for at in (clock.due_at, clock.met_at, clock.ended_at) if at]
    until = max([*ends, *([now()] if clock.is_open else [])], default=now())
    if until <= clock.started_at:
        return None
    begin, end = clock.started_at, until

    def place(at: datetime) -> int:
        return min(max(round((at - begin) / (end - begin) * 1000), 0), 1000)

    def spans(found: Sequence[tuple[datetime, datetime]]) -> list[tuple[int, int]]:
        drawn = [(place(a), place(b)) for a, b in found[:MOST_SPANS]]
        return [(a, max(b - a, 1)) for a, b in drawn]

    try:
        hours = list(policy.calendar.hours.openings(begin, end))
    except NeverOpen:
        hours = []
    marks = {"start": clock.started_at, "now": now(), "due": clock.due_at, "met": clock.met_at}
    last = clock.met_at or clock.ended_at or now()
    return Picture(
        begin,
        end,
        spans(hours),
        spans([(a, b or last) for a, b in clock.pauses]),
        {name: place(at) for name, at in marks.items() if at and (name != "now" or clock.is_open)},
    )
