"""Holidays out of an iCalendar file (RFC 5545): its events of whole days, recurring ones written out.

The file is a stranger's, so everything in it is bounded: recurrences by frequency, by the years that matter and
by the time that they take. Parsing is work for a thread.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.texts import clean

LARGEST = 2_000_000  # bytes
MOST = 5_000  # events of one feed
LONGEST = 4.0  # seconds for all of them
NAME = 200  # characters
DAYS_A_YEAR = 200
"""More closed days than this in the coming year are no holidays: somebody took the wrong calendar."""

_DAY = timedelta(days=1)
_EARLIEST = date(1970, 1, 1)
_FREQUENCIES = {"YEARLY", "MONTHLY", "WEEKLY", "DAILY"}
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"} | {
    f"BY{part}" for part in ("MONTH", "MONTHDAY", "DAY", "YEARDAY", "WEEKNO", "SETPOS")
}
_PLAIN = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY"}
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)


class NoCalendar(Invalid):
    message = _("What came is no iCal calendar. Its address usually ends in .ics.")


class TooMuch(Invalid):
    message = _("This calendar has more in it than holidays: too many events to go through.")


class TooOften(Invalid):
    message = _("This calendar would close most of the coming year. It is hardly one of holidays.")


@dataclass
class Feed:
    days: dict[date, str] = field(default_factory=dict)
    ignored: int = 0
    """Events of hours, and such that can't be read."""


def parsed(body: bytes, first: date, last: date, *, today: date) -> Feed:
    """The days from `first` to `last`. Raises NoCalendar, TooMuch, TooOften."""
    from icalendar import Calendar

    try:
        events = [
            event for calendar in Calendar.from_ical(body, multiple=True) for event in calendar.walk("VEVENT")
        ]
    except _BROKEN:
        raise NoCalendar from None
    if not body.rstrip().upper().endswith(b"END:VCALENDAR"):  # cut off, or something else altogether
        raise NoCalendar
    if len(events) > MOST:
        raise TooMuch
    feed, until = Feed(), monotonic() + LONGEST
    replaced = _replaced(events)
    for event in events:
        if monotonic() > until:
            raise TooMuch
        try:
            _enter(feed, event, replaced, first, last)
        except _BROKEN:
            feed.ignored += 1
    if sum(today <= day < today + 365 * _DAY for day in feed.days) > DAYS_A_YEAR:
        raise TooOften
    feed.days = dict(sorted(feed.days.items()))
    return feed


def _enter(feed: Feed, event: Any, replaced: set[tuple[str, date]], first: date, last: date) -> None:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    begins, length = _whole_days(event)
    if begins is None:
        feed.ignored += 1
        return
    name = _name(event)
    for day in _begins(event, begins, replaced, first - length, last):
        for n in range(max(length.days, 1)):
            if first <= (closed := day + n * _DAY) <= last:
                known = feed.days.get(closed, "")
                feed.days[closed] = known if name in known else f"{known}, {name}".lstrip(", ")[:NAME]


def _whole_days(event: Any) -> tuple[date | None, timedelta]:
    """The first day and how long; None where it is about hours. Some programs write midnights for days."""
    begins = event.decoded("DTSTART")
    ends = (
        event.decoded("DTEND") if "DTEND" in event else begins + event.decoded("DURATION", _default(begins))
    )
    if isinstance(begins, datetime):
        if (
            not isinstance(ends, datetime)
            or ends <= begins
            or any(at.time() != at.time().min for at in (begins, ends))
        ):
            return None, _DAY
        begins, ends = begins.date(), ends.date()
    length = min(max(ends - begins, _DAY), 400 * _DAY)
    return begins, length


def _default(begins: date) -> timedelta:
    return timedelta(0) if isinstance(begins, datetime) else _DAY


def _begins(
    event: Any, begins: date, replaced: set[tuple[str, date]], first: date, last: date
) -> Iterator[date]:
    """The first days of all its occurrences; of those in other years, those that fall in the stretch alone."""
    found = {begins} | set(_listed(event, "RDATE"))
    if "RECURRENCE-ID" not in event:
        for rule in _several(event.get("RRULE")):
            found |= set(_recurring(rule, begins, last))
        found -= {day for uid, day in replaced if uid == str(event.get("UID", ""))}
    found -= set(_listed(event, "EXDATE"))
    yield from sorted(day for day in found if first <= day <= last)


def _recurring(rule: Any, begins: date, last: date) -> Iterator[date]:
    """Hours and minutes of a rule have no say over whole days, and its end is ours.

    The library goes on to the year 9999 for a rule that nothing matches, so one that steps by the day must be
    plain; and an interval of nothing would keep it for ever.
    """
    from dateutil.rrule import rrulestr

    parts = {name: value for name, value in rule.items() if name.upper() in _PARTS}
    often = str(_joined(rule.get("FREQ"))).upper()
    picky = often == "DAILY" and any(name.upper() in _PARTS - _PLAIN for name in parts)
    if often not in _FREQUENCIES or picky or min(rule.get("INTERVAL", [1])) < 1 or begins < _EARLIEST:
        raise ValueError("a recurrence that no holiday has")
    ends = [_date(end) for end in parts.pop("UNTIL", [])]
    written = ";".join(f"{name}={_joined(value)}" for name, value in parts.items())
    until = datetime.combine(min([*ends, last]), datetime.min.time())
    start = datetime.combine(begins, datetime.min.time())
    for at in rrulestr(written, dtstart=start).xafter(start, inc=True):
        if at > until:
            return
        yield at.date()


def _replaced(events: Iterable[Any]) -> set[tuple[str, date]]:
    """Occurrences that an event of its own tells of."""
    found = set()
    for event in events:
        if "RECURRENCE-ID" in event:
            try:
                found.add((str(event.get("UID", "")), _date(event.decoded("RECURRENCE-ID"))))
            except _BROKEN:
                continue
    return found


def _listed(event: Any, name: str) -> Iterator[date]:
    for dates in _several(event.get(name)):
        yield from (_date(one.dt) for one in dates.dts)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _date(value: Any) -> date:
    if isinstance(value, tuple):  # a period
        value = value[0]
    return value.date() if isinstance(value, datetime) else value


def _joined(values: Any) -> str:
    return ",".join(str(value) for value in _several(values))


def _name(event: Any) -> str:
    return " ".join(clean(str(event.get("SUMMARY", ""))).split())[:NAME] or gettext("Closed")
