"""What a ticket was made of, and what is said about it with third parties."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.access import is_visible
from helpdesk.merging import MergeKind, TicketMerge
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.sides import SideConversation
from helpdesk.statements import as_list
from helpdesk.tickets import Ticket


@dataclass(frozen=True)
class Joined:
    """What a ticket's page says about what it was made of."""

    merges: list[dict[str, Any]] = field(default_factory=list)
    sides: list[dict[str, Any]] = field(default_factory=list)


def lists(agent: Agent) -> list[ColumnElement[Any]]:
    """What `Joined` is made of, for a statement that is given `ticket`.

    What was merged into it is part of it, whoever sees it; what it was split off may be another team's by now.
    """
    merges = (
        select(TicketMerge.id, TicketMerge.kind, Ticket.number, Ticket.subject)
        .join(Ticket, Ticket.id == TicketMerge.source_id)
        .where(TicketMerge.target_id == bindparam("ticket"), TicketMerge.undone_at.is_(None))
        .where(or_(TicketMerge.kind == MergeKind.merge, is_visible(agent)))
        .order_by(TicketMerge.id)
    )
    sides = select(Message.side_id).where(
        Message.ticket_id == bindparam("ticket"), Message.side_id.is_not(None)
    )
    return [as_list(merges).label("merges"), as_list(sides.distinct()).label("sides")]


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
