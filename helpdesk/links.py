"""Tickets that have to do with each other. One row a pair and kind; read from both sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    UniqueConstraint,
    and_,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.tickets import Ticket

MOST = 100  # of one ticket


class LinkKind(StrEnum):
    related = "related"
    parent = "parent"  # `ticket` is the parent of `other`
    duplicate = "duplicate"  # `ticket` is a duplicate of `other`
    follow_up = "follow_up"  # `ticket` goes on where `other` was over


class Side(StrEnum):
    """What the other ticket is to this one: what people read and choose."""

    related = "related"
    parent = "parent"
    child = "child"
    duplicate_of = "duplicate_of"
    duplicate = "duplicate"
    follow_up_of = "follow_up_of"
    follow_up = "follow_up"

    @property
    def kind(self) -> LinkKind:
        return {
            Side.related: LinkKind.related,
            Side.parent: LinkKind.parent,
            Side.child: LinkKind.parent,
            Side.duplicate_of: LinkKind.duplicate,
            Side.duplicate: LinkKind.duplicate,
            Side.follow_up_of: LinkKind.follow_up,
            Side.follow_up: LinkKind.follow_up,
        }[self]

    @property
    def is_mine(self) -> bool:
        """Whether this ticket stands first in the row."""
        return self in {Side.child, Side.duplicate_of, Side.follow_up_of, Side.related}

    @property
    def opposite(self) -> "Side":
        return {
            Side.related: Side.related,
            Side.parent: Side.child,
            Side.child: Side.parent,
            Side.duplicate_of: Side.duplicate,
            Side.duplicate: Side.duplicate_of,
            Side.follow_up_of: Side.follow_up,
            Side.follow_up: Side.follow_up_of,
        }[self]


class TicketLink(Row):
    __tablename__ = "ticket_link"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), index=True)
    kind: Mapped[LinkKind] = mapped_column(Choice(LinkKind))

    __table_args__ = (
        UniqueConstraint("ticket_id", "other_id", "kind"),
        CheckConstraint("ticket_id <> other_id", name="two"),
    )


@dataclass(frozen=True)
class Linked:
    id: int
    side: Side
    ticket: Any
    """A row with id, number, subject, category, status_id."""


async def link(session: AsyncSession, ticket: Ticket, other: Ticket, side: Side, *, by: Actor) -> None:
    """`other` is this `side` of `ticket`, e.g. its parent. Both are visible to whoever asks. Again: nothing."""
    if ticket.id == other.id:
        raise Itself
    # Two links made at once could close a circle that neither sees alone.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("ticket_link", 0))))
    if await _between(session, ticket, other, side.kind):
        if await session.scalar(select(TicketLink.id).where(_is(ticket, other, side))):
            return
        raise LinkedOtherwise
    if side.kind is LinkKind.parent:
        parent, child = (other, ticket) if side is Side.parent else (ticket, other)
        if parent.id in await _below(session, child.id):
            raise Circle
        if await session.scalar(
            select(TicketLink.id).where(TicketLink.other_id == child.id, TicketLink.kind == LinkKind.parent)
        ):
            raise HasParent
    for one in (ticket, other):
        if await count(session, one) >= MOST:
            raise TooMany
    first, second = _ordered(ticket, other, side)
    await session.execute(
        insert(TicketLink)
        .values(ticket_id=first.id, other_id=second.id, kind=side.kind)
        .on_conflict_do_nothing()
    )
    _told(ticket, other, side, by)


async def follow(session: AsyncSession, ticket: Ticket, other: Ticket, *, by: Actor) -> None:
    """`ticket` was opened a moment ago because `other` was over; unless that has no room for a link more."""
    await session.flush()
    if await count(session, other) >= MOST:
        return
    session.add(TicketLink(ticket_id=ticket.id, other_id=other.id, kind=LinkKind.follow_up))
    _told(ticket, other, Side.follow_up_of, by)


def _told(ticket: Ticket, other: Ticket, side: Side, by: Actor) -> None:
    ticket.events.add(Event(Kind.linked, by=by, side=side, other=other.id, number=other.number))
    other.events.add(Event(Kind.linked, by=by, side=side.opposite, other=ticket.id, number=ticket.number))


async def unlink(session: AsyncSession, ticket: Ticket, other: Ticket, side: Side, *, by: Actor) -> None:
    found = await session.scalar(select(TicketLink).where(_is(ticket, other, side)).with_for_update())
    if found is None:
        raise NotLinked
    await session.delete(found)
    ticket.events.add(Event(Kind.unlinked, by=by, side=side, other=other.id, number=other.number))
    other.events.add(Event(Kind.unlinked, by=by, side=side.opposite, other=ticket.id, number=ticket.number))


async def linked(session: AsyncSession, ticket: Ticket, visible: Any) -> list[Linked]:
    """What it has to do with, as far as `visible`, a condition on Ticket, allows."""
    other = Ticket
    mine = select(
        TicketLink.id, TicketLink.other_id.label("of"), TicketLink.kind, literal(True).label("mine")
    )
    theirs = select(TicketLink.id, TicketLink.ticket_id, TicketLink.kind, literal(False))
    both = union_all(
        mine.where(TicketLink.ticket_id == ticket.id), theirs.where(TicketLink.other_id == ticket.id)
    ).subquery()
    query = (
        select(
            both.c.id.label("link_id"),
            both.c.kind,
            both.c.mine,
            other.id,
            other.number,
            other.subject,
            other.category,
            other.status_id,
        )
        .join(both, both.c.of == other.id)
        .where(visible)
        .order_by(both.c.id)
    )
    rows = (await session.execute(query)).all()
    return [Linked(row.link_id, side_of(row.kind, row.mine), row) for row in rows]


async def count(session: AsyncSession, ticket: Ticket) -> int:
    touches = or_(TicketLink.ticket_id == ticket.id, TicketLink.other_id == ticket.id)
    return await session.scalar(select(func.count()).select_from(TicketLink).where(touches)) or 0


async def _between(session: AsyncSession, ticket: Ticket, other: Ticket, kind: LinkKind) -> bool:
    ids = [ticket.id, other.id]
    either = and_(TicketLink.ticket_id.in_(ids), TicketLink.other_id.in_(ids), TicketLink.kind == kind)
    return await session.scalar(select(TicketLink.id).where(either)) is not None


async def _below(session: AsyncSession, ticket_id: int) -> Sequence[int]:
    """Itself, its children, theirs, and so on."""
    tree = select(literal(ticket_id, BigInteger).label("id")).cte(recursive=True)
    child = aliased(TicketLink)
    tree = tree.union(
        select(child.other_id).where(child.ticket_id == tree.c.id, child.kind == LinkKind.parent)
    )
    return (await session.scalars(select(tree.c.id))).all()


def _ordered(ticket: Ticket, other: Ticket, side: Side) -> tuple[Ticket, Ticket]:
    return (ticket, other) if side.is_mine else (other, ticket)


def _is(ticket: Ticket, other: Ticket, side: Side) -> Any:
    first, second = _ordered(ticket, other, side)
    exact = and_(TicketLink.ticket_id == first.id, TicketLink.other_id == second.id)
    if side is Side.related:
        exact = or_(exact, and_(TicketLink.ticket_id == second.id, TicketLink.other_id == first.id))
    return and_(exact, TicketLink.kind == side.kind)


def side_of(kind: LinkKind | str, mine: bool) -> Side:
    """`mine`: this ticket stands first in the row."""
    match LinkKind(kind):
        case LinkKind.parent:
            return Side.child if mine else Side.parent
        case LinkKind.duplicate:
            return Side.duplicate_of if mine else Side.duplicate
        case LinkKind.follow_up:
            return Side.follow_up_of if mine else Side.follow_up
    return Side.related


class Itself(Conflict):
    message = _("A ticket cannot be linked to itself.")


class Circle(Conflict):
    message = _("This would make a circle: that ticket stands below this one already.")


class HasParent(Conflict):
    message = _("That ticket has a parent already. Remove that link first.")


class LinkedOtherwise(Conflict):
    message = _("These two are linked the other way round. Remove that link first.")


class NotLinked(Conflict):
    message = _("These two are not linked any more.")


class TooMany(Conflict):
    message = _("A ticket has room for 100 links.")
