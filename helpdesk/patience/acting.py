"""Reminding, resolving and closing what is due: one transaction a batch, each ticket once, whoever else is at it.

An inbox's row is locked while one worker takes its steps, and the tickets are taken as they are found unlocked; what
a killed worker had begun was never committed. The pace is kept on the row: a step moves `paced_at` on by one beat,
and nothing is done beyond the present moment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.clock import now
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.macros.placeholders import without_gaps
from helpdesk.macros.using import filled_in
from helpdesk.patience.rows import Patience
from helpdesk.patience.silence import closing, reminding, resolving, settling, silence
from helpdesk.people import Contact
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

BATCH = 50  # tickets closed in one transaction: whoever writes to one of them waits for its end
WRITING = 50  # tickets written to in one transaction
BURST = timedelta(minutes=1)
"""How much of the pace is made up for after a pause: the hours in which an inbox is closed are not."""

_all_read = text("NOT EXISTS (SELECT FROM kept WHERE kept.inbox_id = inbox.id AND kept.state = 'kept')")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Done:
    reminded: int = 0
    resolved: int = 0
    closed: int = 0

    @property
    def any(self) -> bool:
        return bool(self.reminded or self.resolved or self.closed)


async def due_inboxes(session: AsyncSession) -> Sequence[int]:
    """Those that do something by themselves and work: customers who can't be heard have not fallen silent."""
    query = select(Patience).join(Inbox, Inbox.id == Patience.inbox_id)
    query = query.where(Inbox.active, Inbox.trouble == "", _all_read).order_by(Patience.inbox_id)
    return [patience.inbox_id for patience in await session.scalars(query) if patience.acts]


async def act(session: AsyncSession, inbox_id: int) -> Done:
    """One batch of each step; nothing where another worker is at this inbox."""
    patience = await session.scalar(
        select(Patience)
        .where(Patience.inbox_id == inbox_id)
        .options(joinedload(Patience.calendar))
        .with_for_update(of=Patience, skip_locked=True)
    )
    if patience is None:
        return Done()
    resolved = reminded = 0
    room = _room(patience)
    if patience.resolve_days is not None and room:
        resolved = await _resolve(session, patience, room)
    if patience.remind_days is not None and room > resolved:
        reminded = await _remind(session, patience, room - resolved)
    if resolved or reminded:
        start = max(patience.paced_at or now() - BURST, now() - BURST)
        patience.paced_at = start + patience.beat * (resolved + reminded)
    closed = await _close(session, patience) if patience.close_days is not None else 0
    return Done(reminded, resolved, closed)


def _room(patience: Patience) -> int:
    """How many customers may be written to now."""
    if patience.calendar and not patience.calendar.hours.is_open(now()):
        return 0
    free = now() - max(patience.paced_at or now() - BURST, now() - BURST)
    return min(max(1, free // patience.beat) if free >= timedelta(0) else 0, WRITING)


async def _remind(session: AsyncSession, patience: Patience, most: int) -> int:
    done = 0
    for ticket in await _taken(session, reminding(patience), silence, most):
        body = await _words(session, patience.remind_text, ticket)
        days = _days(ticket.silent_since or ticket.last_message_at)
        done += await _stepped(session, ticket, partial(Ticket.remind, body=body, days=days, by=DESK))
    return done


async def _resolve(session: AsyncSession, patience: Patience, most: int) -> int:
    done = 0
    for ticket in await _taken(session, resolving(patience), silence, most):
        body = await _words(session, patience.resolve_text, ticket)
        since = ticket.reminded_at or ticket.silent_since or ticket.last_message_at
        because = {"silent": _days(since), "reminded": ticket.reminded_at is not None}
        done += await _stepped(session, ticket, partial(_resolved, body=body, because=because))
    return done


def _resolved(ticket: Ticket, body: str, because: dict[str, Any]) -> None:
    if body:
        ticket.announce(body, by=DESK)
    ticket.resolve(by=DESK, because=because)


async def _close(session: AsyncSession, patience: Patience) -> int:
    done = 0
    for ticket in await _taken(session, closing(patience), settling, BATCH):
        because = {"resolved": _days(ticket.resolved_at or ticket.last_message_at)}
        done += await _stepped(session, ticket, partial(Ticket.close, by=DESK, because=because))
    return done


async def _taken(
    session: AsyncSession, due: ColumnElement[bool], order: ColumnElement[datetime], most: int
) -> Sequence[Ticket]:
    """The oldest of what is due, with what verbs and texts need, locked; what others hold is left to them."""
    query = (
        select(Ticket)
        .where(due)
        .order_by(order, Ticket.id)
        .limit(most)
        .options(
            selectinload(Ticket.clocks),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            joinedload(Ticket.contact).selectinload(Contact.identities),
            joinedload(Ticket.assignee),
            joinedload(Ticket.inbox),
            joinedload(Ticket.team),
        )
        .with_for_update(of=Ticket, key_share=True, skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def _words(session: AsyncSession, body: str, ticket: Ticket) -> str:
    return (await filled_in(session, without_gaps(body), ticket, ticket.assignee)).text if body else ""


async def _stepped(session: AsyncSession, ticket: Ticket, step: Callable[[Ticket], object]) -> int:
    """One that can't be done holds up no other: the desk leaves it alone, and says so."""
    number = ticket.number
    try:
        async with session.begin_nested():
            step(ticket)
        return 1
    except DBAPIError:  # nothing to do with this ticket: all of it is done again
        raise
    except Exception:
        log.exception("silent ticket left alone", ticket=number)
        await session.refresh(ticket)
        ticket.leave_alone(by=DESK, because="failed")
        return 0


def _days(since: datetime) -> int:
    """As they really were: what goes by a pace comes later than its terms say."""
    return (now() - since).days
