"""What triage keeps beside its readings: what people corrected, what was learned, what it may do, what it did."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ai.predictions import Kind
from helpdesk.database import Choice, Row


class Correction(Row):
    """An agent's word on one message, in place of the model's: an example that counts at once."""

    __tablename__ = "triage_correction"
    __table_args__ = (
        UniqueConstraint("message_id", "kind"),
        Index("ix_triage_correction_kind", "kind", "id"),
    )

    message_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("message.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    was: Mapped[str | None]
    """What the model had said; None where it said that it did not know."""
    now: Mapped[str | None]
    """What it is; None: none of those that there are."""
    confidence: Mapped[float]
    """How sure the model had been."""
    model: Mapped[str]
    agent_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agent.id"))


class Learned(Row):
    """What one night's training made for one kind. At most one of a kind and embedder is `active`."""

    __tablename__ = "triage_learned"
    __table_args__ = (
        Index(
            "uq_triage_learned_active",
            "kind",
            "embedder",
            unique=True,
            postgresql_where=text("active"),
        ),
        Index("ix_triage_learned_kind", "kind", "id"),
    )

    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    embedder: Mapped[str]
    """Whose vectors the weights belong to."""
    active: Mapped[bool] = mapped_column(default=False, server_default="false")
    weights: Mapped[bytes]
    """Arrays of 32-bit floats, packed as ai/triage/packing.py says."""
    shape: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Labels, sizes and calibration: what the arrays mean."""
    examples: Mapped[int]
    last_example_id: Mapped[int | None] = mapped_column(BigInteger)
    """The newest correction that it learned from; later ones count beside it."""
    measured: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """`{"held_back": n, "ours": {…}, "theirs": {…}}`: it, and what it would replace, on the same messages."""
    replaced_id: Mapped[int | None] = mapped_column(BigInteger)
    """Who was active before it; None: the first day's reader."""
    promoted_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    retired_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))
    """Who went back to the one before; None where a better one came."""


class Mode(StrEnum):
    """How far a reading goes."""

    off = "off"
    suggest = "suggest"
    do = "do"


class Allowed(Row):
    """How far readings of a kind go in a team, or, without a team, wherever nothing else is said."""

    __tablename__ = "triage_allowed"
    __table_args__ = (Index("uq_triage_allowed", "kind", text("coalesce(team_id, 0)"), unique=True),)

    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    team_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("team.id", ondelete="CASCADE"))
    mode: Mapped[Mode] = mapped_column(Choice(Mode))
    sure: Mapped[float]
    """The confidence from which it does; suggestions are made wherever the reader says anything."""


class Deed(Row):
    """What triage did to a ticket by itself, and what was before."""

    __tablename__ = "triage_deed"
    __table_args__ = (Index("ix_triage_deed_ticket", "ticket_id", "id"),)

    ticket_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("message.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    label: Mapped[str]
    confidence: Mapped[float]
    verb: Mapped[str]
    given: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    back: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What a Change needs to restore what was."""
    last_event_id: Mapped[int | None] = mapped_column(BigInteger)
    """Its last event on the ticket; a later one of the same sort is somebody else's."""
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))
