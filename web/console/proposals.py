"""What the models propose for a ticket: its mood, a team, a reply. A person decides."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Row, bindparam, select

from ai.predictions import Classification, Kind
from ai.suggestions import Reason, State, Suggestion
from helpdesk.clock import now
from helpdesk.events import ActorKind
from helpdesk.events import Kind as Happened
from helpdesk.messages import Direction, Message
from helpdesk.statements import as_list
from helpdesk.tickets import Ticket
from web.console.thread import AnyRow, Thread

PATIENCE = timedelta(minutes=2)
"""After this a suggestion that has not come is not waited for on the page: the models may be switched off."""
STEPS = {"very_negative": 4, "frustrated": 4, "negative": 3, "neutral": 2, "positive": 1, "very_positive": 0}


@dataclass(frozen=True)
class Said:
    """One model's word, with how sure it is and why."""

    label: str
    confidence: float
    reasons: list[Any]


@dataclass(frozen=True)
class Source:
    """One article as it stood, and the first words that were taken from it."""

    title: str
    slug: str
    version: int
    quote: str

    @property
    def url(self) -> str:
        return f"/knowledge/{quote(self.slug)}?version={self.version}&quote={quote(self.quote[:300])}"


@dataclass(frozen=True)
class Sentence:
    text: str
    sources: tuple[int, ...]  # numbers as they are shown, from 1


@dataclass(frozen=True)
class Reply:
    """A suggested reply: paragraphs of sentences, and the sources that they cite."""

    id: int
    paragraphs: list[list[Sentence]]
    sources: list[Source]

    @classmethod
    def of(cls, suggestion: Suggestion) -> "Reply":
        sources: dict[tuple[str, int], Source] = {}
        paragraphs: list[list[Sentence]] = []
        for sentence in suggestion.sentences:
            cited = []
            for at in sentence["citations"]:
                key = (at["slug"], at["version"])
                sources.setdefault(key, Source(at["title"], at["slug"], at["version"], at["quote"]))
                cited.append(list(sources).index(key) + 1)
            if sentence.get("begins", True) or not paragraphs:
                paragraphs.append([])
            paragraphs[-1].append(Sentence(sentence["text"], tuple(dict.fromkeys(cited))))
        return cls(suggestion.id, paragraphs, list(sources.values()))


@dataclass(frozen=True)
class Proposals:
    mood: Said | None = None
    moods: tuple[str, ...] = ()
    team: Said | None = None
    reply: Reply | None = None
    withheld: str = ""
    """Why no reply is suggested for the customer's last message."""
    looking: bool = False
    """The models have not got to the customer's last message yet."""

    @property
    def line(self) -> str:
        """The moods so far as the points of a polyline, 120 by 24, happiest on top."""
        if len(self.moods) < 2:
            return ""
        step = 112 / (len(self.moods) - 1)
        return " ".join(f"{4 + i * step:.1f},{4 + STEPS.get(m, 2) * 4}" for i, m in enumerate(self.moods))

    @property
    def end(self) -> tuple[str, str]:
        x, y = self.line.rsplit(" ", 1)[-1].split(",")
        return x, y


def lists() -> list[ColumnElement[Any]]:
    """For a statement that is given `ticket`."""
    labels = (
        select(Classification.kind, Classification.label, Classification.confidence, Classification.reasons)
        .join(Message, Message.id == Classification.message_id)
        .where(
            Message.ticket_id == bindparam("ticket"),
            Message.direction == Direction.inbound,
            Classification.kind.in_([Kind.sentiment, Kind.team]),
            Classification.label.is_not(None),
        )
        .order_by(Classification.message_id)
    )
    newest = (
        select(
            Suggestion.id, Suggestion.message_id, Suggestion.state, Suggestion.sentences, Suggestion.reason
        )
        .where(Suggestion.ticket_id == bindparam("ticket"))
        .order_by(Suggestion.id.desc())
        .limit(1)
    )
    return [as_list(labels).label("labels"), as_list(newest).label("suggestions")]


def read(found: Row[Any], ticket: Ticket, thread: Thread) -> Proposals:
    """`found` has the columns of `lists`."""
    moods = [row for row in found.labels if row["kind"] == Kind.sentiment and row["label"]]
    teams = [row for row in found.labels if row["kind"] == Kind.team and row["label"]]
    team = _said(teams[-1]) if teams else None
    newest = next((_suggestion(row) for row in found.suggestions), None)
    return Proposals(
        reply=Reply.of(newest) if newest and newest.is_open else None,
        withheld=str(newest.explanation) if newest and _says_nothing(newest, thread) else "",
        mood=_said(moods[-1]) if moods else None,
        moods=tuple(row["label"] for row in moods),
        team=team if team and _is_news(team, ticket, thread) else None,
        looking=_is_looked_at(newest, ticket, thread),
    )


def _suggestion(row: dict[str, Any]) -> Suggestion:
    """What the page shows of it; not one that could be changed."""
    reason = Reason(row["reason"]) if row["reason"] else None
    return Suggestion(**{**row, "state": State(row["state"]), "reason": reason})


def _says_nothing(suggestion: Suggestion, thread: Thread) -> bool:
    asked = _unanswered(thread)
    return suggestion.state is State.withheld and asked is not None and asked.id == suggestion.message_id


def _is_looked_at(suggestion: Suggestion | None, ticket: Ticket, thread: Thread) -> bool:
    asked = _unanswered(thread)
    if asked is None or asked.automatic or ticket.is_settled or asked.created_at < now() - PATIENCE:
        return False
    return suggestion is None or suggestion.message_id < asked.id


def _unanswered(thread: Thread) -> AnyRow | None:
    """The customer's last message, when nothing was said to them since."""
    said = [m for m in thread.messages if m.direction is not Direction.note and m.withdrawn_at is None]
    return said[-1] if said and said[-1].direction is Direction.inbound else None


def _is_news(team: Said, ticket: Ticket, thread: Thread) -> bool:
    """Nobody is told again what a colleague has already decided otherwise."""
    chosen = any(
        e.event.kind is Happened.team_changed and e.event.actor is ActorKind.agent
        for e in thread.entries
        if e.event
    )
    return team.label != str(ticket.team_id) and not chosen and not ticket.is_settled


def _said(row: dict[str, Any]) -> Said:
    return Said(row["label"], row["confidence"], row["reasons"] or [])
