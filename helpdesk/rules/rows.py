"""What a rule is, one run of it, and events that wait to be looked at by rules."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Row
from helpdesk.events import ActorKind

MOST_RULES = 200
MOST_ACTIONS = 20
DEEPEST = 5
"""Rules that follow from each other before the chain is cut."""


class Rule(Row):
    """The actor of what it does."""

    __tablename__ = "rule"
    actor: ClassVar[ActorKind] = ActorKind.rule
    token_id: ClassVar[None] = None

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    """Asked in this order."""
    active: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    triggers: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`helpdesk.rules.Trigger`, any of them."""
    condition: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """As helpdesk/conditions reads it; empty: every ticket."""
    actions: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"verb": "tag", "tags": ["refund"]}, …]`, done in this order."""
    stops: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Where it was for a ticket, no later rule is asked about the same event."""
    next_at: Mapped[datetime | None]
    """When one with a schedule comes round next."""
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why it cannot be asked as it is, in words: what it names is not there any more."""

    __table_args__ = (
        Index("uq_rule_name", text("lower(name)"), unique=True),
        Index("ix_rule_next_at", "next_at", postgresql_where=text("active AND next_at IS NOT NULL")),
    )


class RuleRun(Row):
    """What a rule did to one ticket, and what was before."""

    __tablename__ = "rule_run"

    rule_id: Mapped[int] = mapped_column(ForeignKey("rule.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    once: Mapped[str]
    """What it ran for: `event-17`, `idle-2026-11-22T…`, `round-…`; never twice for the same."""
    cause_id: Mapped[int | None] = mapped_column(BigInteger)
    """The event that it ran for."""
    chain: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Rules whose runs led to this one, first to last."""
    done: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"verb": …, "given": {…}, "before": {…}, "after": {…}}, …]` in the order in which it was done."""
    failed: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"verb": …, "given": {…}, "why": "…"}, …]`: what was refused, in words."""
    first_event_id: Mapped[int | None] = mapped_column(BigInteger)
    last_event_id: Mapped[int | None] = mapped_column(BigInteger)
    """Its events on the ticket; a later one of the same sort is somebody else's."""
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))

    __table_args__ = (
        UniqueConstraint("rule_id", "ticket_id", "once"),
        Index("ix_rule_run_rule", "rule_id", "id"),
        Index("ix_rule_run_ticket", "ticket_id", "id"),
    )


class RuleWaiting(Base):
    """An event that rules have not been asked about yet; put here in the transaction that dispatches it."""

    __tablename__ = "rule_waiting"

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(BigInteger, index=True)
