"""Statuses: as many as a desk needs, each in one of six categories that the desk understands."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.labels import coloured, named


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

BEGINS_AS = (_("Received"), _("In progress"), _("Waiting for you"), _("Solved"), _("Closed"))
"""What the built-in statuses are called for customers where nobody renamed them; so that it is translated."""


class Status(Row):
    """What a ticket's state is called: one name for colleagues, one for customers."""

    __tablename__ = "ticket_status"

    category: Mapped[Category] = mapped_column(Choice(Category))
    name: Mapped[str]
    customer_name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="blue")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")
    """No longer offered; tickets that have it keep it."""

    __table_args__ = (
        Index("uq_ticket_status_name", text("lower(name)"), unique=True),
        UniqueConstraint("id", "category", name="uq_ticket_status_id_category"),
    )

    @property
    def for_customers(self) -> str:
        """Its name as a customer reads it: what it is called from the start, in their language."""
        return gettext(self.customer_name)

    @property
    def is_built_in(self) -> bool:
        return self.id == BUILT_IN[self.category]


async def save(
    session: AsyncSession,
    status: Status | None,
    *,
    category: Category,
    name: str,
    customer_name: str,
    colour: str,
    by: Actor,
) -> Status:
    """Make a status, or change one; its category stays, since tickets stand in it. No name for customers: its own."""
    name, colour = named(name), coloured(colour)
    customer_name = named(customer_name) if customer_name.strip() else name
    taken = await session.scalar(select(Status.id).where(func.lower(Status.name) == func.lower(name)))
    if taken and (status is None or taken != status.id):
        raise NameTaken
    what = "changed"
    if status is None:
        last = await session.scalar(select(func.max(Status.position)).where(Status.category == category))
        status, what = Status(category=category, position=(last or 0) + 1), "added"
        session.add(status)
    status.name, status.customer_name, status.colour = name, customer_name, colour
    await session.flush()
    session.add(Event(Kind.status_edited, by=by, about=status, what=what))
    return status


def archive(session: AsyncSession, status: Status, archived: bool, *, by: Actor) -> None:
    if status.is_built_in:
        raise AlwaysThere
    if status.archived != archived:
        status.archived = archived
        session.add(
            Event(Kind.status_edited, by=by, about=status, what="archived" if archived else "offered")
        )


def reorder(rows: Sequence[Row], moved: Row, *, up: bool) -> None:
    """One place up or down among `rows`, which are in their order; each has a `position`."""
    order = list(rows)
    at = order.index(moved)
    to = at - 1 if up else at + 1
    if 0 <= to < len(order):
        order[at], order[to] = order[to], order[at]
    places = sorted({row.position for row in order})  # type: ignore[attr-defined]
    fresh = places if len(places) == len(order) else [10 * (n + 1) for n in range(len(order))]
    for row, position in zip(order, fresh, strict=True):
        row.position = position  # type: ignore[attr-defined]


class NameTaken(Conflict):
    message = _("Another status has this name, perhaps an archived one.")


class AlwaysThere(Conflict):
    message = _("This status is its category's own and always there. It can be renamed.")
