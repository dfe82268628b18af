"""Replies whose time has come: they become replies like any other, or are held because the customer wrote first."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import macros, scheduling
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Delivery, Message
from helpdesk.people import Agent, with_access
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket
from workers.jobs import Later


async def leave(desk: Desk, message_id: int) -> None:
    """Safe to run twice. Raises Later where the time was moved, or has not come."""
    async with committed(desk.sessions) as session:
        ticket_of = select(Message.ticket_id).where(Message.id == message_id).scalar_subquery()
        ticket = await session.scalar(
            select(Ticket)
            .where(Ticket.id == ticket_of)
            .with_for_update(of=Ticket, key_share=True)
            .options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
        )
        message = await session.scalar(select(Message).where(Message.id == message_id).with_for_update())
        if message is None or ticket is None:
            return
        if message.ticket_id != ticket.id:  # a merge moved it at this very moment
            raise Later(message.send_after or message.created_at)
        author = await session.get_one(Agent, message.agent_id, options=list(with_access()))
        later = await scheduling.let_go(session, ticket, message, by=author)
        if message.delivery is Delivery.queued:
            await macros.apply_waiting(session, ticket, message, by=author)
    if later:
        raise Later(later)
