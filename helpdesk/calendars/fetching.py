"""Keeping holidays up to date: feeds are fetched when they are due, and the years ahead are written down.

A feed that can't be had, or is no calendar any more, leaves what it last said in force, and says why.
"""

import asyncio
from datetime import timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.calendars import feeds
from helpdesk.calendars.arranging import change, lay_out, window
from helpdesk.calendars.feeds import Feed
from helpdesk.calendars.rows import Calendar
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, HelpdeskError
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.outbound import Answer, Unreachable

EVERY = timedelta(hours=12)
AGAIN = timedelta(minutes=5)
"""After the first failure; twice as long after each further one, up to EVERY."""


class NoFeed(Conflict):
    message = _("This calendar has no feed.")


async def want(session: AsyncSession, calendar: Calendar, *, by: Actor) -> None:
    """Fetch its feed as soon as a worker can. Raises NoFeed."""
    if not calendar.feed_url:
        raise NoFeed
    calendar.feed_due_at = now()
    session.add(Event(Kind.calendar_feed_wanted, by=by, about=calendar))


async def subscribe(session: AsyncSession, calendar: Calendar, url: str, *, by: Actor) -> None:
    """From now on its holidays come from there as well; an empty address ends it, and its days go.

    The address was checked. Another address does not inherit what the one before it said.
    """
    if url == calendar.feed_url:
        return
    calendar.feed_etag, calendar.feed_trouble, calendar.feed_failures, calendar.feed_ignored = "", "", 0, 0
    calendar.feed_fetched_at, calendar.feed_due_at = None, None
    was, calendar.feed_url = calendar.feed_url, ""
    if was:
        await change(session, calendar, by=by)
    calendar.feed_url = url
    if url:
        await want(session, calendar, by=by)


async def is_due(session: AsyncSession) -> bool:
    """Whether `refresh` has anything to do."""
    return await session.scalar(select(Calendar.id).where(_due()).limit(1)) is not None


async def refresh(desk: Desk) -> int:
    """Everything that is due, one calendar after the other; returns how many were gone through.

    Each is committed alone: killed in the middle, the next run does the rest.
    """
    async with desk.sessions() as session:
        ids = (await session.scalars(select(Calendar.id).where(_due()).order_by(Calendar.id))).all()
    for calendar_id in ids:
        async with committed(desk.sessions) as session:
            if calendar := await _locked(session, calendar_id):
                await change(session, calendar, by=DESK)
        await _feed(desk, calendar_id)
    return len(ids)


def _due() -> ColumnElement[bool]:
    at = now()
    return or_(
        Calendar.laid_out_on.is_(None),
        Calendar.laid_out_on < at.date() - timedelta(days=1),
        Calendar.feed_due_at <= at,
    )


async def _feed(desk: Desk, calendar_id: int) -> None:
    """No transaction waits for the other side; what it was asked for may be another feed by then."""
    async with desk.sessions() as session:
        calendar = await session.get(Calendar, calendar_id)
    if (
        calendar is None
        or not calendar.feed_url
        or calendar.feed_due_at is None
        or calendar.feed_due_at > now()
    ):
        return
    try:
        answer = await _asked(desk, calendar)
        feed = None if answer.status == 304 else await _read(answer, calendar)
    except HelpdeskError as error:
        await _failed(desk, calendar, str(error))
    else:
        await _taken(desk, calendar, answer.headers.get("etag", ""), feed)


async def _asked(desk: Desk, calendar: Calendar) -> Answer:
    headers = {"accept": "text/calendar, */*;q=0.1"}
    if calendar.feed_etag:
        headers["if-none-match"] = calendar.feed_etag
    answer = await desk.outbound.ask("GET", calendar.feed_url, headers=headers, largest=feeds.LARGEST)
    if answer.status == 304 and calendar.feed_etag:
        return answer
    if answer.status != 200:
        words = gettext(
            "It answered %(status)s. Is the address still right, and may it be read without signing in?"
        )
        raise Unreachable(words % {"status": answer.status})
    return answer


async def _read(answer: Answer, calendar: Calendar) -> Feed:
    today = now().astimezone(calendar.zone).date()
    return await asyncio.to_thread(feeds.parsed, answer.body, *window(today), today=today)


async def _failed(desk: Desk, asked: Calendar, why: str) -> None:
    async with committed(desk.sessions) as session:
        if calendar := await _same(session, asked):
            calendar.feed_failures += 1
            calendar.feed_trouble = why[:500]
            calendar.feed_due_at = now() + min(AGAIN * 2 ** min(calendar.feed_failures - 1, 10), EVERY)


async def _taken(desk: Desk, asked: Calendar, etag: str, feed: Feed | None) -> None:
    """`feed` is None where it says what it said before."""
    async with committed(desk.sessions) as session:
        if not (calendar := await _same(session, asked)):
            return
        calendar.feed_trouble, calendar.feed_failures = "", 0
        calendar.feed_fetched_at, calendar.feed_due_at = now(), now() + EVERY
        if feed is None:
            return
        calendar.feed_etag, calendar.feed_ignored = etag[:200], feed.ignored
        if await lay_out(session, calendar, feed.days):
            session.add(
                Event(Kind.calendar_changed, by=DESK, about=calendar, fields=["holidays"], reckoned=True)
            )


async def _same(session: AsyncSession, asked: Calendar) -> Calendar | None:
    """The calendar, locked, while it still wants this feed."""
    calendar = await _locked(session, asked.id)
    return calendar if calendar and calendar.feed_url == asked.feed_url else None


async def _locked(session: AsyncSession, calendar_id: int) -> Calendar | None:
    return await session.get(Calendar, calendar_id, with_for_update=True)
