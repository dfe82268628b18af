"""What the forms of a calendar bring, and what its pages say of times and days, each in the calendar's own zone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Annotated, Any, Literal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from litestar import Request
from msgspec import Meta

from helpdesk.calendars import Calendar, Holiday, public
from helpdesk.calendars.week import DAYS, OFFICE, Week, whole
from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.hours import NeverOpen
from helpdesk.i18n import Text, _, gettext
from web.forms import Fields

YEAR = timedelta(days=366)
CATEGORIES: dict[str, Text] = {
    "public": _("Public holidays"),
    "bank": _("Bank holidays"),
    "government": _("Of public offices"),
    "school": _("Of schools"),
    "half_day": _("Half days, closed all day here"),
    "optional": _("Optional"),
    "unofficial": _("Unofficial"),
    "workday": _("Kept on working days"),
    "catholic": _("Catholic"),
    "protestant": _("Protestant"),
    "orthodox": _("Orthodox"),
    "christian": _("Christian"),
    "islamic": _("Islamic"),
    "hebrew": _("Hebrew"),
    "hindu": _("Hindu"),
}
"""Kinds that the library tells apart; another one is shown by its own name."""
_HOURS = re.compile(r"hours-([0-6])-(\d{1,3})-(from|until)", re.ASCII)


class CalendarForm(Fields):
    name: Annotated[str, Meta(max_length=200)]
    time_zone: Annotated[str, Meta(max_length=80)]
    copy: Literal["", "weekdays", "all"] = ""
    country: Annotated[str, Meta(max_length=10)] = ""


class PublicForm(Fields):
    country: Annotated[str, Meta(max_length=10)] = ""
    subdivision: Annotated[str, Meta(max_length=80)] = ""
    language: Annotated[str, Meta(max_length=20)] = ""
    shown: Annotated[str, Meta(max_length=10)] = ""
    """The country to which the parts, kinds and names in the form belong."""


class OwnForm(Fields):
    day: Annotated[str, Meta(max_length=10)]
    name: Annotated[str, Meta(max_length=200)] = ""
    yearly: Literal["", "true"] = ""


class FeedForm(Fields):
    feed_url: Annotated[str, Meta(max_length=2_000)] = ""


@dataclass(frozen=True)
class State:
    """Whether somebody is there, and what comes next."""

    is_open: bool
    until: datetime | None
    """When that changes; None where it does not within a year."""


def state(calendar: Calendar) -> State:
    at = now()
    if calendar.hours.is_open(at):
        _begin, end = next(calendar.hours.openings(at, at + YEAR))
        return State(True, end if end < at + YEAR else None)
    try:
        return State(False, calendar.hours.next_opening(at))
    except NeverOpen:
        return State(False, None)


async def week(request: Request[Any, Any, Any], copy: str) -> Week:
    """As the grid of weekdays was filled in, Monday copied where that was asked for. Raises Invalid."""
    found: dict[int, dict[int, dict[str, str]]] = {}
    form = await request.form()
    for key in form:
        if place := _HOURS.fullmatch(key):
            interval = found.setdefault(int(place[1]), {}).setdefault(int(place[2]), {})
            interval[place[3]] = str(form[key]).strip()
    days = {day: list(_filled(day, intervals)) for day, intervals in found.items()}
    if copy:
        days |= dict.fromkeys(range(1, 5 if copy == "weekdays" else 7), days.get(0, []))
    return whole(days)


def _filled(day: int, intervals: Mapping[int, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    for _place, interval in sorted(intervals.items()):
        begin, end = interval.get("from", ""), interval.get("until", "")
        if bool(begin) != bool(end):
            words = gettext("Give both times of each interval of %(day)s, or neither.")
            raise Invalid(words % {"day": DAYS[day]})
        if begin:
            yield begin, end


def grid(of: Week | None) -> list[tuple[Text, list[tuple[str, str]]]]:
    """Weekday → intervals as a browser's time fields take them: midnight at the end is 00:00."""
    given = OFFICE if of is None else of
    return [
        (words, [(begin, "00:00" if end == "24:00" else end) for begin, end in given.get(str(day), [])])
        for day, words in enumerate(DAYS)
    ]


def months(holidays: list[Holiday], locale: str) -> list[tuple[str, list[tuple[str, list[Holiday]]]]]:
    """Closed days by month and day, in words; one day may have several names."""
    by_day = [(day, list(rows)) for day, rows in groupby(holidays, key=lambda row: row.day)]
    return [
        (
            format_date(date(year, month, 1), "LLLL y", locale=locale),
            [(format_date(day, "EEE d", locale=locale), rows) for day, rows in days],
        )
        for (year, month), days in groupby(by_day, key=lambda each: (each[0].year, each[0].month))
    ]


def own_days(calendar: Calendar, locale: str) -> list[tuple[str, str, str]]:
    """The day as it is stored, in words, and its name."""
    found = []
    for entry in calendar.own_holidays or ():
        day = str(entry["day"])
        yearly = len(day) == 5
        on = date.fromisoformat(f"2024-{day}" if yearly else day)
        words = format_date(on, "d MMMM" if yearly else "EEE d MMMM y", locale=locale)
        found.append((day, words, str(entry.get("name") or gettext("Closed"))))
    return found


def said(at: datetime, calendar: Calendar, locale: str) -> str:
    """`Mon 30 Nov, 09:00`, by the calendar's own clock."""
    local = at.astimezone(calendar.zone)
    clock = format_time(local, "HH:mm" if locale != "en_US" else "short", locale=locale)
    today = local.date() == now().astimezone(calendar.zone).date()
    return clock if today else f"{format_date(local, 'EEE d MMM', locale=locale)}, {clock}"


@cache
def countries(locale: str) -> list[tuple[str, str]]:
    names = Locale.parse(locale, sep="_").territories
    return sorted(((code, names.get(code, code)) for code in public.countries()), key=lambda each: each[1])


@cache
def languages(country: str, locale: str) -> list[tuple[str, str]]:
    return [(tag, _language(tag, locale)) for tag in public.kept(country).languages]


def _language(tag: str, locale: str) -> str:
    try:
        return Locale.parse(tag).get_display_name(Locale.parse(locale, sep="_")) or tag
    except (UnknownLocaleError, ValueError):  # the library speaks more languages than CLDR
        return tag


def categories(country: str) -> list[tuple[str, Text | str]]:
    return [(tag, CATEGORIES.get(tag, tag.replace("_", " "))) for tag in public.kept(country).categories]


def regions(country: str, locale: str) -> dict[str, Any]:
    """What can be chosen of a country's holidays, for the template."""
    if not country:
        return {"country": "", "areas": [], "kinds": [], "tongues": []}
    known = public.kept(country)
    return {
        "country": country,
        "areas": known.subdivisions,
        "kinds": categories(country),
        "tongues": languages(country, locale) if len(known.languages) > 1 else [],
    }
