"""How calendars change: by hand, and because another year begins. Every change that counts is an event.

Whoever has to reckon anew listens for `Kind.calendar_changed`: `data["fields"]` names what is other than before,
and `data["reckoned"]` says whether anything opens or closes at other times than it did.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.calendars import public
from helpdesk.calendars.rows import Calendar, Holiday, Source
from helpdesk.calendars.week import Week
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.outbound import Policy as Way
from helpdesk.texts import clean

BACK, AHEAD = 1, 2
"""Calendar years before and after this one for which holidays are written down."""
MOST_OWN = 200
NAME = 200
_YEARLY = re.compile(r"(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", re.ASCII)
_DAY = timedelta(days=1)
NOWHERE = {"localtime", "Factory"}
"""What the list of zones has besides zones: whatever this machine is set to, and nothing."""

Days = Mapping[date, str]


class Nameless(Invalid):
    message = _("A calendar needs a name.")


class NameTaken(Conflict):
    message = _("There is a calendar with this name already.")


class NoSuchZone(Invalid):
    message = _("This is no time zone. Type a city, such as Berlin, and choose from the list.")


class InUse(Conflict):
    """Names what uses it."""


async def name(session: AsyncSession, calendar: Calendar, given: str) -> None:
    """Raises Nameless, NameTaken."""
    if not (wanted := " ".join(clean(given).split())[:NAME]):
        raise Nameless
    with session.no_autoflush:
        same = func.lower(Calendar.name) == wanted.lower()
        if await session.scalar(select(Calendar.id).where(same, Calendar.id.is_distinct_from(calendar.id))):
            raise NameTaken
    calendar.name = wanted


async def rename(session: AsyncSession, calendar: Calendar, given: str, *, by: Actor) -> None:
    """Raises what `name` does."""
    was = calendar.name
    await name(session, calendar, given)
    if calendar.name != was:
        session.add(Event(Kind.calendar_changed, by=by, about=calendar, fields=["name"], reckoned=False))


async def made(
    session: AsyncSession, *, named: str, time_zone: str, week: Week, country: str = "", by: Actor
) -> Calendar:
    """A new one, its holidays written down. Raises what `name` does, NoSuchZone, NoSuchCountry."""
    calendar = Calendar(time_zone=known_zone(time_zone), week=week, country=country)
    await name(session, calendar, named)
    session.add(calendar)
    await session.flush()
    await lay_out(session, calendar)
    session.add(Event(Kind.calendar_changed, by=by, about=calendar, fields=["created"], reckoned=True))
    return calendar


async def change(session: AsyncSession, calendar: Calendar, *, by: Actor, **values: Any) -> bool:
    """Columns and what they are to hold; returns whether anything is other than before.

    Holidays are written down anew where they may have changed. The calendar is locked.
    """
    was = (calendar.time_zone, calendar.week, list(calendar.holidays or ()))
    fields = sorted(column for column, value in values.items() if getattr(calendar, column) != value)
    for column in fields:
        setattr(calendar, column, values[column])
    laid_out = await lay_out(session, calendar)
    if not fields and not laid_out:
        return False
    await session.flush()
    reckoned = was != (calendar.time_zone, calendar.week, calendar.holidays)
    changed = fields or ["holidays"]
    session.add(Event(Kind.calendar_changed, by=by, about=calendar, fields=changed, reckoned=reckoned))
    return True


def known_zone(given: str) -> str:
    """The zone as it is called; a city alone will do where only one zone is named after it. Raises NoSuchZone."""
    asked = given.strip().replace(" ", "_").casefold()
    zones = available_timezones() - NOWHERE
    found = [zone for zone in zones if zone.casefold() == asked]
    found = found or [zone for zone in zones if asked and zone.casefold().endswith(f"/{asked}")]
    if len(found) != 1:
        raise NoSuchZone
    return found[0]


def own(given: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """From pairs of a day and a name; a day is a date, or a month and a day of every year. Raises Invalid."""
    found: dict[str, str] = {}
    for day, named in given:
        day = day.strip()
        if not _is_day(day):
            words = gettext("“%(day)s” is no day. Write 2026-12-28, or 12-24 for every year.")
            raise Invalid(words % {"day": day[:20]})
        found[day] = " ".join(clean(named).split())[:NAME]
    if len(found) > MOST_OWN:
        raise Invalid(gettext("These are more than %(most)s days.") % {"most": MOST_OWN})
    return [{"day": day, "name": found[day]} for day in sorted(found, key=lambda day: (len(day), day))]


def feed_address(given: str, way: Way) -> str:
    """As programs offer it, `webcal:` included. Raises NotAllowed in words where the desk may not call it."""
    url = clean(given).strip()
    if url.lower().startswith(("webcal://", "webcals://")):
        url = f"https://{url.partition('://')[2]}"
    if url:
        way.check(url)
    return url


async def lay_out(session: AsyncSession, calendar: Calendar, feed: Days | None = None) -> bool:
    """Write its holidays down by day, for the years around; returns whether a day was added or taken away.

    Without `feed` the feed's days stay as they are. Days of earlier years stay, since what was due then was due.
    """
    today = now().astimezone(calendar.zone).date()
    first, last = date(today.year - BACK, 1, 1), date(today.year + AHEAD, 12, 31)
    wanted = {(Source.own, day): named for day, named in _own_days(calendar, first, last).items()}
    wanted |= {(Source.public, day): named for day, named in _public_days(calendar, today.year).items()}
    sources = [Source.own, Source.public]
    if feed is not None or not calendar.feed_url:
        wanted |= {(Source.feed, day): named for day, named in (feed or {}).items()}
        sources.append(Source.feed)
    kept = await _written(session, calendar, sources, first)
    for (source, day), named in wanted.items():
        if (row := kept.pop((source, day), None)) is None:
            session.add(Holiday(calendar_id=calendar.id, source=source, day=day, name=named))
        else:
            row.name = named
    if kept:
        await session.execute(delete(Holiday).where(Holiday.id.in_([row.id for row in kept.values()])))
    await session.flush()
    closed = await session.scalars(
        select(Holiday.day).where(Holiday.calendar_id == calendar.id).distinct().order_by(Holiday.day)
    )
    calendar.laid_out_on, days = today, [day.isoformat() for day in closed]
    changed = days != (calendar.holidays or [])
    if changed:
        calendar.holidays = days
    return changed


async def _written(
    session: AsyncSession, calendar: Calendar, sources: list[Source], first: date
) -> dict[tuple[Source, date], Holiday]:
    rows = await session.scalars(
        select(Holiday).where(
            Holiday.calendar_id == calendar.id, Holiday.source.in_(sources), Holiday.day >= first
        )
    )
    return {(row.source, row.day): row for row in rows}


def window(today: date) -> tuple[date, date]:
    """The days for which a feed is asked."""
    return date(today.year - BACK, 1, 1), date(today.year + AHEAD, 12, 31)


def _own_days(calendar: Calendar, first: date, last: date) -> dict[date, str]:
    found: dict[date, str] = {}
    for entry in calendar.own_holidays or ():
        day, named = str(entry["day"]), str(entry.get("name") or gettext("Closed"))
        written = [day] if len(day) > 5 else [f"{year}-{day}" for year in range(first.year, last.year + 1)]
        for each in written:
            try:
                found[date.fromisoformat(each)] = named
            except ValueError:  # the 29th of February of a year that has none
                continue
    return found


def _public_days(calendar: Calendar, year: int) -> dict[date, str]:
    if not calendar.country:
        return {}
    years = range(year - BACK, year + AHEAD + 1)
    days = public.days(calendar.country, calendar.subdivision, calendar.categories, calendar.language, years)
    return {day: named for day, named in days.items() if named not in calendar.worked}


def _is_day(text: str) -> bool:
    if _YEARLY.fullmatch(text):
        text = f"2024-{text}"  # a leap year: the 29th of February is a day of some years
    try:
        return len(text) == 10 and date.fromisoformat(text).year >= 1970
    except ValueError:
        return False


async def closed_days(session: AsyncSession, calendar: Calendar, first: date, last: date) -> list[Holiday]:
    """Those from `first` to `last`, by day and source."""
    order = list(Source)
    rows = await session.scalars(
        select(Holiday).where(Holiday.calendar_id == calendar.id, Holiday.day.between(first, last))
    )
    return sorted(rows, key=lambda row: (row.day, order.index(row.source)))


async def users(session: AsyncSession) -> dict[int, list[tuple[int, str]]]:
    """By calendar: id and name of the policies that count by it."""
    from helpdesk.sla import Policy

    found: dict[int, list[tuple[int, str]]] = {}
    query = select(Policy.calendar_id, Policy.id, Policy.name).order_by(Policy.position, Policy.id)
    for calendar_id, policy_id, named in await session.execute(query):
        found.setdefault(calendar_id, []).append((policy_id, named))
    return found


async def used_by(session: AsyncSession, calendar_id: int) -> list[tuple[int, str]]:
    """Id and name of the policies that count by it."""
    from helpdesk.sla import Policy

    query = select(Policy.id, Policy.name).where(Policy.calendar_id == calendar_id).order_by(Policy.position)
    return [(row.id, row.name) for row in await session.execute(query)]


async def remove(session: AsyncSession, calendar: Calendar, *, by: Actor) -> None:
    """Raises InUse."""
    if users := [*await used_by(session, calendar.id), *await _kept_by(session, calendar.id)]:
        words = gettext("These still count by this calendar: %(names)s. Give them another one first.")
        raise InUse(words % {"names": ", ".join(named for _id, named in users)})
    session.add(Event(Kind.calendar_changed, by=by, about=calendar, fields=["removed"], reckoned=False))
    await session.delete(calendar)


async def _kept_by(session: AsyncSession, calendar_id: int) -> list[tuple[int, str]]:
    """Id and name of the inboxes that write to silent customers in its hours."""
    from helpdesk.inboxes import Inbox
    from helpdesk.patience import Patience

    query = select(Inbox.id, Inbox.name).join(Patience, Patience.inbox_id == Inbox.id)
    query = query.where(Patience.calendar_id == calendar_id).order_by(Inbox.id)
    return [(row.id, row.name) for row in await session.execute(query)]
