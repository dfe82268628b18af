"""What was said in public on a ticket, as far as a model may read it."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.messages import Direction, Message
from helpdesk.scheduling import LATER
from helpdesk.tickets import Ticket


async def turns_of(session: AsyncSession, ticket: Ticket, *, limit: int = 12) -> list[Message]:
    """The latest public messages, oldest first; without notes, copies, what was taken back, and what the
    desk wrote by itself."""
    newest = await session.scalars(
        select(Message)
        .where(Message.ticket_id == ticket.id, Message.direction != Direction.note)
        .where(Message.copy_of_id.is_(None), Message.withdrawn_at.is_(None), Message.side_id.is_(None))
        .where(Message.delivery.is_(None) | Message.delivery.not_in(LATER), ~Message.announced)
        .order_by(Message.id.desc())
        .limit(limit)
    )
    return list(newest)[::-1]
