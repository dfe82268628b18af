"""Statuses: as many as a desk needs, each in one of six categories that the desk understands."""

from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row


class Category(StrEnum):
    """Where a ticket stands. Clocks, queues and reopening go by this, never by a status' name."""

    new = "new"
    open = "open"
    waiting = "waiting"  # for the customer
    on_hold = "on_hold"  # for somebody else
    resolved = "resolved"
    closed = "closed"

    @property
    def is_settled(self) -> bool:
        return self in {Category.resolved, Category.closed}


BUILT_IN = {category: number for number, category in enumerate(Category, start=1)}
"""The id of each category's own status: it can be renamed, but is always there, so verbs need no query."""


class Status(Row):
    """What a ticket's state is called: one name for colleagues, one for customers."""

    __tablename__ = "ticket_status"

    category: Mapped[Category] = mapped_column(Choice(Category))
    name: Mapped[str]
    customer_name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="blue")
    position: Mapped[int] = mapped_column(server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")
    """No longer offered; tickets that have it keep it."""

    __table_args__ = (
        Index("uq_ticket_status_name", text("lower(name)"), unique=True),
        UniqueConstraint("id", "category", name="uq_ticket_status_id_category"),
    )

    @property
    def is_built_in(self) -> bool:
        return self.id == BUILT_IN[self.category]
