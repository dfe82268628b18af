"""What the models propose for a ticket: a reply. A person decides."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Row, bindparam, exists, select

from ai.compose import Part
from ai.drafting.checking import Fault
from ai.drafting.proposing import EXTRACTIVE
from ai.drafting.reasons import FAULTS
from ai.providers import Connection, Purpose, Served
from ai.suggestions import Reason, State, Suggestion
from helpdesk.clock import now
from helpdesk.messages import Direction
from helpdesk.statements import as_list
from helpdesk.tickets import Ticket
from web.console.thread import AnyRow, Thread

PATIENCE = timedelta(minutes=2)
"""After this a suggestion that has not come is not waited for on the page: the models may be switched off."""


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
    wished: bool = False
    """An agent asked for it in their own words; no article says it."""


@dataclass(frozen=True)
class Removed:
    text: str
    why: str


@dataclass(frozen=True)
class Reply:
    """A suggested reply: paragraphs of sentences, and the sources that they cite."""

    id: int
    paragraphs: list[list[Sentence]]
    sources: list[Source]
    is_written: bool = False
    """In a language model's words."""
    removed: tuple[Removed, ...] = ()
    """What the model wrote besides, and no passage proves."""

    @property
    def wishes(self) -> bool:
        """Something is said that an agent asked for, and no article."""
        return any(sentence.wished for paragraph in self.paragraphs for sentence in paragraph)

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
            wished = sentence.get("kind") == Part.wished
            paragraphs[-1].append(Sentence(sentence["text"], tuple(dict.fromkeys(cited)), wished))
        return cls(
            suggestion.id,
            paragraphs,
            list(sources.values()),
            not suggestion.model.startswith(EXTRACTIVE),
            tuple(Removed(each["text"], _why(each["why"])) for each in suggestion.removed or ()),
        )


@dataclass(frozen=True)
class Proposals:
    reply: Reply | None = None
    withheld: str = ""
    """Why no reply is suggested for the customer's last message."""
    waits: bool = False
    """The customer has the last word."""
    looking: bool = False
    """The models have not got to the customer's last message yet."""
    writes: bool = False
    """A language model serves drafts: they can be wished for in words."""
    translates: bool = False
    """A language model serves translations."""


def lists() -> list[ColumnElement[Any]]:
    """For a statement that is given `ticket`."""
    newest = (
        select(
            Suggestion.id,
            Suggestion.message_id,
            Suggestion.state,
            Suggestion.sentences,
            Suggestion.reason,
            Suggestion.model,
            Suggestion.removed,
        )
        .where(Suggestion.ticket_id == bindparam("ticket"))
        .order_by(Suggestion.id.desc())
        .limit(1)
    )
    return [
        as_list(newest).label("suggestions"),
        _served(Purpose.draft).label("writes"),
        _served(Purpose.translate).label("translates"),
    ]


def _served(purpose: Purpose) -> ColumnElement[bool]:
    chosen = exists().where(Served.purpose == purpose, Served.connection_id == Connection.id)
    return chosen.where(Connection.active)


def read(found: Row[Any], ticket: Ticket, thread: Thread) -> Proposals:
    """`found` has the columns of `lists`."""
    newest = next((_suggestion(row) for row in found.suggestions), None)
    return Proposals(
        reply=Reply.of(newest) if newest and newest.is_open else None,
        withheld=str(newest.explanation) if newest and _says_nothing(newest, thread) else "",
        waits=_unanswered(thread) is not None and not ticket.is_settled,
        looking=_is_looked_at(newest, ticket, thread),
        writes=found.writes,
        translates=found.translates,
    )


def _suggestion(row: dict[str, Any]) -> Suggestion:
    """What the page shows of it; not one that could be changed."""
    reason = Reason(row["reason"]) if row["reason"] else None
    return Suggestion(**{**row, "state": State(row["state"]), "reason": reason})


def _why(fault: str) -> str:
    return str(FAULTS[Fault(fault)]) if fault in list(Fault) else ""


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
    said = [
        m
        for m in thread.messages
        if m.direction is not Direction.note
        and m.withdrawn_at is None
        and not (m.direction is Direction.outbound and m.automatic)
    ]
    return said[-1] if said and said[-1].direction is Direction.inbound else None
