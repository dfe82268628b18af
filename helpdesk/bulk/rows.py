"""What was asked of many tickets, and what came of it for each."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.changes import UNDO_FOR, Verb
from helpdesk.clock import now
from helpdesk.database import Base, Choice, Row
from helpdesk.people import Agent

AT_ONCE = 200
"""Tickets that are changed within the request; more are a worker's."""


class BulkState(StrEnum):
    queued = "queued"
    done = "done"
    undoing = "undoing"
    undone = "undone"


class Outcome(StrEnum):
    waiting = "waiting"
    changed = "changed"
    unchanged = "unchanged"  # it was so already, or it could not be done, or not by this agent
    restored = "restored"
    kept = "kept"  # somebody changed the same since, so undoing left it alone


class BulkChange(Row):
    __tablename__ = "bulk_change"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    token_id: Mapped[int | None] = mapped_column(BigInteger)
    verb: Mapped[Verb] = mapped_column(Choice(Verb))
    given: Mapped[dict[str, Any]]
    state: Mapped[BulkState] = mapped_column(Choice(BulkState))
    total: Mapped[int]
    changed: Mapped[int] = mapped_column(default=0, server_default="0")
    unchanged: Mapped[int] = mapped_column(default=0, server_default="0")
    restored: Mapped[int] = mapped_column(default=0, server_default="0")
    kept: Mapped[int] = mapped_column(default=0, server_default="0")
    finished_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship(lazy="raise")

    __table_args__ = (
        Index("ix_bulk_change_agent_id", "agent_id", "id"),
        Index("ix_bulk_change_waiting", "id", postgresql_where=text("state IN ('queued', 'undoing')")),
    )

    @property
    def done(self) -> int:
        """How many tickets it has dealt with, forwards or back."""
        return self.restored + self.kept if self.is_undone else self.changed + self.unchanged

    @property
    def to_do(self) -> int:
        return self.changed if self.is_undone else self.total

    @property
    def is_undone(self) -> bool:
        return self.state in {BulkState.undoing, BulkState.undone}

    @property
    def is_running(self) -> bool:
        return self.state in {BulkState.queued, BulkState.undoing}

    @property
    def undo_until(self) -> datetime | None:
        """Until when it can be undone; None when it cannot."""
        if self.state is not BulkState.done or not self.changed or self.finished_at is None:
            return None
        until = self.finished_at + UNDO_FOR
        return until if until > now() else None


class BulkTicket(Base):
    __tablename__ = "bulk_change_ticket"

    bulk_change_id: Mapped[int] = mapped_column(
        ForeignKey("bulk_change.id", ondelete="CASCADE"), primary_key=True
    )
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    outcome: Mapped[Outcome] = mapped_column(
        Choice(Outcome), default=Outcome.waiting, server_default=Outcome.waiting.value
    )
    before: Mapped[dict[str, Any] | None]
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    """The newest event of the ticket when it was changed; a later one of the same sort is somebody else's."""

    __table_args__ = (Index("ix_bulk_change_ticket_open", "bulk_change_id", "outcome", "ticket_id"),)
