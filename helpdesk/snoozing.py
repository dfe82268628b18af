"""When sleeping tickets wake: times that are offered, times that are chosen, and waking those whose time has come."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import desk_now
from helpdesk.events import DESK
from helpdesk.tickets import NEXT_REPLY, BadTime, Ticket

MORNING = time(9)
LATER = timedelta(hours=3)
EVENING = 20  # o'clock, after which nobody comes back on the same day
MONDAY = 0


class Preset(StrEnum):
    later_today = "later_today"
    tomorrow = "tomorrow"
    next_week = "next_week"
    next_reply = "next_reply"


@dataclass(frozen=True)
class Offer:
    preset: Preset
    until: datetime


def offers(at: datetime, zone: tzinfo) -> list[Offer]:
    """What can be chosen at this moment in the agent's time zone; `later_today` only while the day lasts."""
    local = at.astimezone(zone)
    later = (at + LATER).astimezone(zone)
    later -= timedelta(minutes=later.minute % 30, seconds=later.second, microseconds=later.microsecond)
    today = (
        [Offer(Preset.later_today, later)] if later.date() == local.date() and later.hour < EVENING else []
    )
    tomorrow = local.date() + timedelta(days=1)
    monday = _next_monday(local.date())
    week = [] if monday == tomorrow else [Offer(Preset.next_week, _morning(monday, zone))]
    return [
        *today,
        Offer(Preset.tomorrow, _morning(tomorrow, zone)),
        *week,
        Offer(Preset.next_reply, NEXT_REPLY),
    ]


def chosen(words: str, at: datetime, zone: tzinfo) -> datetime:
    """A preset's name, or a local time as a browser's field gives it (`2026-03-29T09:00`); raises BadTime."""
    for offer in offers(at, zone):
        if offer.preset == words:
            return offer.until
    if words == Preset.next_week:  # offered on Saturday, pressed on Sunday
        return _morning(_next_monday(at.astimezone(zone).date()), zone)
    try:
        local = datetime.fromisoformat(words)
    except ValueError:
        raise BadTime from None
    return local if local.tzinfo else local.replace(tzinfo=zone)


async def wake_due(session: AsyncSession, limit: int = 200) -> int:
    """Wake whose time has come; returns how many. Safe to run by many at once."""
    query = (
        select(Ticket)
        .where(Ticket.snoozed_until <= desk_now())
        .order_by(Ticket.snoozed_until)
        .limit(limit)
        .with_for_update(skip_locked=True, key_share=True)
    )
    due = (await session.scalars(query)).all()
    for ticket in due:
        ticket.wake(by=DESK, because="time")
    return len(due)


async def next_waking(session: AsyncSession) -> datetime | None:
    return await session.scalar(
        select(func.min(Ticket.snoozed_until)).where(Ticket.snoozed_until < NEXT_REPLY)
    )


def _next_monday(day: date) -> date:
    return day + timedelta(days=(MONDAY - day.weekday()) % 7 or 7)


def _morning(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, MORNING, tzinfo=zone)
