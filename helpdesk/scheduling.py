"""Replies that leave later: at a time their author chose, unless the customer writes first.

Until then a scheduled reply changes nothing about its ticket: nobody has answered yet. When its time has come, a
worker lets it go (`let_go`), and from there on it is a reply like any other. Where the customer wrote in between it
is held, and says so, until somebody sends it anyway or discards it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.messages import Delivery, Direction, Message, wording
from helpdesk.people import Agent
from helpdesk.tickets import Ticket

FURTHEST = timedelta(days=366)
LATER = (Delivery.scheduled, Delivery.held)


class BadTime(Invalid):
    message = _("Choose a time in the future, within a year.")


class NotScheduled(Conflict):
    message = _("This reply does not wait for a time any more: it has left, or somebody discarded it.")


def schedule(
    ticket: Ticket,
    body: str,
    *,
    by: Agent,
    at: datetime,
    client_id: str | None = None,
    copies: Sequence[str] = (),
) -> Message:
    """`at` is an instant with a zone. Raises BadTime, Empty."""
    message = Message.written(Direction.outbound, body, by=by, inbox_id=ticket.inbox_id)
    message.client_id, message.copies = client_id, list(copies)
    message.delivery, message.send_after = Delivery.scheduled, _checked(at)
    message.attachments = []
    ticket.messages.add(message)
    ticket.events.add(Event(Kind.reply_scheduled, by=by, message=message, at=at.isoformat()))
    return message


def reschedule(
    ticket: Ticket, message: Message, *, by: Actor, at: datetime | None = None, body: str | None = None
) -> None:
    """Another time, other words, or both; a held reply is scheduled again by a new time."""
    _require(message)
    if body is not None:
        message.text = wording(body)
    if at is not None:
        message.delivery, message.send_after, message.trouble = Delivery.scheduled, _checked(at), None
    told = message.send_after.isoformat() if message.send_after else None
    ticket.events.add(Event(Kind.reply_scheduled, by=by, message=message, at=told, again=True))


def discard(ticket: Ticket, message: Message, *, by: Actor) -> None:
    _require(message)
    message.delivery, message.withdrawn_at, message.send_after = None, now(), None
    ticket.events.add(Event(Kind.reply_withdrawn, by=by, message=message))


def send_now(ticket: Ticket, message: Message, *, by: Actor) -> None:
    """Whatever was said in between; `ticket.clocks` are loaded."""
    _require(message)
    _leave(ticket, message, by=by)


async def hold(session: AsyncSession, ticket_id: int) -> None:
    """The customer wrote: what was to leave later waits for somebody to read that first."""
    await session.execute(
        update(Message)
        .where(Message.ticket_id == ticket_id, Message.delivery == Delivery.scheduled)
        .values(delivery=Delivery.held, trouble=_reason())
        .execution_options(synchronize_session=False)
    )


async def let_go(session: AsyncSession, ticket: Ticket, message: Message, *, by: Actor) -> datetime | None:
    """Its time has come: it is sent, or held. Returns when to come again, if it is too early.

    Both are locked; `ticket.clocks` are loaded.
    """
    if message.delivery is not Delivery.scheduled or message.send_after is None:
        return None
    if message.send_after > now():
        return message.send_after
    if ticket.removed or await _written_since(session, message):
        message.delivery = Delivery.held
        message.trouble = (
            _reason() if not ticket.removed else gettext("The ticket was put into spam or trash.")
        )
        await session.execute(select(func.pg_notify("helpdesk", f"silent-{ticket.id}")))
        return None
    _leave(ticket, message, by=by)
    return None


def _leave(ticket: Ticket, message: Message, *, by: Actor) -> None:
    """It counts from now on, and stands in the thread where it was sent."""
    message.sent_at = message.created_at = now()
    message.trouble = None
    ticket.send(message, by=by, wait=timedelta(0))


async def _written_since(session: AsyncSession, message: Message) -> bool:
    later = select(Message.id).where(
        Message.ticket_id == message.ticket_id,
        Message.id > message.id,
        Message.direction == Direction.inbound,
        Message.side_id.is_(None),
        Message.copy_of_id.is_(None),
        ~Message.automatic,
    )
    # What was read before the time was chosen again holds nothing up.
    chosen = select(func.max(Event.created_at)).where(
        Event.message_id == message.id, Event.kind == Kind.reply_scheduled
    )
    return (
        await session.scalar(later.where(Message.created_at > chosen.scalar_subquery()).limit(1)) is not None
    )


def _require(message: Message) -> None:
    if message.delivery not in LATER or message.withdrawn_at:
        raise NotScheduled


def _checked(at: datetime) -> datetime:
    if at.tzinfo is None or not now() < at <= now() + FURTHEST:
        raise BadTime
    return at


def _reason() -> str:
    return gettext(
        "The customer wrote after this reply was written. Read that first; then send it, or discard it."
    )
