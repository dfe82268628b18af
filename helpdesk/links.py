"""Tickets that have to do with each other."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row


class LinkKind(StrEnum):
    related = "related"
    parent = "parent"  # `ticket` is the parent of `other`
    duplicate = "duplicate"  # `ticket` is a duplicate of `other`


class TicketLink(Row):
    """One row a pair and kind; read from both sides."""

    __tablename__ = "ticket_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    kind: Mapped[LinkKind] = mapped_column(Choice(LinkKind))

    __table_args__ = (
        UniqueConstraint("ticket_id", "other_id", "kind"),
        CheckConstraint("ticket_id <> other_id", name="two"),
    )
