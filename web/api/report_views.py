"""Questions and answers of reports, as programs send and see them."""

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from helpdesk import measures
from helpdesk.measures import Answer as Found
from helpdesk.measures import Compare, Dimension, Line, Measure, Part, Period, Unit, Value
from helpdesk.people import Agent
from helpdesk.reports import sheets
from helpdesk.reports.questions import CUSTOM, MOST_MEASURES, USUAL, Question
from helpdesk.tickets import Priority
from web.api.given import BIG, MOST, PAGE, Sent
from web.api.shapes import At, Shape

Number = Annotated[int, Meta(ge=0, le=BIG >> 1)]
Ids = Annotated[tuple[Number, ...], Meta(max_length=200, examples=[[1, 2]])]
MeasureName = Annotated[str, Meta(max_length=60, examples=["created"])]
Zone = Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])]


class Within(Sent):
    """Which tickets count; all of it together. 0 stands for none: no team, nobody, no tag."""

    teams: Ids = ()
    agents: Ids = ()
    inboxes: Ids = ()
    channels: Annotated[
        tuple[Annotated[str, Meta(max_length=40, examples=["email"])], ...], Meta(max_length=200)
    ] = ()
    tags: Ids = ()
    companies: Ids = ()
    priorities: Annotated[tuple[Priority, ...], Meta(max_length=4)] = ()
    types: Ids = ()


class Days(Sent, kw_only=True):
    """A period by its name, or two days of one's own; both of them count."""

    period: Annotated[str, Meta(max_length=20, examples=["30"])] = ""
    """`today`; `7`, `30`, `90` or `365` days up to today; `month`, `last-month`, `quarter`, `last-quarter`."""
    begin: date | None = None
    end: date | None = None
    zone: Zone = ""
    """In which a day is a day; the caller's own where it is left out."""
    scope: Within = msgspec.field(default_factory=Within)

    def asked(self, agent: Agent, **more: Any) -> tuple[Question, Period]:
        """Raises Invalid."""
        named: dict[str, Any] = {"period": self.period} if self.period else {}
        if self.begin or self.end:
            named = {"period": CUSTOM}
        scope = measures.scopes.read(msgspec.structs.asdict(self.scope))
        question = Question(**named, begin=self.begin, end=self.end, scope=scope, **more)
        question.chosen()
        return question, question.during(self.zone or agent.time_zone)


class ReportGiven(Days, kw_only=True):
    measures: Annotated[tuple[MeasureName, ...], Meta(min_length=1, max_length=MOST_MEASURES)] = USUAL
    """Names from `GET /reports/measures`."""
    by: Dimension | None = None
    compare: Compare = Compare.none

    def question(self, agent: Agent) -> Question:
        asked, _ = self.asked(
            agent, measures=tuple(dict.fromkeys(self.measures)), by=self.by, compare=self.compare
        )
        return asked


class BehindGiven(Days, kw_only=True):
    """The tickets behind one number."""

    measure: MeasureName
    by: Dimension | None = None
    key: Annotated[str, Meta(max_length=100, examples=["3"])] | None = None
    """A line's `key`, as text; `none` for the line of what has none. The whole where it is left out."""
    part: Part = Part.all
    """Of a share: those that are part of it, or the others."""
    limit: Annotated[int, Meta(ge=1, le=MOST)] = PAGE
    after: Annotated[str, Meta(max_length=2_000)] = ""


class FactsGiven(Days, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=MOST)] = PAGE
    after: Annotated[str, Meta(max_length=2_000)] = ""


class MeasureView(Shape):
    name: MeasureName
    label: str
    definition: str
    unit: Unit
    more_is: str
    """`better`, `worse`, or empty."""

    @classmethod
    def of(cls, measure: Measure) -> "MeasureView":
        return cls(
            name=measure.name,
            label=str(measure.label),
            definition=f"{measure.definition} {measure.whose}",
            unit=measure.unit,
            more_is=measure.more_is,
        )


class ValueView(Shape):
    value: float | None
    """Durations in seconds, shares from 0 to 1; null where there was nothing to measure."""
    n: int
    """Of how many it speaks."""
    low: float | None = None
    high: float | None = None
    """Of shares and scores: the ends between which the truth lies with 95 % confidence."""

    @classmethod
    def of(cls, value: Value) -> "ValueView":
        return cls(value=value.value, n=value.n, low=value.low, high=value.high)


class LineView(Shape):
    key: str | int | None
    """A day, an hour of the week from Monday 0, an id or a word; null for what has none."""
    label: str
    values: dict[str, ValueView]
    before: dict[str, ValueView]
    """Of the period that it is compared with; empty without one."""

    @classmethod
    def of(cls, by: Dimension | None, line: Line) -> "LineView":
        key = line.key.isoformat() if isinstance(line.key, date) else line.key
        return cls(
            key=key,
            label=sheets.label(by, line) if by else "",
            values={name: ValueView.of(value) for name, value in line.values.items()},
            before={name: ValueView.of(value) for name, value in line.before.items()},
        )


class PeriodView(Shape):
    begin: date
    end: date
    zone: Zone

    @classmethod
    def of(cls, period: Period) -> "PeriodView":
        return cls(begin=period.begin, end=period.end, zone=period.zone)


class ReportView(Shape):
    period: PeriodView
    compared: PeriodView | None
    by: Dimension | None
    measures: list[MeasureView]
    total: LineView
    lines: list[LineView]
    more: int
    """Lines with less that were left out."""

    @classmethod
    def of(cls, found: Found) -> "ReportView":
        return cls(
            period=PeriodView.of(found.period),
            compared=PeriodView.of(found.compared) if found.compared else None,
            by=found.by,
            measures=[MeasureView.of(measure) for measure in found.measures],
            total=LineView.of(None, found.total),
            lines=[LineView.of(found.by, line) for line in found.lines],
            more=found.more,
        )


class FactView(Shape):
    """All that is measured of a ticket. Durations are seconds."""

    number: int
    subject: str
    status: str
    category: str
    priority: str
    type: str | None
    tags: str | None
    inbox: str
    channel: str
    team: str | None
    assignee: str | None
    requester: str
    company: str | None
    created_at: At
    asked_at: At | None
    first_reply_at: At | None
    first_reply_by: str | None
    first_response_seconds: int | None
    first_response_business_seconds: int | None
    resolved_at: At | None
    resolved_by: str | None
    resolution_seconds: int | None
    resolution_business_seconds: int | None
    replies: int
    customer_messages: int
    reopens: int
    one_touch: bool | None
    first_response_in_time: bool | None
    next_response_in_time: bool | None
    update_in_time: bool | None
    resolution_in_time: bool | None
    rating: int | None
