"""What triage reads in a customer's messages, beside the ticket: shown with how sure, corrected in one go."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from babel import Locale
from markupsafe import Markup
from sqlalchemy import ColumnElement, Row, Text, bindparam, cast, or_, select

from ai.predictions import Classification, Kind, Sentiment
from ai.triage.keeping import BY_AGENT
from ai.triage.policy import DEEDS
from helpdesk.events import ActorKind
from helpdesk.events import Kind as Happened
from helpdesk.i18n import gettext
from helpdesk.labels import Tag
from helpdesk.messages import Direction, Message
from helpdesk.people import Team
from helpdesk.search.values import WORDS
from helpdesk.statements import AnySelect, as_list
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic
from web import charts
from web.console.shell import Named
from web.console.thread import Thread
from web.words import mood as toned

STEPS = list(Sentiment)


@dataclass(frozen=True)
class Reading:
    """One word on one message."""

    kind: Kind
    label: str | None
    confidence: float
    reasons: list[Any]
    message_id: int
    model: str

    @property
    def by_agent(self) -> bool:
        return self.model == BY_AGENT


@dataclass(frozen=True)
class Readings:
    latest: dict[Kind, Reading] = field(default_factory=dict)
    """By kind: the newest that says something."""
    moods: tuple[str, ...] = ()
    message_id: int | None = None
    """The customer's newest message that was read; a correction is about it."""
    topics: list[Named] = field(default_factory=list)
    suggested: dict[Kind, tuple[Reading, str]] = field(default_factory=dict)
    """Team, tag and priority, with the name of what it names; only what would be news."""

    def label(self, kind: str) -> str | None:
        found = self.latest.get(Kind(kind))
        return found.label if found else None

    @property
    def topic(self) -> int | None:
        label = self.label("topic")
        return int(label) if label else None

    @property
    def choices(self) -> list[tuple[int | str, str]]:
        return [(topic.id, topic.name) for topic in self.topics]

    @property
    def curve(self) -> Markup:
        """The moods so far, happiest on top; in words for who cannot see it."""
        if len(self.moods) < 2:
            return Markup("")
        named = ", ".join(str(WORDS["sentiment"].get(each, each)) for each in self.moods)
        words = gettext("Mood over their messages: %(moods)s") % {"moods": named}
        top = len(STEPS) - 1
        values = [STEPS.index(Sentiment(each)) / top for each in self.moods if each in STEPS]
        return charts.spark(values, title=words, tone=self.tone)

    @property
    def language(self) -> str:
        """As English speakers call it; the code itself where it has no name."""
        code = self.label("language") or ""
        return str(Locale("en").languages.get(code, code))

    @property
    def tone(self) -> str:
        found = toned(self.moods[-1]) if self.moods else None
        return found[1] if found else ""


def lists() -> list[ColumnElement[Any]]:
    """For a statement that is given `ticket`."""
    said = (
        select(
            Classification.kind,
            Classification.label,
            Classification.confidence,
            Classification.reasons,
            Classification.message_id,
            Classification.model,
        )
        .join(Message, Message.id == Classification.message_id)
        .where(
            Message.ticket_id == bindparam("ticket"),
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            or_(Classification.label.is_not(None), Classification.model == BY_AGENT),
        )
        .order_by(Classification.message_id)
    )
    offered = select(Topic.id, Topic.name, Topic.archived).order_by(Topic.name)
    return [
        as_list(said).label("readings"),
        as_list(_named(Tag, Kind.tag)).label("read_tags"),
        as_list(_named(Team, Kind.team)).label("read_teams"),
        as_list(offered).label("topics"),
    ]


def _named(table: type[Tag] | type[Team], kind: Kind) -> AnySelect:
    """What the labels of this kind are called."""
    return (
        select(table.id, table.name)
        .join(Classification, Classification.label == cast(table.id, Text))
        .join(Message, Message.id == Classification.message_id)
        .where(Classification.kind == kind, Message.ticket_id == bindparam("ticket"))
        .distinct()
    )


def read(found: Row[Any], ticket: Ticket, thread: Thread) -> Readings:
    """`found` has the columns of `lists`."""
    rows = [
        Reading(**{**row, "kind": Kind(row["kind"]), "reasons": row["reasons"] or []})
        for row in found.readings
    ]
    latest = {row.kind: row for row in rows}
    current = latest[Kind.topic].label if Kind.topic in latest else None
    names = {
        Kind.tag: {str(row["id"]): row["name"] for row in found.read_tags},
        Kind.team: {str(row["id"]): row["name"] for row in found.read_teams},
        Kind.priority: {label: str(words) for label, words in WORDS["priority"].items()},
    }
    return Readings(
        latest=latest,
        moods=tuple(str(row.label) for row in rows if row.kind is Kind.sentiment and row.label),
        message_id=max((row.message_id for row in rows), default=None),
        topics=[
            Named(row["id"], row["name"])
            for row in found.topics
            if not row["archived"] or str(row["id"]) == current
        ],
        suggested={
            kind: (row, names[kind][row.label])
            for kind, row in latest.items()
            if kind in DEEDS
            and row.label
            and not row.by_agent
            and row.label in names.get(kind, {})
            and _is_news(row, ticket, thread, found)
        },
    )


DECIDED = {
    Kind.team: (Happened.team_changed,),
    Kind.tag: (Happened.untagged,),
    Kind.priority: (Happened.priority_changed,),
}
"""What colleagues do who do not want to be told again."""


def _is_news(row: Reading, ticket: Ticket, thread: Thread, found: Row[Any]) -> bool:
    so = {
        Kind.team: str(ticket.team_id),
        Kind.priority: ticket.priority.value,
        Kind.tag: row.label if any(str(tag["id"]) == row.label for tag in found.tags) else None,
    }
    return so[row.kind] != row.label and not ticket.is_settled and not _decided(DECIDED[row.kind], thread)


def _decided(kinds: Sequence[Happened], thread: Thread) -> bool:
    events = (entry.event for entry in thread.entries if entry.event)
    return any(event.kind in kinds and event.actor is ActorKind.agent for event in events)
