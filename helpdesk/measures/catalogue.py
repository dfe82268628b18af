"""What can be asked: every measure with its name, the sentence that defines it, and what it is counted in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, true
from sqlalchemy.orm import aliased

from helpdesk.engagements import Engagement, Hold
from helpdesk.i18n import Text, _, gettext
from helpdesk.measures.rows import TicketFact, TicketReply, TicketSpell
from helpdesk.ratings import GOOD, Rating
from helpdesk.sla import Clock, Metric


class Unit(StrEnum):
    tickets = "tickets"
    number = "number"  # of replies, resolutions, questions
    seconds = "seconds"
    share = "share"  # from 0 to 1
    score = "score"
    points = "points"  # from -100 to 100


class From(StrEnum):
    """What a measure counts the rows of."""

    created = "created"  # tickets, when they were created
    resolved = "resolved"  # tickets, when they were last resolved
    spells = "spells"  # resolutions, each at its time
    replies = "replies"
    promises = "promises"  # each when it was clear whether it is kept
    ratings = "ratings"
    backlog = "backlog"  # tickets that were open at an instant
    engagements = "engagements"  # conversations of the assistant, each when it began


class Kind(StrEnum):
    """What is made of the rows."""

    total = "count"
    mean = "mean"
    median = "median"
    p90 = "p90"
    share = "share"
    promoters = "promoters"  # those who would recommend us, less those who would not


@dataclass(frozen=True, eq=False)
class Measure:
    """`of` is what is averaged, or what must hold to be part of a share; `where` says which rows count at all."""

    name: str
    label: Text
    definition: Text
    unit: Unit
    source: From
    kind: Kind = Kind.total
    of: Any = None
    where: ColumnElement[bool] | None = None
    more_is: str = ""
    """`better`, `worse`, or neither."""

    @property
    def counted(self) -> ColumnElement[bool]:
        """The rows that count."""
        found = true() if self.where is None else self.where
        if self.of is None or self.kind is Kind.share:
            return found
        return and_(found, self.of.is_not(None))

    @property
    def whose(self) -> Text:
        """Which of them are an agent's."""
        return WHOSE[self.source]

    def __str__(self) -> str:
        return str(self.label)


_ASSIGNEE = _("An agent's are those of tickets that are assigned to them now.")
_RESOLVER = _("An agent's are those that they resolved.")
WHOSE: dict[From, Text] = {
    From.created: _ASSIGNEE,
    From.resolved: _RESOLVER,
    From.spells: _RESOLVER,
    From.replies: _("An agent's are those that they wrote."),
    From.promises: _ASSIGNEE,
    From.ratings: _("An agent's are those of tickets that were theirs when the customer was asked."),
    From.backlog: _ASSIGNEE,
    From.engagements: _ASSIGNEE,
}
_STATISTICS: dict[Kind, tuple[Text, Text]] = {
    Kind.median: (_("%(what)s, median"), _("Half of them took no longer.")),
    Kind.mean: (_("%(what)s, mean"), _("The average, which few very long ones can dominate.")),
    Kind.p90: (_("%(what)s, 90 of 100"), _("Nine of ten took no longer.")),
}


class _Joined(Text):
    """Two sentences, or a name in a pattern; translated when it is shown."""

    __slots__ = ("filled", "parts")

    def __init__(self, *parts: Text, **filled: Text) -> None:
        super().__init__(" ".join(part.message for part in parts))
        self.parts, self.filled = parts, filled

    def __str__(self) -> str:
        values = {name: str(text) for name, text in self.filled.items()}
        return " ".join(
            gettext(part.message) % values if values else gettext(part.message) for part in self.parts
        )


def _durations(
    name: str, what: Text, definition: Text, source: From, columns: tuple[Any, Any], where: Any = None
) -> list[Measure]:
    """Mean, median and 90th percentile, by the clock on the wall and in business hours."""
    calendar, hours = columns
    clocks = [
        (name, what, calendar, _("Every hour counts.")),
        (
            f"{name}_hours",
            _Joined(_("%(what)s in business hours"), what=what),
            hours,
            _(
                "Only working time counts: by the calendar of the ticket's promises, else by the desk's first one."
            ),
        ),
    ]
    return [
        Measure(
            f"{each}_{kind}",
            _Joined(pattern, what=called),
            _Joined(definition, clock, meaning),
            Unit.seconds,
            source,
            kind,
            column,
            where,
            "worse",
        )
        for each, called, column, clock in clocks
        for kind, (pattern, meaning) in _STATISTICS.items()
    ]


_promised = Clock.target.is_not(None) | Clock.due_at.is_not(None) | Clock.breached_at.is_not(None)
_KEPT: dict[Metric, Text] = {
    Metric.first_response: _("First responses in time"),
    Metric.next_response: _("Next responses in time"),
    Metric.update: _("Updates in time"),
    Metric.resolution: _("Resolutions in time"),
}


def _attainment(metric: Metric) -> Measure:
    return Measure(
        f"sla_{metric}",
        _KEPT[metric],
        _(
            "Share of the promises of this kind that were kept in time, of those that were met or broken in the "
            "period. A broken one counts when it ran out, even if it was met later."
        ),
        Unit.share,
        From.promises,
        Kind.share,
        Clock.breached_at.is_(None),
        (Clock.metric == metric) & _promised,
        "better",
    )


_fact = aliased(TicketFact)
_spoke = Engagement.turns > 0


def _assisted(
    name: str, label: Text, definition: Text, of: ColumnElement[bool], more_is: str = ""
) -> Measure:
    """A share of the conversations in which the assistant said something."""
    return Measure(
        f"assistant_{name}", label, definition, Unit.share, From.engagements, Kind.share, of, _spoke, more_is
    )


_ASSISTANT = (
    Measure(
        "assistant_tickets",
        _("Conversations of the assistant"),
        _(
            "How often the assistant began to answer a ticket in the period, or gave it to a person at once; a ticket "
            "that is handed back to it counts again."
        ),
        Unit.number,
        From.engagements,
    ),
    _assisted(
        "resolved",
        _("Resolved by the assistant"),
        _(
            "Share of the assistant's conversations begun in the period, of those in which it said something, whose "
            "ticket is resolved now without a reply by a person."
        ),
        exists().where(_fact.id == Engagement.ticket_id, _fact.resolved_at.is_not(None), _fact.replies == 0),
        "better",
    ),
    _assisted(
        "confirmed",
        _("Confirmed by the customer"),
        _(
            "Share of the assistant's conversations begun in the period, of those in which it said something, that the "
            "customer ended with thanks or the words that it helped."
        ),
        Engagement.confirmed.is_(True),
        "better",
    ),
    _assisted(
        "asked_back",
        _("Asked back by the assistant"),
        _(
            "Share of the assistant's conversations begun in the period, of those in which it said something, in which "
            "it asked which article is meant, or for something that was missing."
        ),
        Engagement.asked_back > 0,
    ),
    Measure(
        "assistant_handed_over",
        _("Handed over by the assistant"),
        _("Share of the assistant's conversations begun in the period that it gave to a person by itself."),
        Unit.share,
        From.engagements,
        Kind.share,
        Engagement.state == Hold.handed_over,
    ),
)
_ALL = (
    Measure(
        "created",
        _("Created tickets"),
        _("Tickets that came in or were begun in the period, in whatever way."),
        Unit.tickets,
        From.created,
    ),
    Measure(
        "resolved",
        _("Resolved tickets"),
        _(
            "Tickets whose last resolution lies in the period. One that was opened again since is not resolved."
        ),
        Unit.tickets,
        From.resolved,
        more_is="better",
    ),
    Measure(
        "resolutions",
        _("Resolutions"),
        _(
            "How often a ticket was resolved in the period; one that is opened and resolved again counts twice."
        ),
        Unit.number,
        From.spells,
    ),
    Measure(
        "replies",
        _("Replies"),
        _(
            "Replies to customers that people wrote in the period; not the assistant's, rules' or the desk's own."
        ),
        Unit.number,
        From.replies,
    ),
    *_durations(
        "first_response",
        _("First response"),
        _(
            "From the customer's first words to the first reply by a person, for first replies in the period. "
            "Resolved without a reply and opened again, it counts from the words that opened it again; tickets "
            "that we began have none."
        ),
        From.replies,
        (TicketReply.wait, TicketReply.wait_hours),
        TicketReply.first.is_(True),
    ),
    *_durations(
        "next_response",
        _("Next response"),
        _(
            "From the first words that nobody had answered to a person's reply, for later replies in the period."
        ),
        From.replies,
        (TicketReply.wait, TicketReply.wait_hours),
        TicketReply.first.is_(False),
    ),
    *_durations(
        "resolution",
        _("Resolution"),
        _(
            "From the customer's first words to the last resolution, for tickets last resolved in the period. "
            "Waiting for the customer counts, in business hours as well; the time that it lay resolved in between "
            "does not."
        ),
        From.resolved,
        (TicketFact.resolution, TicketFact.resolution_hours),
    ),
    Measure(
        "reopened",
        _("Opened again"),
        _(
            "Share of the resolutions in the period after which the ticket was opened again, whenever that was."
        ),
        Unit.share,
        From.spells,
        Kind.share,
        TicketSpell.reopened,
        more_is="worse",
    ),
    Measure(
        "one_touch",
        _("Resolved by one reply"),
        _(
            "Share of the tickets last resolved in the period that took exactly one reply by a person and were "
            "never opened again, of those that got a reply."
        ),
        Unit.share,
        From.resolved,
        Kind.share,
        TicketFact.one_touch,
        TicketFact.one_touch.is_not(None),
        more_is="better",
    ),
    Measure(
        "backlog",
        _("Backlog"),
        _("Tickets that were not resolved at the end of the period, or now where it has not ended."),
        Unit.tickets,
        From.backlog,
        more_is="worse",
    ),
    Measure(
        "backlog_age",
        _("Age of the backlog, median"),
        _("How long ago the tickets of the backlog were created: half of them are no older."),
        Unit.seconds,
        From.backlog,
        Kind.median,
        more_is="worse",
    ),
    *(_attainment(metric) for metric in Metric),
    Measure(
        "csat",
        _("Satisfied customers"),
        _("Share of the ratings given in the period that were 4 or 5 of 5."),
        Unit.share,
        From.ratings,
        Kind.share,
        Rating.score >= GOOD,
        Rating.kind == "csat",
        more_is="better",
    ),
    Measure(
        "csat_score",
        _("Average rating"),
        _("The average of the ratings given in the period, from 1 to 5."),
        Unit.score,
        From.ratings,
        Kind.mean,
        Rating.score,
        Rating.kind == "csat",
        more_is="better",
    ),
    Measure(
        "nps",
        _("Net promoter score"),
        _(
            "Of the answers to “would you recommend us” given in the period, the percentage of 9 and 10 less that of "
            "0 to 6: from -100 to 100."
        ),
        Unit.points,
        From.ratings,
        Kind.promoters,
        Rating.score,
        Rating.kind == "nps",
        more_is="better",
    ),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in (*_ALL, *_ASSISTANT)}
