"""What a ticket was made of, and what is said about it with third parties."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload

from helpdesk.merging import TicketMerge
from helpdesk.messages import Message
from helpdesk.sides import SideConversation
from helpdesk.tickets import Ticket


@dataclass(frozen=True)
class Joined:
    """What a ticket's page says about what it was made of, in one statement."""

    merges: list[dict[str, Any]] = field(default_factory=list)
    sides: list[dict[str, Any]] = field(default_factory=list)


async def joined(session: AsyncSession, ticket: Ticket) -> Joined:
    source = aliased(Ticket)
    merges = (
        select(TicketMerge.id, TicketMerge.kind, source.number, source.subject)
        .join(source, source.id == TicketMerge.source_id)
        .where(TicketMerge.target_id == ticket.id, TicketMerge.undone_at.is_(None))
        .order_by(TicketMerge.id)
    )
    sides = select(Message.side_id).where(Message.ticket_id == ticket.id, Message.side_id.is_not(None))
    found = (await session.execute(select(_list("merges", merges), _list("sides", sides.distinct())))).one()
    return Joined(*found)


@dataclass(frozen=True)
class Side:
    """A side conversation as the page shows it."""

    row: SideConversation
    messages: list[Message]

    @property
    def latest(self) -> int:
        return max((message.id for message in self.messages), default=0)


async def sides(session: AsyncSession, ticket: Ticket, found: Joined) -> list[Side]:
    """Nothing is asked where there is none."""
    ids = [side["side_id"] for side in found.sides]
    if not ids:
        return []
    rows = await session.scalars(
        select(SideConversation).where(SideConversation.id.in_(ids)).order_by(SideConversation.id)
    )
    messages = await session.scalars(
        select(Message)
        .where(
            Message.side_id.in_(ids),
            Message.ticket_id == ticket.id,
            Message.copy_of_id.is_(None),
            Message.withdrawn_at.is_(None),
        )
        .options(joinedload(Message.contact), joinedload(Message.agent), selectinload(Message.attachments))
        .order_by(Message.id)
    )
    said = messages.all()
    shown = [Side(row, [m for m in said if m.side_id == row.id]) for row in rows]
    return [side for side in shown if side.messages]


def _list(name: str, rows: Select[*tuple[Any, ...]]) -> ColumnElement[list[dict[str, Any]]]:
    """The rows as JSON in one value, so that several lists are one statement."""
    found = rows.subquery(name)
    return (
        select(func.coalesce(func.json_agg(literal_column(name)), literal_column("'[]'::json")))
        .select_from(found)
        .scalar_subquery()
    )
