"""What a macro is, and one use of it."""

import json
from datetime import datetime
from hashlib import blake2s
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.access import Action
from helpdesk.changes import UNDO_FOR, Verb
from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.sharing import Shared

MOST_ACTIONS = 20
LONGEST_BODY = 20_000

ACTIONS = tuple(verb for verb in Verb if verb not in {Verb.merge, Verb.field, Verb.policy})
"""What a macro can do to a ticket, each with its value as `Verb` says."""


class Macro(Shared, Row):
    __tablename__ = "macro"
    sharing = Action.write_templates

    name: Mapped[str]
    folder: Mapped[str] = mapped_column(default="", server_default="")
    """`Billing / Refunds`; empty: beside the folders."""
    body: Mapped[str] = mapped_column(default="", server_default="")
    """What is said, with placeholders; empty where something is only done."""
    actions: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"verb": "tag", "tags": ["refund"]}, …]`, done in this order."""
    used: Mapped[int] = mapped_column(default=0, server_default="0")
    used_at: Mapped[datetime | None]
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")

    def mark(self, place: int) -> str:
        """By which the action at this place is known again: another one there has another mark."""
        action = json.dumps(self.actions[place], sort_keys=True)
        return blake2s(action.encode(), digest_size=6).hexdigest()

    __table_args__ = (
        CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),
        Index(
            "uq_macro_name", "owner_id", "visibility", text("lower(folder)"), text("lower(name)"), unique=True
        ),
    )


class MacroUse(Row):
    """What one use of a macro changed, and what was before."""

    __tablename__ = "macro_use"

    macro_id: Mapped[int] = mapped_column(ForeignKey("macro.id", ondelete="CASCADE"), index=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """The reply that it was sent with; taking that back takes this back."""
    without: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))
    """While that reply waits for its time: the steps that its author left out. None: it is done."""
    done: Mapped[list[Any]]
    """`[{"verb": …, "given": {…}, "before": {…}}, …]` in the order in which it was done; while it waits for its
    reply, what is to be done as it was shown, whatever becomes of the macro meanwhile, `before` left out."""
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    """The newest event of the ticket afterwards; a later one of the same sort is somebody else's."""
    undone_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_macro_use_ticket_id", "ticket_id", "id"),)

    @property
    def can_be_undone(self) -> bool:
        is_done = self.without is None and bool(self.done)
        return self.undone_at is None and is_done and self.created_at + UNDO_FOR > now()
