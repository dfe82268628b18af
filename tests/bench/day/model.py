"""What the promises of a simulated day must have come to, by a model that knows nothing of ours.

The day writes a diary: what customers and agents did, and when. Each ticket's story is told again from it, in steps of
20 seconds (`tests/helpdesk/steps.py`), and says when a promise was broken, and when somebody was to be warned of one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.helpdesk.steps import RESPONSES, Model, Promise, Terms, is_open

GRAIN = timedelta(seconds=20)
HORIZON = timedelta(days=14) // GRAIN
Breach = tuple[str, datetime]
"""Metric and time."""


@dataclass(frozen=True)
class Entry:
    """One line of the diary."""

    at: datetime
    what: str
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Policy:
    """By its name; the first that holds applies."""

    name: str
    terms: Terms
    warn: int
    """Minutes."""
    holds: Callable[["Story"], bool]
    open: Any = None
    """Whether its calendar is, for every step; laid out by `Rules`."""


@dataclass
class Rules:
    begin: datetime
    policies: Sequence[Policy]
    room: int = timedelta(days=2) // GRAIN

    def __post_init__(self) -> None:
        for policy in self.policies:
            self.lay_out(policy)

    def lay_out(self, policy: Policy) -> None:
        policy.open = _laid_out(policy.terms, self.begin)

    def step(self, at: datetime) -> int:
        steps, rest = divmod(at - self.begin, GRAIN)
        if rest:
            raise ValueError(f"{at} is between two steps of the model")
        return steps

    def of(self, story: "Story") -> Policy:
        return next(policy for policy in self.policies if policy.holds(story))


_OPENS: dict[str, Any] = {}


def _laid_out(terms: Terms, begin: datetime) -> Any:
    key = repr((terms.week, terms.zone, sorted(terms.holidays), begin))
    if key not in _OPENS:
        _OPENS[key] = is_open(terms, begin, GRAIN, HORIZON)
    return _OPENS[key]


@dataclass
class Watched(Model):
    """The model, with the moments at which a promise broke, and at which somebody was to be warned."""

    warn: int = 0
    breaches: list[tuple[str, int]] = field(default_factory=list)
    warnings: list[tuple[str, int]] = field(default_factory=list)

    def judge(self, one: Promise) -> None:
        was = one.late
        super().judge(one)
        if one.late and not was:
            due = self.worked(one, one.rests_from if one.rests else None)
            self.breaches.append((one.metric, due or 0))

    def pass_to(self, step: int) -> None:
        for one in self.promises:
            if one.stands and one.warns_at is not None and one.warns_at <= step:
                self.warnings.append((one.metric, one.warns_at))
                one.warned, one.warns_at = True, None
        super().pass_to(step)

    def plan(self) -> None:
        """Whom to warn when, after something has changed."""
        before = timedelta(minutes=self.warn) // self.step
        for one in self.promises:
            due, one.warns_at = self.due(one) if one.stands else None, None
            if due is None or one.late or due - before <= one.start:
                continue
            if one.warned and due - before > self.now:
                one.warned = False
            if not one.warned:
                one.warns_at = max(due - before, self.now)


@dataclass
class Story:
    """One ticket."""

    rules: Rules
    inbox: str = ""
    tags: set[str] = field(default_factory=set)
    fixed: str = ""
    """A policy that somebody chose."""
    wakes_at: int | None = None
    policy: Policy | None = None
    model: Watched | None = None
    before: Any = None
    """What a reply can be taken back to."""

    @property
    def priority(self) -> str:
        return self.model.priority if self.model else "normal"

    def go_to(self, at: datetime) -> Watched:
        """Time passes; who was put to sleep wakes on the way."""
        if self.model is None:
            raise ValueError("nothing was opened yet")
        step = self.rules.step(at)
        if self.wakes_at is not None and self.wakes_at <= step:
            self.model.pass_to(self.wakes_at)
            self._wake()
        self.model.pass_to(step)
        return self.model

    def tell(self, entry: Entry) -> None:
        """One line of the diary happens again."""
        if entry.what == "opened":
            self._opened(entry)
            return
        model, before = self.go_to(entry.at), self.before
        self.before = None
        told = entry.told
        match entry.what:
            case "customer":
                self._customer()
            case "reply" | "bot":
                self._reply(entry.what == "reply")
            case "take back":
                self._take_back(before)
            case "hold" | "take up":
                self._stand("on_hold" if entry.what == "hold" else "open")
            case "resolve":
                model.waiting, self.wakes_at, model.snoozed = None, None, False
                self._stand("resolved")
            case "snooze":
                model.snoozed, self.wakes_at = True, self.rules.step(told["until"])
                model.settle()
            case "priority":
                model.priority = told["now"]
                self._match()
            case "tags" | "inbox":
                self.tags = set(told.get("tags", self.tags))
                self.inbox = told.get("inbox", self.inbox)
                self._match()
            case "fix":
                self.fixed = told["policy"]
                self._match()
            case "remove":
                model.removed = told["now"]
                model.settle()
            case "restore":
                self._restore()
        model.plan()

    def edited(self, at: datetime) -> None:
        """Policies or calendars are others from now on: what is open is reckoned anew; the rest when it is again."""
        if self.model is None or self.model.settled or self.model.removed or not self.model.promises:
            return
        self.go_to(at)
        self.before = None
        self._match()
        self.model.plan()

    def merge(self, source: "Story", at: datetime) -> None:
        """Whoever waits for an answer in the other one waits for it here."""
        model, other = self.go_to(at), source.go_to(at)
        self.before = source.before = None
        if other.waiting is not None and not other.settled:
            waiting = min(other.waiting, other.waiting if model.waiting is None else model.waiting)
            if model.snoozed:
                self._wake()
            if model.category in ("resolved", "waiting", "on_hold"):
                self._stand("open")
            model.waiting = waiting
            self._asked(waiting)
        self.tags |= source.tags
        self._match()
        model.plan()
        other.removed = "merged"
        other.settle()
        other.plan()

    def _opened(self, entry: Entry) -> None:
        self.inbox = entry.told["inbox"]
        terms = Terms({}, "UTC", [], {}, {})
        self.model = Watched(terms, None, GRAIN, self.rules.room, self.rules.step(entry.at))
        if entry.told.get("by") != "machine":
            self._customer()
            self.model.plan()

    def _customer(self) -> None:
        model = self._model
        if model.waiting is None:
            model.waiting = model.now
        if model.removed == "trash":
            self._restore()
        if model.snoozed:
            self._wake()
        if model.category in ("resolved", "waiting", "on_hold"):
            self._stand("open")
        self._asked(model.now)
        self._match()

    def _asked(self, since: int) -> None:
        model = self._model
        if not model.promises:
            self.policy = self._wanted()
            self._take(self.policy)
            if model.replied is None:
                model.promise("first_response", since)
            else:  # a machine had written, and was answered
                model.promise("update", model.replied)
            model.promise("resolution", since)
        if not any(p.stands and p.metric in ("first_response", "next_response") for p in model.promises):
            model.promise("next_response", since)
        model.settle()

    def _reply(self, person: bool) -> None:
        model = self._model
        fields = ("category", "waiting", "replied", "answered")
        kept = {name: getattr(model, name) for name in fields}
        self.before = (kept, [one.copy() for one in model.promises], model.now)
        model.category, model.waiting = "waiting", None
        if person:
            for one in model.promises:
                if one.stands and one.metric in RESPONSES:
                    one.met, one.rests = model.now, False
            model.promise("update", model.now)
            model.answered = model.now
            model.replied = model.now if model.replied is None else model.replied
        model.settle()

    def _take_back(self, before: Any) -> None:
        """Nothing else has happened since."""
        model = self._model
        (state, promises, step), now = before, model.now
        for name, value in state.items():
            setattr(model, name, value)
        for one in promises:
            one.warns_at = None  # nobody was to be told while it was kept
        model.promises, model.now = promises, step
        model.pass_to(now)
        model.settle()

    def _stand(self, category: str) -> None:
        model, settled = self._model, self._model.settled
        model.category = category
        if settled and not model.settled and self.policy:
            self._take(self.policy)
        model.settle()

    def _wake(self) -> None:
        self.wakes_at, self._model.snoozed = None, False
        self._model.settle()
        self._model.plan()

    def _restore(self) -> None:
        self._model.removed = None
        if self.policy:
            self._take(self.policy)
        self._model.settle()
        self._match()

    def _wanted(self) -> Policy:
        if self.fixed:
            return next(policy for policy in self.rules.policies if policy.name == self.fixed)
        return self.rules.of(self)

    def _match(self) -> None:
        """By the policy that holds now; what it promises and the one before did not, from when it would have begun."""
        model, wanted = self._model, self._wanted()
        if not model.promises:
            return
        changed, self.policy = wanted is not self.policy, wanted
        if not model.settled:
            self._take(wanted)
        if changed and not model.settled:
            self._catch_up()
        model.settle()

    def _catch_up(self) -> None:
        model = self._model
        asked, ever = min(p.start for p in model.promises), {p.metric for p in model.promises}
        if model.replied is None and "first_response" not in ever:
            model.promise("first_response", asked)
        if model.waiting is not None and (
            model.replied is not None or not model.terms.promises("first_response")
        ):
            model.promise("next_response", model.waiting)
        if model.answered is not None:
            model.promise("update", model.answered)
        if "resolution" not in ever:
            model.promise("resolution", asked)

    def _take(self, policy: Policy) -> None:
        self._model.terms, self._model.open, self._model.warn = policy.terms, policy.open, policy.warn

    @property
    def _model(self) -> Watched:
        if self.model is None:
            raise ValueError("nothing was opened yet")
        return self.model


@dataclass
class Told:
    """What a ticket's story came to."""

    breaches: list[Breach]
    warnings: list[Breach]
    open: dict[str, tuple[datetime | None, bool]]
    """By metric: when it is due, and whether it is late."""
    kept: list[tuple[str, datetime, bool]]
    """Metric, when, and whether it was late."""

    @classmethod
    def of(cls, story: Story) -> "Told":
        model, rules = story.model, story.rules
        if model is None:
            return cls([], [], {}, [])

        def at(step: int) -> datetime:
            return rules.begin + step * GRAIN

        standing = {p.metric: (model.due(p), p.late) for p in model.promises if p.stands}
        return cls(
            sorted((metric, at(step)) for metric, step in model.breaches),
            sorted((metric, at(step)) for metric, step in model.warnings),
            {metric: (None if due is None else at(due), late) for metric, (due, late) in standing.items()},
            sorted((p.metric, at(p.met), p.late) for p in model.promises if p.met is not None),
        )


def retold(rules: Rules, diary: Iterable[tuple[int, Entry]], ends: datetime) -> dict[int, Told]:
    """Every ticket's story, from a diary in the order of time; ticket 0 stands for the whole desk."""
    stories: dict[int, Story] = {}
    for number, entry in diary:
        if number == 0:
            for story in stories.values():  # by the terms that held until then
                story.go_to(entry.at)
            entry.told["change"](rules)
            for story in stories.values():
                story.edited(entry.at)
        elif entry.what == "merge":
            stories[number].merge(stories[entry.told["source"]], entry.at)
        else:
            stories.setdefault(number, Story(rules)).tell(entry)
    for story in stories.values():
        story.go_to(ends)
    return {number: Told.of(story) for number, story in stories.items()}
