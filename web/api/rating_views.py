"""Ratings as programs send and see them."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from helpdesk import satisfaction
from helpdesk.satisfaction import InboxSurvey, PromoterSurvey, Survey, WhyNot, arranging
from helpdesk.satisfaction.answering import LONGEST_COMMENT
from helpdesk.satisfaction.figures import Results
from helpdesk.satisfaction.intervals import Interval
from helpdesk.schedules import Every
from helpdesk.tickets import Ticket
from web.api.given import Sent
from web.api.shapes import At, Shape

Words = Annotated[str, Meta(max_length=arranging.LONGEST_WORDS, examples=["How was our help?"])]
Days = Annotated[int, Meta(ge=1, le=730, examples=[30])]


class RatingGiven(Sent):
    """A rating that came by another way than the desk's own link: a chat, a call, another program."""

    score: Annotated[int, Meta(ge=1, le=5, examples=[5])]
    """From 1, very bad, to 5, very good."""
    comment: Annotated[str, Meta(max_length=LONGEST_COMMENT, examples=["Quick and kind."])] | None = None
    """Null leaves the comment of before."""
    channel: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["chat"])] = "api"


class RatingView(Shape):
    id: int
    kind: Survey
    ticket: int
    """The ticket's number."""
    score: int | None
    """1 to 5 about a ticket; 0 to 10 for a recommendation; null while there is no answer."""
    comment: str
    asked_at: At | None
    """Null where nobody was asked, or where the rating came by itself."""
    answered_at: At | None
    channel: str | None
    contact: int | None
    agent: int | None
    """Whose ticket it was when the customer was asked."""
    team: int | None
    inbox: int
    why_not: WhyNot | None
    """Why the customer was not asked."""

    @classmethod
    def of(cls, row: satisfaction.Rating, ticket: Ticket) -> "RatingView":
        return cls(
            id=row.id,
            kind=row.kind,
            ticket=ticket.number,
            score=row.score,
            comment=row.comment,
            asked_at=row.asked_at,
            answered_at=row.answered_at,
            channel=row.channel,
            contact=row.contact_id,
            agent=row.assignee_id,
            team=row.team_id,
            inbox=row.inbox_id,
            why_not=row.why_not,
        )

    @classmethod
    def listed(cls, row: Any) -> "RatingView":
        return cls(
            id=row.id,
            kind=row.kind,
            ticket=row.number,
            score=row.score,
            comment=row.comment,
            asked_at=row.asked_at,
            answered_at=row.answered_at,
            channel=row.channel,
            contact=row.contact_id,
            agent=row.agent_id,
            team=row.team_id,
            inbox=row.inbox_id,
            why_not=None,
        )


class IntervalView(Shape):
    """A figure, and between which ends it lies with 95 % confidence."""

    value: float
    low: float
    high: float
    n: int

    @classmethod
    def of(cls, found: Interval | None) -> "IntervalView | None":
        return cls(value=found.value, low=found.low, high=found.high, n=found.n) if found else None


class ResultsView(Shape):
    kind: Survey
    n: int
    counts: dict[str, int]
    """Score → how often."""
    satisfied: IntervalView | None
    """The share of 4 and 5 (Wilson); null for recommendations, or where nobody answered."""
    mean: IntervalView | None
    promoter_score: IntervalView | None
    """From -100 to 100; null about tickets."""
    asked: int
    response: IntervalView | None
    """The share of those asked in the period who have answered."""

    @classmethod
    def of(cls, found: Results) -> "ResultsView":
        about_tickets = found.kind is Survey.csat
        return cls(
            kind=found.kind,
            n=found.n,
            counts={str(score): count for score, count in found.counts.items()},
            satisfied=IntervalView.of(found.satisfied) if about_tickets else None,
            mean=IntervalView.of(found.mean) if about_tickets else None,
            promoter_score=None if about_tickets else IntervalView.of(found.promoter_score),
            asked=found.asked,
            response=IntervalView.of(found.response),
        )


class InboxSurveyGiven(Sent):
    active: bool
    wait_minutes: Annotated[int, Meta(ge=0, le=arranging.LONGEST_WAIT, examples=[60])] = 60
    """After the ticket was resolved."""
    quiet_days: Annotated[int, Meta(ge=0, le=730, examples=[7])] = 7
    """Whoever was asked anything within so many days is not asked."""
    words: Words = ""
    """With the placeholders of macros; empty for the desk's own."""


class InboxSurveyView(Shape):
    inbox_id: int
    active: bool
    wait_minutes: int
    quiet_days: int
    words: str
    since: At | None
    """Tickets resolved before are not asked about."""

    @classmethod
    def of(cls, row: InboxSurvey) -> "InboxSurveyView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class Recurring(Sent):
    every: Every = Every.week
    days: Annotated[
        list[Annotated[int, Meta(ge=0, le=31)]], Meta(max_length=31, examples=[[0, 1, 2, 3, 4]])
    ] = msgspec.field(default_factory=lambda: [0, 1, 2, 3, 4])
    """Of the week from Monday 0, of the month from 1."""
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["10:00"])] = "10:00"
    zone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])] = "UTC"


class RecommendationGiven(Sent):
    active: bool
    schedule: Recurring = msgspec.field(default_factory=Recurring)
    within_days: Days = 30
    """Whose ticket was resolved within so many days."""
    every_days: Days = 90
    """Nobody is asked twice within so many days."""
    most: Annotated[int, Meta(ge=1, le=1000, examples=[50])] = 50
    """People asked each time."""
    words: Words = ""


class RecommendationView(Shape):
    active: bool
    schedule: dict[str, Any]
    within_days: int
    every_days: int
    most: int
    words: str
    next_at: At | None

    @classmethod
    def of(cls, row: PromoterSurvey) -> "RecommendationView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})
