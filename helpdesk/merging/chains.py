"""Where a ticket that was merged is now. Chains have no cycles: only tickets that stand on their own are merged."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from helpdesk.tickets import Ticket


async def root_id(session: AsyncSession, ticket_id: int) -> int | None:
    """The end of the chain that begins at this ticket; the ticket itself where it was not merged."""
    start = select(Ticket.id, Ticket.merged_into_id).where(Ticket.id == ticket_id)
    chain = start.cte("chain", recursive=True)
    chain = chain.union(  # not UNION ALL: it ends whatever stands in the table
        select(Ticket.id, Ticket.merged_into_id).join(chain, Ticket.id == chain.c.merged_into_id)
    )
    return await session.scalar(select(chain.c.id).where(chain.c.merged_into_id.is_(None)).limit(1))


async def merged_in(session: AsyncSession, ticket_id: int) -> list[int]:
    """This ticket and all whose chain leads through it."""
    below = select(Ticket.id).where(Ticket.id == ticket_id).cte("below", recursive=True)
    source = aliased(Ticket)
    below = below.union(select(source.id).join(below, source.merged_into_id == below.c.id))
    return list(await session.scalars(select(below.c.id)))
