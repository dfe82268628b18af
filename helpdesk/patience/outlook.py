"""What the desk will do with one ticket by itself if its customer stays silent, when, and what keeps it from that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.hours import NeverOpen
from helpdesk.inboxes import Inbox
from helpdesk.patience import silence
from helpdesk.patience.rows import Patience
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket


class Step(StrEnum):
    remind = "remind"
    resolve = "resolve"
    close = "close"


class Stays(StrEnum):
    """Why nothing happens by itself, although it would be time some day."""

    left_alone = "left_alone"
    third_party = "third_party"
    leaving = "leaving"
    undelivered = "undelivered"
    unreachable = "unreachable"
    inbox_off = "inbox_off"
    inbox_in_trouble = "inbox_in_trouble"
    never_open = "never_open"


@dataclass(frozen=True)
class Outlook:
    step: Step
    at: datetime | None
    """None where it stays as it is."""
    stays: Stays | None = None


REASONS: dict[Stays, Callable[[], ColumnElement[bool]]] = {
    Stays.third_party: silence.third_party,
    Stays.leaving: silence.leaving,
    Stays.undelivered: silence.undelivered,
    Stays.unreachable: silence.unreachable,
}


def facts(ticket_id: int | ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    """What `read` needs besides the ticket, in one row; none where nothing can be ahead."""
    stays = case(*((holds(), reason.value) for reason, holds in REASONS.items()), else_=None)
    return (
        select(
            Patience.remind_days,
            Patience.resolve_days,
            Patience.close_days,
            Patience.since,
            Inbox.active,
            (Inbox.trouble != "").label("in_trouble"),
            Calendar.time_zone,
            Calendar.week,
            Calendar.holidays,
            stays.label("stays"),
        )
        .select_from(Ticket)
        .join(Patience, Patience.inbox_id == Ticket.inbox_id)
        .join(Inbox, Inbox.id == Ticket.inbox_id)
        .outerjoin(Calendar, Calendar.id == Patience.calendar_id)
        .where(
            Ticket.id == ticket_id,
            Ticket.category.in_([Category.waiting, Category.resolved]),
            Ticket.removed.is_(None),
            Ticket.snoozed_until.is_(None),
        )
    )


async def look_ahead(session: AsyncSession, ticket: Ticket) -> Outlook | None:
    """None where nothing is ahead: it waits for somebody else, or its inbox does nothing by itself."""
    found = (await session.execute(facts(ticket.id))).mappings().one_or_none()
    return read(ticket, dict(found)) if found else None


def read(ticket: Ticket, found: Mapping[str, Any]) -> Outlook | None:
    """`found` is the row of `facts`, from a statement or out of JSON."""
    ahead, since = _ahead(ticket, found), _instant(found["since"])
    if ahead is None or (since and ahead.since < since):
        return None
    if stays := _stays(ticket, found, ahead.step):
        return Outlook(ahead.step, None, stays)
    try:
        return Outlook(ahead.step, _opening(ahead, found))
    except NeverOpen:
        return Outlook(ahead.step, None, Stays.never_open)


@dataclass(frozen=True)
class _Ahead:
    step: Step
    since: datetime
    """When the silence began, or it was resolved."""
    at: datetime


def _ahead(ticket: Ticket, found: Mapping[str, Any]) -> _Ahead | None:
    if ticket.category is Category.resolved:
        since = ticket.resolved_at or ticket.last_message_at
        return _after(Step.close, since, since, found["close_days"])
    if ticket.category is not Category.waiting:
        return None
    since = ticket.silent_since or ticket.last_message_at
    if ticket.reminded_at:
        return _after(Step.resolve, since, ticket.reminded_at, found["resolve_days"])
    if found["remind_days"] is not None:
        return _after(Step.remind, since, since, found["remind_days"])
    return _after(Step.resolve, since, since, found["resolve_days"])


def _after(step: Step, since: datetime, start: datetime, days: int | None) -> _Ahead | None:
    return None if days is None else _Ahead(step, since, start + timedelta(days=days))


def _opening(ahead: _Ahead, found: Mapping[str, Any]) -> datetime:
    """Not before now, and where something may be written to the customer, not before the inbox's hours."""
    at = max(ahead.at, now())
    if ahead.step is Step.close or found["time_zone"] is None:
        return at
    calendar = Calendar(
        time_zone=found["time_zone"], week=found["week"], holidays=list(found["holidays"] or ())
    )
    return calendar.hours.next_opening(at)


def _stays(ticket: Ticket, found: Mapping[str, Any], step: Step) -> Stays | None:
    if ticket.left_alone_at:
        return Stays.left_alone
    if not found["active"]:
        return Stays.inbox_off
    if found["in_trouble"]:
        return Stays.inbox_in_trouble
    return Stays(found["stays"]) if found["stays"] and step is not Step.close else None


def _instant(given: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(given) if isinstance(given, str) else given
