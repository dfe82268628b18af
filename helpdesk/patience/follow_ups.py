"""A mail to a ticket that is over: it opens that one again, or a new one that is linked to it.

What proves to which ticket a mail belongs is decided before (helpdesk/threads.py) and as strictly as ever. Only when
that ticket was resolved longer ago than its inbox allows does the mail go on elsewhere: to what this very sender has
opened from it before, else to a new ticket of the sender's own. A machine's mail opens nothing, and neither do words
in spam. Who merely got hold of a reply address gets a ticket as any stranger does, without a link.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType
from helpdesk.links import LinkKind, TicketLink
from helpdesk.messages import Match
from helpdesk.patience.rows import Patience
from helpdesk.people import Contact, Team
from helpdesk.threads import Found, again
from helpdesk.tickets import Removal, Ticket

WRONG = timedelta(days=1)
"""Stamped so long before it was resolved, a mail comes from a clock that goes wrong: then its arrival counts."""
HOPS = 50  # follow-ups of follow-ups; one more than that is a new one


async def placed(
    session: AsyncSession, found: Found, contact: Contact, *, at: datetime
) -> tuple[Found | None, Ticket | None]:
    """Where it belongs after all: the second is the ticket that is over, where a new one goes on from it.

    `at` is when the customer wrote. What was found is locked, and so is what is returned.
    """
    if found.copy_of or found.side:
        return found, None
    by = found.by
    for _hop in range(HOPS):
        ticket = found.ticket
        if not await is_over(session, ticket, at):
            return found, None
        if by is Match.stranger_token:
            return None, None
        follow_up = await _newest(session, ticket, contact)
        further = await again(session, follow_up, by) if follow_up else None
        if further is None or further.ticket.id == ticket.id:
            return None, ticket
        found = further
    return None, found.ticket


async def is_over(session: AsyncSession, ticket: Ticket, at: datetime) -> bool:
    """Whether what the customer writes at this moment opens it no more."""
    if not ticket.is_settled or ticket.removed is Removal.spam:
        return False
    days = await session.scalar(select(Patience.reopen_days).where(Patience.inbox_id == ticket.inbox_id))
    if days is None:
        return False
    since = ticket.resolved_at or ticket.last_message_at
    if at < since - WRONG:
        at = now()
    return since + timedelta(days=days) < at


async def handed_on(session: AsyncSession, over: Ticket, inbox: Inbox) -> dict[str, Any]:
    """What a new ticket takes over: team and type, where it comes in by the same inbox. Nobody is assigned:
    who had the old one may be gone, and what the new one is about is not known yet."""
    if over.inbox_id != inbox.id:
        return {}
    found: dict[str, Any] = {}
    if over.team_id and over.team_id != inbox.team_id:  # the inbox's own is given to every new ticket
        found["team"] = await session.get_one(Team, over.team_id)
    if over.type_id and (kind := await session.get(TicketType, over.type_id)) and not kind.archived:
        found["type_id"] = kind.id
    return found


async def _newest(session: AsyncSession, over: Ticket, contact: Contact) -> int | None:
    """What this sender opened from it last, and nobody else."""
    return await session.scalar(
        select(Ticket.id)
        .join(TicketLink, TicketLink.ticket_id == Ticket.id)
        .where(
            TicketLink.other_id == over.id,
            TicketLink.kind == LinkKind.follow_up,
            Ticket.contact_id == contact.id,
            or_(Ticket.removed.is_(None), Ticket.removed == Removal.merged),
            Ticket.id > over.id,
        )
        .order_by(Ticket.id.desc())
        .limit(1)
    )
