"""What is asked, and when: read with defaults, changed with an event."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import schedules
from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.macros.placeholders import names_in
from helpdesk.ratings import InboxSurvey, PromoterSurvey
from helpdesk.satisfaction.asking import QUIET
from helpdesk.schedules import Every, Schedule
from helpdesk.texts import written

LONGEST_WAIT = 30 * 24 * 60
"""Minutes."""
LONGEST_WORDS = 2_000
USUAL = Schedule(every=Every.week, days=(0, 1, 2, 3, 4), at="10:00")


class BadWait(Invalid):
    message = _("Ask at once, or up to 30 days after the ticket was resolved.")


class BadNumber(Invalid):
    message = _(
        "Days are from 0 to 730, for a recommendation from 1; people asked each time from 1 to 1,000."
    )


class TooLong(Invalid):
    message = _("The question has at most 2,000 characters.")


@dataclass(frozen=True)
class OfInbox:
    inbox: Inbox
    survey: InboxSurvey


async def of_inboxes(session: AsyncSession) -> Sequence[OfInbox]:
    """Every inbox that works, by name, with what it asks or would ask."""
    found = await session.execute(
        select(Inbox, InboxSurvey)
        .outerjoin(InboxSurvey, InboxSurvey.inbox_id == Inbox.id)
        .where(Inbox.active)
        .order_by(Inbox.name, Inbox.id)
    )
    return [OfInbox(inbox, survey or _unasked(inbox)) for inbox, survey in found.all()]


async def of_inbox(session: AsyncSession, inbox: Inbox) -> InboxSurvey:
    return await session.get(InboxSurvey, inbox.id) or _unasked(inbox)


async def of_desk(session: AsyncSession) -> PromoterSurvey:
    return await session.get(PromoterSurvey, 1) or PromoterSurvey(
        id=1,
        active=False,
        schedule=msgspec.to_builtins(USUAL),
        within_days=30,
        every_days=90,
        most=50,
        words="",
    )


async def arrange_inbox(
    session: AsyncSession,
    inbox: Inbox,
    *,
    by: Actor,
    active: bool,
    wait_minutes: int,
    quiet_days: int,
    words: str,
) -> InboxSurvey:
    """Raises BadWait, BadNumber, TooLong, and Unknown for a placeholder that is none."""
    if not 0 <= wait_minutes <= LONGEST_WAIT:
        raise BadWait
    _number(quiet_days, 0, 730)
    kept = await of_inbox(session, inbox)
    kept.wait_minutes, kept.quiet_days, kept.words = wait_minutes, quiet_days, _words(words)
    kept.since = (kept.since if kept.active else now()) if active else None
    kept.active = active
    session.add(kept)
    session.add(Event(Kind.surveys_changed, by=by, about=inbox, active=active, wait=wait_minutes))
    await session.flush()
    return kept


async def arrange_desk(
    session: AsyncSession,
    *,
    by: Actor,
    active: bool,
    schedule: Any,
    within_days: int,
    every_days: int,
    most: int,
    words: str,
) -> PromoterSurvey:
    """`schedule` as `helpdesk/schedules.py` reads it. Raises BadSchedule, BadNumber, TooLong, Unknown."""
    read = schedules.read(schedule)
    _number(within_days, 1, 730)
    _number(every_days, 1, 730)
    _number(most, 1, 1000)
    kept = await of_desk(session)
    kept.schedule, kept.words = msgspec.to_builtins(read), _words(words)
    kept.within_days, kept.every_days, kept.most = within_days, every_days, most
    kept.active, kept.next_at = active, read.after(now()) if active else None
    session.add(kept)
    session.add(Event(Kind.surveys_changed, by=by, active=active))
    await session.flush()
    return kept


def _unasked(inbox: Inbox) -> InboxSurvey:
    return InboxSurvey(inbox_id=inbox.id, active=False, wait_minutes=60, quiet_days=QUIET, words="")


def _words(given: str) -> str:
    words = written(given)
    if len(words) > LONGEST_WORDS:
        raise TooLong
    names_in(words)
    return words


def _number(given: int, least: int, most: int) -> None:
    if not least <= given <= most:
        raise BadNumber
