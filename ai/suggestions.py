"""A reply to edit and send, taken from articles word for word, each sentence with its source; or nothing.

Composing is extractive: without a language model there is nothing that could be made up.
"""

from datetime import datetime
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ForeignKey, Index, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ai.drafting.answering import Answer, answered
from ai.drafting.reasons import EXPLANATIONS, Reason, Rejection
from ai.drafting.turns import turns_of
from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import ASSISTANT, Event, Kind
from helpdesk.i18n import Text, _
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket

__all__ = [
    "AlreadyDecided",
    "Reason",
    "Rejection",
    "State",
    "Suggestion",
    "offered",
    "outdate",
    "suggest",
    "turns_of",
]


class State(StrEnum):
    offered = "offered"
    used = "used"  # sent as it was
    edited = "edited"  # sent after an agent changed it
    dismissed = "dismissed"
    replaced = "replaced"  # another draft for the same message took its place; it may still be sent
    stale = "stale"  # the customer wrote again, or somebody answered without it
    withheld = "withheld"  # nothing was offered; `reason` says why


class Suggestion(Row):
    """What the desk proposed for one message of a customer, and what became of it."""

    __tablename__ = "suggestion"
    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index(
            "ix_suggestion_created_at",
            "created_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
    )

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
    rejection: Mapped[Rejection | None] = mapped_column(Choice(Rejection))
    """Why it was turned down, where the agent said so."""
    hint: Mapped[str | None]
    """What the agent asked for when this one was made in place of another."""
    removed: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Sentences of the model that no passage proves, and so were taken out: {text, why}."""

    ticket: Mapped[Ticket] = relationship(lazy="raise_on_sql")

    @property
    def explanation(self) -> Text | None:
        """Why nothing was offered, for agents."""
        return EXPLANATIONS[self.reason] if self.reason else None

    @property
    def is_open(self) -> bool:
        return self.state is State.offered

    @property
    def is_usable(self) -> bool:
        """One that was just replaced may be in somebody's composer already."""
        return self.state in {State.offered, State.replaced}

    def use(self, *, by: Agent, sent: str, reply: Message | None = None) -> None:
        """It was sent, as it is or edited; `sent` is what the customer got, in `reply`."""
        if not self.is_usable:
            raise AlreadyDecided
        self.edit_distance = round(changed_share(self.body, sent), 3)
        self._decide(State.edited if self.edit_distance else State.used, by)
        self.ticket.events.add(
            Event(Kind.suggestion_used, by=by, message=reply, edit_distance=self.edit_distance)
        )

    def dismiss(self, *, by: Agent, why: Rejection | None = None) -> None:
        if not self.is_open:
            raise AlreadyDecided
        self.rejection = why
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
    found = await answered(session, embedder, ticket, turns)
    suggestion = propose(session, ticket, asked, found, model=f"extractive/{embedder.name}")
    ticket.has_suggestion = found.draft is not None
    if found.draft is None:
        return None
    ticket.events.add(Event(Kind.suggested, by=ASSISTANT, message=asked))
    await session.flush()
    return suggestion


def propose(
    session: AsyncSession,
    ticket: Ticket,
    asked: Message,
    found: Answer,
    *,
    model: str,
    hint: str | None = None,
) -> Suggestion:
    """Kept, offered or withheld; who calls says what it means for the ticket."""
    draft = found.draft
    suggestion = Suggestion(
        ticket=ticket,
        message_id=asked.id,
        state=State.offered if draft else State.withheld,
        body=draft.body if draft else "",
        sentences=msgspec.to_builtins(draft.sentences) if draft else [],
        confidence=round(found.confidence, 4),
        model=model,
        reason=found.reason,
        hint=hint,
        removed=[{"text": each.text, "why": each.why.value} for each in found.removed] or None,
    )
    session.add(suggestion)
    return suggestion


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
