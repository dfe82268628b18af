"""Everything that was said with a person, over all channels and tickets, as far as an agent may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import is_visible
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Contact
from helpdesk.statuses import Status
from helpdesk.tickets import Ticket
from helpdesk.views import Cursor

PAGE = 30
TICKETS = 8
EXCERPT = 600  # characters of a message


@dataclass(frozen=True)
class Numbers:
    open: int
    total: int
    first_seen: datetime | None
    last_seen: datetime | None
    """When they last wrote."""


@dataclass(frozen=True)
class Stream:
    messages: Sequence[Any]
    after: Cursor | None


async def numbers(session: AsyncSession, agent: Agent, contact: Contact) -> Numbers:
    """Of the tickets that this agent may see; `removed` ones are not counted."""
    theirs = (Ticket.contact_id == contact.id, is_visible(agent), Ticket.removed.is_(None))
    counted = await session.execute(
        select(func.count(), func.count().filter(~Ticket.settled), func.min(Ticket.created_at)).where(*theirs)
    )
    total, opened, first = counted.one()
    last = await session.scalar(
        select(func.max(Message.sent_at))
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Message.contact_id == contact.id, Message.direction == Direction.inbound, is_visible(agent))
    )
    return Numbers(opened, total, first, last)


async def tickets(
    session: AsyncSession, agent: Agent, contacts: ColumnElement[bool], *, limit: int = TICKETS
) -> Sequence[Any]:
    """Newest first. `contacts` is a condition on Contact."""
    query = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Ticket.category,
            Ticket.removed,
            Ticket.last_message_at,
            Status.name.label("status"),
            Status.colour.label("colour"),
            Contact.name.label("contact"),
            Contact.id.label("contact_id"),
        )
        .join(Contact, Contact.id == Ticket.contact_id)
        .join(Status, Status.id == Ticket.status_id)
        .where(is_visible(agent), contacts)
        .order_by(Ticket.last_message_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return (await session.execute(query)).all()


async def stream(
    session: AsyncSession, agent: Agent, contact: Contact, *, after: Cursor | None = None, limit: int = PAGE
) -> Stream:
    """Newest first: what was said in their tickets, and what they said in other people's."""
    in_theirs = _said(agent, and_(Ticket.contact_id == contact.id, Message.side_id.is_(None)), after, limit)
    by_them = _said(
        agent, and_(Message.contact_id == contact.id, Ticket.contact_id != contact.id), after, limit
    )
    chosen = union_all(in_theirs, by_them).subquery()
    query = (
        select(
            Message.id,
            Message.direction,
            Message.author,
            Message.sent_at,
            Message.automatic,
            Message.marked,
            func.left(Message.text, EXCERPT).label("text"),
            (func.length(Message.text) > EXCERPT).label("is_cut"),
            Ticket.number,
            Ticket.subject,
            Inbox.channel,
            Inbox.name.label("inbox"),
            Agent.name.label("agent"),
            Contact.name.label("contact"),
        )
        .join(chosen, chosen.c.id == Message.id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .join(Inbox, Inbox.id == Message.inbox_id)
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(limit + 1)
    )
    rows = (await session.execute(query)).all()
    more = len(rows) > limit
    return Stream(rows[:limit], Cursor(rows[limit - 1].sent_at, rows[limit - 1].id) if more else None)


def _said(agent: Agent, where: ColumnElement[bool], after: Cursor | None, limit: int) -> Any:
    query = (
        select(Message.id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(is_visible(agent), where, Message.copy_of_id.is_(None), Message.withdrawn_at.is_(None))
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(limit + 1)
    )
    if after:
        query = query.where(tuple_(Message.sent_at, Message.id) < tuple_(after.at, after.id))
    return select(query.subquery().c.id)
