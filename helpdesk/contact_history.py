"""Everything that was said with a person, over all channels and tickets, as far as an agent may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnClause, ColumnElement, Select, and_, func, select, tuple_, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import visitors

from helpdesk.access import is_visible
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Contact
from helpdesk.statements import literally
from helpdesk.statuses import Status
from helpdesk.tickets import Ticket
from helpdesk.views import Cursor

PAGE = 30
TICKETS = 8
EXCERPT = 600  # characters of a message
T = TypeVar("T")


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
    wrote = select(func.max(Message.sent_at)).where(
        Message.contact_id == contact.id, Message.direction == Direction.inbound
    )
    last = await session.scalar(_of_visible(agent, wrote))
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
        .limit(literally(limit))
    )
    return (await session.execute(query)).all()


async def stream(
    session: AsyncSession, agent: Agent, contact: Contact, *, after: Cursor | None = None, limit: int = PAGE
) -> Stream:
    """Newest first: what was said in their tickets, and what they said in other people's."""
    own = select(Ticket.id).where(Ticket.contact_id == contact.id).correlate(None)
    in_theirs = and_(Message.ticket_id.in_(own), Message.side_id.is_(None))
    by_them = and_(
        Message.contact_id == contact.id, Message.ticket_id.not_in(own)
    )  # one set, looked up in memory
    chosen = union_all(*(_said(agent, where, after, limit) for where in (in_theirs, by_them))).subquery()
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
        .limit(literally(limit + 1))
    )
    rows = (await session.execute(query)).all()
    more = len(rows) > limit
    return Stream(rows[:limit], Cursor(rows[limit - 1].sent_at, rows[limit - 1].id) if more else None)


def _said(agent: Agent, where: ColumnElement[bool], after: Cursor | None, limit: int) -> Any:
    query = (
        select(Message.id)
        .where(where, Message.copy_of_id.is_(None), Message.withdrawn_at.is_(None))
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(literally(limit + 1))
    )
    if after:
        query = query.where(tuple_(Message.sent_at, Message.id) < tuple_(after.at, after.id))
    return select(_of_visible(agent, query).subquery().c.id)


def _of_visible(agent: Agent, messages: Select[T]) -> Select[T]:
    """Of tickets that this agent may see: whoever sees all has none of them looked up, of which there may be
    tens of thousands."""
    seen = is_visible(agent)
    if any(isinstance(part, ColumnClause) for part in visitors.iterate(seen)):
        messages = messages.join(Ticket, Ticket.id == Message.ticket_id)
    return messages.where(seen)
