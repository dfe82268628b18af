"""A ticket as it stood, as JSON, and how it stands like that again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.events import Actor, Event, Kind
from helpdesk.messages import Direction, Message
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket

STATE = (
    "category", "status_id", "snoozed_until", "waiting_since", "resolved_at", "has_suggestion", "silent_since",
    "reminded_at",
)  # fmt: skip
LAST = ("preview", "last_direction", "last_message_at")
KINDS: dict[str, Any] = {
    "category": Category,
    "snoozed_until": datetime.fromisoformat,
    "waiting_since": datetime.fromisoformat,
    "resolved_at": datetime.fromisoformat,
    "silent_since": datetime.fromisoformat,
    "reminded_at": datetime.fromisoformat,
    "last_direction": Direction,
    "last_message_at": datetime.fromisoformat,
}


def taken(ticket: Ticket) -> dict[str, Any]:
    """Its state, its newest message, and its promises; `clocks` are loaded."""
    values = {name: getattr(ticket, name) for name in (*STATE, *LAST)}
    written = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values.items()}
    return written | {
        "clocks": {
            str(clock.id): {
                "started_at": clock.started_at.isoformat(),
                "met_at": clock.met_at and clock.met_at.isoformat(),
                "ended_at": clock.ended_at and clock.ended_at.isoformat(),
                "breaks": clock.breaks,
            }
            for clock in ticket.clocks
        }
    }


def restore_state(ticket: Ticket, was: dict[str, Any], *, by: Actor, **because: Any) -> None:
    """Its events tell of a status that is another one now: what reads them knows where the ticket stands. `because`
    goes into their data."""
    category, status_id = ticket.category, ticket.status_id
    _set(ticket, was, STATE)
    if (ticket.category, ticket.status_id) != (category, status_id):
        stands: dict[str, Any] = {"now": ticket.category, "status": ticket.status_id}
        ticket.events.add(
            Event(Kind.status_changed, by=by, was=category, was_status=status_id, **stands, **because)
        )
    for clock in ticket.clocks:
        if kept := was.get("clocks", {}).get(str(clock.id)):
            clock.breaks = kept["breaks"]
            for name in ("started_at", "met_at", "ended_at"):
                setattr(clock, name, kept[name] and datetime.fromisoformat(kept[name]))
        elif "clocks" in was:  # it began since
            clock.ended_at = clock.ended_at or now()
            clock.due_at = clock.act_at = None
        else:  # a merge of long ago remembers only when promises were met
            met = was["met"].get(clock.metric.value)
            clock.met_at = met and datetime.fromisoformat(met)


def restore_last(ticket: Ticket, was: dict[str, Any]) -> None:
    _set(ticket, was, LAST)


async def read_last(session: AsyncSession, ticket: Ticket) -> None:
    """List and preview from the messages that the ticket has now."""
    newest = await session.scalar(
        select(Message)
        .where(public_of(ticket), ~Message.announced)
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    )
    if newest:
        ticket.preview, ticket.last_direction = newest.line, newest.direction
        ticket.last_message_at = newest.created_at


async def read_waiting(session: AsyncSession, ticket: Ticket) -> None:
    """Since when the customer waits: the first of their messages that we have not answered."""
    answered = (
        select(Message.created_at)
        .where(public_of(ticket), Message.direction == Direction.outbound, ~Message.announced)
        .order_by(Message.created_at.desc())
        .limit(1)
    )
    last = await session.scalar(answered)
    first = (
        select(Message.sent_at)
        .where(public_of(ticket), Message.direction == Direction.inbound, ~Message.automatic)
        .order_by(Message.created_at)
        .limit(1)
    )
    ticket.waiting_since = await session.scalar(first.where(Message.created_at > last) if last else first)


def public_of(ticket: Ticket) -> ColumnElement[bool]:
    """What was said between customer and desk, as lists and previews count it."""
    return and_(
        Message.ticket_id == ticket.id,
        Message.direction != Direction.note,
        Message.side_id.is_(None),
        Message.copy_of_id.is_(None),
        Message.withdrawn_at.is_(None),
        Message.delivery.is_distinct_from("scheduled"),
        Message.delivery.is_distinct_from("held"),
    )


def _set(ticket: Ticket, was: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if name not in was:  # a merge of before there was such a thing
            continue
        value = was[name]
        setattr(ticket, name, KINDS[name](value) if value is not None and name in KINDS else value)
