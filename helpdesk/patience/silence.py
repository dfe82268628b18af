"""Which tickets wait for their customer and for nobody else, and since when; as conditions, and counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from helpdesk.clock import now
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.patience.rows import Patience
from helpdesk.people import Contact, ContactIdentity
from helpdesk.tickets import Ticket
from helpdesk.tickets.row import WAITS

silence = func.coalesce(Ticket.silent_since, Ticket.last_message_at)
"""Since when nobody has said anything, as the index has it."""
settling = func.coalesce(Ticket.resolved_at, Ticket.last_message_at)
"""When it was resolved, as the index has it."""

# In the very words of the partial indexes: a value that is bound would keep the planner from them.
_waits = text(WAITS)
_resolved = text("category = 'resolved' AND removed IS NULL")


@dataclass(frozen=True)
class Foretold:
    """How many tickets each step would meet at this moment, were all of them taken at once."""

    waiting: int = 0
    """Tickets that wait for their customer, whatever else keeps them."""
    remind: int = 0
    resolve: int = 0
    close: int = 0
    oldest: datetime | None = None
    """Since when the first of those that it would write to has been silent."""

    @property
    def paced(self) -> int:
        """Those that go by the inbox's pace."""
        return self.remind + self.resolve


def reminding(patience: Patience) -> ColumnElement[bool]:
    """Silent for long enough, and not reminded yet; `remind_days` is set."""
    return and_(
        _silent(patience),
        silence <= now() - _days(patience.remind_days),
        *_free(),
        *_since(patience, silence),
    )


def resolving(patience: Patience) -> ColumnElement[bool]:
    """No answer to the reminder, or to anything where none is sent; `resolve_days` is set."""
    before = now() - _days(patience.resolve_days)
    reminded = and_(_of(patience), _waits, Ticket.reminded_at.is_not(None), Ticket.reminded_at <= before)
    if patience.remind_days is not None:
        return and_(reminded, *_free(), *_since(patience, silence))
    return and_(
        or_(reminded, and_(_silent(patience), silence <= before)), *_free(), *_since(patience, silence)
    )


def closing(patience: Patience) -> ColumnElement[bool]:
    """Resolved for long enough; `close_days` is set."""
    return and_(
        _of(patience),
        _resolved,
        settling <= now() - _days(patience.close_days),
        Ticket.left_alone_at.is_(None),
        *_since(patience, settling),
    )


def third_party() -> ColumnElement[bool]:
    """A conversation with somebody else is open: the last word is ours, or younger than what the customer was told."""
    said, later = aliased(Message), aliased(Message)
    answered = exists().where(
        later.ticket_id == said.ticket_id,
        later.side_id == said.side_id,
        later.id > said.id,
        later.direction == Direction.inbound,
    )
    return exists().where(
        said.ticket_id == Ticket.id,
        said.side_id.is_not(None),
        said.withdrawn_at.is_(None),
        or_(said.sent_at > silence, and_(said.direction == Direction.outbound, ~answered)),
    )


def leaving() -> ColumnElement[bool]:
    """Something is written to the customer already that has not left."""
    said = aliased(Message)
    return exists().where(
        said.ticket_id == Ticket.id,
        said.side_id.is_(None),
        said.withdrawn_at.is_(None),
        said.delivery.in_([Delivery.scheduled, Delivery.held, Delivery.queued, Delivery.sending]),
    )


def undelivered() -> ColumnElement[bool]:
    """What the customer was to answer has not reached them: nothing that was sent after it has, either."""
    said, later = aliased(Message), aliased(Message)
    arrived = exists().where(
        later.ticket_id == said.ticket_id,
        later.id > said.id,
        later.side_id.is_(None),
        later.direction == Direction.outbound,
        later.delivery == Delivery.sent,
    )
    return exists().where(
        said.ticket_id == Ticket.id,
        said.side_id.is_(None),
        said.withdrawn_at.is_(None),
        said.delivery.in_([Delivery.failed, Delivery.unknown]),
        ~arrived,
    )


def unreachable() -> ColumnElement[bool]:
    """Nobody who could answer: blocked, erased, or without an address."""
    known = exists().where(ContactIdentity.contact_id == Contact.id)
    reached = exists().where(
        Contact.id == Ticket.contact_id, Contact.blocked_at.is_(None), Contact.erased_at.is_(None), known
    )
    return ~reached


async def foretell(session: AsyncSession, patience: Patience) -> Foretold:
    """`patience` may be one that nobody has kept."""
    counted = select(func.count()).select_from(Ticket)
    waiting = await session.scalar(counted.where(_of(patience), _waits)) or 0
    steps = {
        "remind": (patience.remind_days, reminding),
        "resolve": (patience.resolve_days, resolving),
        "close": (patience.close_days, closing),
    }
    found = {
        name: await session.scalar(counted.where(due(patience))) or 0
        for name, (days, due) in steps.items()
        if days is not None
    }
    written_to = [due(patience) for days, due in list(steps.values())[:2] if days is not None]
    oldest = await session.scalar(select(func.min(silence)).where(or_(*written_to))) if written_to else None
    return Foretold(waiting, oldest=oldest, **found)


def _silent(patience: Patience) -> ColumnElement[bool]:
    return and_(_of(patience), _waits, Ticket.reminded_at.is_(None))


def _of(patience: Patience) -> ColumnElement[bool]:
    return Ticket.inbox_id == patience.inbox_id


def _free() -> list[ColumnElement[bool]]:
    """Nobody but the customer has anything to do."""
    return [not_(third_party()), not_(leaving()), not_(undelivered()), not_(unreachable())]


def _since(patience: Patience, at: ColumnElement[datetime]) -> list[ColumnElement[bool]]:
    return [at >= patience.since] if patience.since else []


def _days(days: int | None) -> timedelta:
    return timedelta(days=days or 0)
