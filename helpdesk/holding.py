"""A ticket that somebody who is no agent changes: the assistant, or a visitor of a chat."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.inboxes import Inbox
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket


async def held(session: AsyncSession, ticket_id: int) -> Ticket | None:
    """Locked until the commit, with what its verbs need; None where it became part of another."""
    return await session.scalar(
        select(Ticket)
        .where(Ticket.id == ticket_id, Ticket.merged_into_id.is_(None))
        .with_for_update(of=Ticket, key_share=True)
        .options(
            selectinload(Ticket.clocks),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            joinedload(Ticket.inbox).joinedload(Inbox.team),
            joinedload(Ticket.team),
        )
        .execution_options(populate_existing=True)
    )
