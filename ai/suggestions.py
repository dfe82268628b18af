"""A reply to edit and send, taken from articles word for word, each sentence with its source; or nothing.

Composing is extractive: without a language model there is nothing that could be made up.
"""

from collections.abc import Sequence
from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ForeignKey, Index, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ai.answerability import gate
from ai.compose import Draft, compose
from ai.levels import level
from ai.passages import best_passage_first
from ai.questions import question_of
from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import ASSISTANT, Event, Kind
from helpdesk.i18n import Text, _
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Contact
from helpdesk.ports import Embedder
from helpdesk.scheduling import LATER
from helpdesk.tickets import Ticket
from kb.articles import CUSTOMERS
from kb.search import Hit, search


class State(StrEnum):
    offered = "offered"
    used = "used"  # sent as it was
    edited = "edited"  # sent after an agent changed it
    dismissed = "dismissed"
    stale = "stale"  # the customer wrote again, or somebody answered without it
    withheld = "withheld"  # nothing was offered; `reason` says why


class Reason(StrEnum):
    """Why nothing was offered."""

    nothing_found = "nothing_found"
    not_sure = "not_sure"
    only_near = "only_near"
    other_language = "other_language"
    nothing_to_quote = "nothing_to_quote"


EXPLANATIONS = {
    Reason.nothing_found: _("No published article comes near this message."),
    Reason.not_sure: _("The nearest article hardly answers this message."),
    Reason.only_near: _("The nearest article is about this, but does not seem to answer it."),
    Reason.other_language: _("No article in the language of this message comes near it."),
    Reason.nothing_to_quote: _("The best article has no text that could be quoted."),
}


class Suggestion(Row):
    """What the desk proposed for one message of a customer, and what became of it."""

    __tablename__ = "suggestion"
    __table_args__ = (Index(None, "ticket_id", "id"),)

    ticket_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    """The message it answers."""
    state: Mapped[State] = mapped_column(Choice(State))
    body: Mapped[str] = mapped_column(default="")
    sentences: Mapped[list[Any]] = mapped_column(default=list)
    """In order: {text, kind, citations: [{article_id, version, chunk_id, slug, title, quote}]}; see ai/compose.py."""
    confidence: Mapped[float]
    """Chance that the cited article answers the question."""
    model: Mapped[str]
    reason: Mapped[Reason | None] = mapped_column(Choice(Reason))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))
    edit_distance: Mapped[float | None]
    """Share of the body that the agent changed before sending: 0 as it was, 1 nothing left."""

    ticket: Mapped[Ticket] = relationship(lazy="raise_on_sql")

    @property
    def explanation(self) -> Text | None:
        """Why nothing was offered, for agents."""
        return EXPLANATIONS[self.reason] if self.reason else None

    @property
    def is_open(self) -> bool:
        return self.state is State.offered

    def use(self, *, by: Agent, sent: str) -> None:
        """It was sent, as it is or edited; `sent` is what the customer got."""
        if not self.is_open:
            raise AlreadyDecided
        self.edit_distance = round(changed_share(self.body, sent), 3)
        self._decide(State.edited if self.edit_distance else State.used, by)
        self.ticket.events.add(Event(Kind.suggestion_used, by=by, edit_distance=self.edit_distance))

    def dismiss(self, *, by: Agent) -> None:
        if not self.is_open:
            raise AlreadyDecided
        self._decide(State.dismissed, by)
        self.ticket.has_suggestion = False
        self.ticket.events.add(Event(Kind.suggestion_dismissed, by=by))

    def _decide(self, state: State, by: Agent) -> None:
        self.state, self.decided_at, self.decided_by = state, now(), by.id


class AlreadyDecided(Conflict):
    message = _("This suggestion has already been used or dismissed.")


async def suggest(session: AsyncSession, embedder: Embedder, ticket: Ticket) -> Suggestion | None:
    """Propose a reply to the customer's last message; None where there is nothing to say, and the reason kept.

    A second call for the same message returns what the first one offered. Earlier offers become stale.
    """
    turns = await turns_of(session, ticket)
    if not turns or turns[-1].direction is not Direction.inbound or turns[-1].automatic:
        return None
    asked = turns[-1]
    if known := await decided(session, asked):
        return known if known.is_open else None
    await outdate(session, ticket)
    draft, confidence, reason = await drafted(session, embedder, ticket, turns)
    suggestion = Suggestion(
        ticket=ticket,
        message_id=asked.id,
        state=State.offered if draft else State.withheld,
        body=draft.body if draft else "",
        sentences=msgspec.to_builtins(draft.sentences) if draft else [],
        confidence=round(confidence, 4),
        model=f"extractive/{embedder.name}",
        reason=reason,
    )
    session.add(suggestion)
    ticket.has_suggestion = draft is not None
    if draft is None:
        return None
    ticket.events.add(Event(Kind.suggested, by=ASSISTANT, message=asked))
    await session.flush()
    return suggestion


async def drafted(
    session: AsyncSession, embedder: Embedder, ticket: Ticket, turns: Sequence[Message]
) -> tuple[Draft | None, float, Reason | None]:
    """Draft, confidence, and the reason where there is no draft."""
    question = question_of(ticket.subject, turns)
    # Only what the customer may read, asked of the database: a draft leaves the house.
    locale = ticket.language or "en"
    found = await search(session, embedder, question, audiences=CUSTOMERS, limit=12, locale=locale)
    if not found:
        return None, 0.0, Reason.nothing_found
    if not (hits := [hit for hit in found if is_readable(hit, ticket.language)]):
        return None, 0.0, Reason.other_language
    confidence, needed = gate().chance(hits), await level(session, embedder)
    if not needed.is_sure(confidence):
        return None, confidence, Reason.not_sure
    if not needed.is_close(confidence, hits):
        return None, confidence, Reason.only_near
    contact = await session.get(Contact, ticket.contact_id)
    hit = await best_passage_first(session, embedder, hits[0], subject=ticket.subject, letter=turns[-1].text)
    draft = compose(hit, language=ticket.language or hit.locale, name=contact.name if contact else "")
    return draft, confidence, None if draft else Reason.nothing_to_quote


def is_readable(hit: Hit, language: str | None) -> bool:
    """A greeting in one language and steps in another read like a machine's; unknown languages pass."""
    return language is None or base(hit.locale) == base(language)


def base(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()


async def turns_of(session: AsyncSession, ticket: Ticket, *, limit: int = 12) -> list[Message]:
    """The latest public messages, oldest first; without notes, copies and replies that were taken back."""
    newest = await session.scalars(
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.direction != Direction.note)
        .where(Message.copy_of_id.is_(None), Message.withdrawn_at.is_(None), Message.side_id.is_(None))
        .where(Message.delivery.is_(None) | Message.delivery.not_in(LATER))
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(newest)[::-1]


async def decided(session: AsyncSession, message: Message) -> Suggestion | None:
    return await session.scalar(
        select(Suggestion).where(Suggestion.message_id == message.id).order_by(Suggestion.id.desc()).limit(1)
    )


async def offered(session: AsyncSession, ticket: Ticket) -> Suggestion | None:
    """The suggestion to show beside the ticket; none once the customer wrote again or somebody answered."""
    if not ticket.has_suggestion:
        return None
    return await session.scalar(
        select(Suggestion)
        .where(Suggestion.ticket_id == ticket.id, Suggestion.state == State.offered)
        .order_by(Suggestion.id.desc())
        .limit(1)
    )


async def outdate(session: AsyncSession, ticket: Ticket) -> None:
    await session.execute(
        update(Suggestion)
        .where(Suggestion.ticket_id == ticket.id, Suggestion.state == State.offered)
        .values(state=State.stale, decided_at=now())
    )


def changed_share(before: str, after: str) -> float:
    """1 minus the share of words kept in order; words, because agents think in words."""
    one, other = before.split(), after.split()
    if one == other:
        return 0.0
    return 1.0 - SequenceMatcher(None, one, other, autojunk=False).ratio()
