"""Random lives of tickets: every due time is what a model says that walks through time in steps of five minutes.

The model (`steps.py`) knows nothing of ours. `LIVES=100000` simulates as many; CI simulates a few hundred.
"""

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from helpdesk.calendars import Calendar
from helpdesk.events import ASSISTANT, DESK, Kind
from helpdesk.people import Agent
from helpdesk.sla import Fact, Policy
from helpdesk.sla.machine import apply, begin, follow
from helpdesk.statuses import Category
from tests.helpdesk.steps import RESPONSES, STEP, Model, Terms, is_open

LIVES = int(os.environ.get("LIVES", "300"))
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
SUNDAYS = (
    datetime(2031, 3, 28, tzinfo=UTC),
    datetime(2031, 10, 24, tzinfo=UTC),
    datetime(2031, 12, 29, tzinfo=UTC),
)
WEEKS: tuple[dict[str, list[list[str]]], ...] = (
    {str(day): [["09:00", "12:00"], ["12:45", "17:30"]] for day in range(5)},
    {str(day): [["08:00", "20:00"]] for day in range(6)},
    {str(day): [["00:00", "24:00"]] for day in range(7)},
    {"0": [["22:00", "24:00"]], "1": [["00:00", "06:00"]], "6": [["01:30", "04:00"]]},
)
TARGETS: tuple[dict[str, dict[str, int]], ...] = (
    {p: {"first_response": 60 * n, "next_response": 90 * n, "update": 240 * n, "resolution": 480 * n}
     for n, p in enumerate(("urgent", "high", "normal", "low"), 1)},
    {"urgent": {"first_response": 15, "resolution": 60}, "normal": {"next_response": 45, "update": 30}},
)  # fmt: skip
PAUSES: tuple[dict[str, list[str]], ...] = (
    {"next_response": ["on_hold"], "update": ["on_hold"], "resolution": ["waiting", "on_hold"]},
    {},
    {"first_response": ["on_hold", "snoozed"], "update": ["waiting"], "resolution": ["snoozed"]},
)
DOINGS = (
    "customer", "customer", "reply", "reply", "take_back", "bot", "open", "on_hold", "resolve", "reopen", "priority",
    "remove", "restore", "snooze", "wake", "policy", "nothing",
)  # fmt: skip


@dataclass
class Life:
    """The same life, told to the machine and to the model."""

    begin: datetime
    terms: list[Terms]
    opens: list[Any]
    which: int = 0

    def __post_init__(self) -> None:
        self.model = Model(self.terms[0], self.opens[0])
        self.policies = [policy(terms, number) for number, terms in enumerate(self.terms, 1)]
        bin_ = SimpleNamespace(add=lambda _row: None)
        self.ticket: Any = Stand(events=bin_, ledger=bin_)
        self.before: Any = None

    def at(self, step: int | None = None) -> datetime:
        return self.begin + (self.model.now if step is None else step) * STEP

    def tell(self, kind: Kind, by: Any = DESK, since: datetime | None = None) -> None:
        apply(self.ticket, Fact(kind, self.at(), by, since))

    def opened(self) -> None:
        self.ticket.waiting_since, self.model.waiting = self.at(), 0
        begin(self.ticket, self.policies[0], self.at())
        self.tell(Kind.message_received, since=self.at())
        for metric in ("first_response", "resolution"):
            self.model.promise(metric, 0)
        if not any(p.metric == "first_response" for p in self.model.promises):
            self.model.promise("next_response", 0)
        self.model.settle()

    def stand(self, category: str, kind: Kind) -> None:
        self.ticket.category, self.model.category = Category(category), category
        self.tell(kind)
        self.model.settle()

    def customer(self) -> None:
        if self.model.removed == "trash":
            self.restore()
        if self.model.snoozed:
            self.wake()
        self.ticket.waiting_since = self.ticket.waiting_since or self.at()
        if self.model.waiting is None:
            self.model.waiting = self.model.now
        if self.model.category in ("resolved", "waiting", "on_hold"):
            self.stand("open", Kind.reopened)
        self.tell(Kind.message_received, since=self.at())
        if not any(p.stands and p.metric in ("first_response", "next_response") for p in self.model.promises):
            self.model.promise("next_response", self.model.now)
        self.model.settle()

    def reply(self, by: Any = None) -> None:
        by, model = by or Agent(name="Ada", email="a@b"), self.model
        ticket = self.ticket
        kept = (ticket.category, ticket.waiting_since, ticket.first_replied_at)
        fields = ("category", "waiting", "replied", "answered")
        self.before = (
            kept,
            {n: getattr(model, n) for n in fields},
            [p.copy() for p in model.promises],
            self.at(),
        )
        ticket.category, model.category = Category.waiting, "waiting"
        ticket.waiting_since = model.waiting = None
        if by is not ASSISTANT:
            for one in model.promises:
                if one.stands and one.metric in RESPONSES:
                    one.met, one.rests = model.now, False
            model.promise("update", model.now)
            model.answered = model.now
            if model.replied is None:
                ticket.first_replied_at, model.replied = self.at(), model.now
        self.tell(Kind.replied, by=by)
        model.settle()

    def take_back(self, before: Any) -> None:
        """Nothing else has happened since."""
        kept, state, promises, sent_at = before
        self.ticket.category, self.ticket.waiting_since, self.ticket.first_replied_at = kept
        step, now = round((sent_at - self.begin) / STEP), self.model.now
        for name, value in state.items():
            setattr(self.model, name, value)
        self.model.promises, self.model.now = promises, step
        self.model.pass_to(now)
        self.tell(Kind.reply_withdrawn, since=sent_at)
        self.model.settle()
        for one in self.model.promises:  # it had opened a resolved ticket: resolved again by the terms of now
            if one.metric == "resolution" and one.met is not None:
                self.model.judge(one)

    def restore(self) -> None:
        self.ticket.removed = self.model.removed = None
        self.tell(Kind.restored)
        self.model.settle()

    def wake(self) -> None:
        self.ticket.snoozed_until, self.model.snoozed = None, False
        self.tell(Kind.woken)
        self.model.settle()

    def remove(self, why: str, kind: Kind) -> None:
        self.ticket.removed = self.model.removed = why
        self.tell(kind)
        self.model.settle()

    def follow(self, number: int) -> None:
        model, ticket = self.model, self.ticket
        model.terms, model.open = self.terms[number], self.opens[number]
        asked = min((p.start for p in model.promises), default=None)
        ever = {p.metric for p in model.promises}
        if asked is not None:
            if model.replied is None and "first_response" not in ever:
                model.promise("first_response", asked)
            if model.waiting is not None and (
                model.replied is not None or not model.terms.promises("first_response")
            ):
                model.promise("next_response", model.waiting)
            if model.answered is not None and not model.settled:
                model.promise("update", model.answered)
            if "resolution" not in ever and not model.settled:
                model.promise("resolution", asked)
            follow(ticket, self.policies[number], Fact(Kind.policy_changed, self.at(), DESK, None))
            ticket.policy_id = number + 1
            model.settle()

    def does(self, what: str, number: int) -> None:
        model, before = self.model, self.before
        self.before = None
        match what:
            case "customer" if model.removed not in ("spam", "merged"):
                self.customer()
            case "reply" if not model.removed:
                self.reply()
            case "bot" if not model.removed:
                self.reply(ASSISTANT)
            case "take_back" if before:
                self.take_back(before)
            case "open" | "on_hold" if not model.settled and not model.removed:
                self.stand(what, Kind.status_changed)
            case "resolve" if not model.settled and not model.removed:
                self.ticket.waiting_since = model.waiting = None
                self.ticket.resolved_at = self.at()
                self.stand("resolved", Kind.resolved)
            case "reopen" if model.settled and not model.removed:
                self.stand("open", Kind.reopened)
            case "priority":
                self.ticket.priority = model.priority = ("urgent", "high", "normal", "low")[number % 4]
                self.tell(Kind.priority_changed)
                model.look()
            case "remove" if not model.removed:
                self.remove(("spam", "trash")[number % 2], Kind.removed)
            case "restore" if model.removed in ("spam", "trash"):
                self.restore()
            case "snooze" if not model.settled and not model.removed:
                self.ticket.snoozed_until, model.snoozed = self.at() + timedelta(days=3), True
                self.tell(Kind.snoozed)
                model.settle()
            case "wake" if model.snoozed:
                self.wake()
            case "policy":
                self.follow(number % len(self.terms))

    def compare(self) -> None:
        self.tell(Kind.noted)  # time has passed, nothing else
        ours = [c for c in self.ticket.clocks if c.is_open]
        theirs = [p for p in self.model.promises if p.stands]
        assert sorted(c.metric for c in ours) == sorted(p.metric for p in theirs)
        by_metric = {c.metric: c for c in ours}
        for one in theirs:
            due = self.model.due(one)
            clock = by_metric[one.metric]
            expected = None if due is None else self.at(due)
            assert clock.due_at == expected, (one.metric, clock.due_at, expected)
            assert bool(clock.breached_at) == one.late, (one.metric, clock.breached_at, one.late)
        kept = sorted((c.metric, c.met_at, bool(c.breached_at)) for c in self.ticket.clocks if c.met_at)
        met = sorted((p.metric, self.at(p.met), p.late) for p in self.model.promises if p.met is not None)
        assert kept == met


@dataclass
class Stand:
    """What the machine needs of a ticket."""

    events: Any
    ledger: Any
    clocks: list[Any] = field(default_factory=list)
    policy: Any = None
    policy_id: int | None = None
    priority: str = "normal"
    category: Category = Category.new
    removed: str | None = None
    snoozed_until: datetime | None = None
    waiting_since: datetime | None = None
    first_replied_at: datetime | None = None
    resolved_at: datetime | None = None
    next_due_at: datetime | None = None

    @property
    def is_settled(self) -> bool:
        return self.category.is_settled


def policy(terms: Terms, number: int) -> Policy:
    calendar = Calendar(name="", time_zone=terms.zone, week=terms.week)
    return Policy(
        id=number,
        name="",
        calendar=calendar,
        targets=terms.targets,
        pauses=terms.pauses,
        escalations=[],
        condition={},
    )


_OPENS: dict[str, Any] = {}


def opens(terms: Terms, begin: datetime) -> Any:
    key = repr((terms.week, terms.zone, begin))
    if key not in _OPENS:
        _OPENS[key] = is_open(terms, begin)
    return _OPENS[key]


@st.composite
def lives(draw: Any) -> tuple[Life, list[tuple[int, str, int]]]:
    begin = draw(st.sampled_from(SUNDAYS))
    terms = [
        Terms(
            draw(st.sampled_from(WEEKS)), draw(st.sampled_from(ZONES)), [],
            draw(st.sampled_from(TARGETS)), draw(st.sampled_from(PAUSES)),
        )
        for _ in range(2)
    ]  # fmt: skip
    gap = st.one_of(st.integers(1, 6), st.integers(1, 300))  # a ticket is locked: no two facts at one time
    doing = st.tuples(gap, st.sampled_from(DOINGS), st.integers(0, 3))
    return Life(begin, terms, [opens(one, begin) for one in terms]), draw(st.lists(doing, max_size=14))


@settings(
    max_examples=LIVES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
    database=None,
)
@given(lives())
def test_every_due_time_is_what_the_model_says(drawn: tuple[Life, list[tuple[int, str, int]]]):
    life, doings = drawn
    note(f"{life.begin:%d %b}, {life.terms}: {doings}")
    life.opened()
    life.compare()
    for gap, what, number in doings:
        life.model.pass_to(life.model.now + gap)
        life.does(what, number)
        life.compare()
