"""Something that comes round again, in words: `every weekday at 08:30`, and what its form offers."""

from datetime import time

from babel.dates import get_day_names
from babel.lists import format_list

from helpdesk.i18n import gettext
from helpdesk.schedules import Every, Schedule

WEEKDAYS = tuple(range(5))
WEEK = tuple(range(7))


def in_words(schedule: Schedule, locale: str = "en") -> str:
    at = time.fromisoformat(schedule.at).strftime("%H:%M")
    zone = schedule.zone.rpartition("/")[2].replace("_", " ")
    return gettext("%(days)s at %(time)s (%(zone)s)") % {
        "days": _days(schedule, locale),
        "time": at,
        "zone": zone,
    }


def _days(schedule: Schedule, locale: str) -> str:
    days = schedule.days
    match schedule.every:
        case Every.day:
            return gettext("every day")
        case Every.week if days == WEEK:
            return gettext("every day")
        case Every.week if days == WEEKDAYS:
            return gettext("every weekday")
        case Every.week:
            names = day_names(locale)
            return gettext("every %(days)s") % {"days": _listed([names[day] for day in days], locale)}
    return gettext("every month on the %(days)s") % {"days": _listed([f"{day}." for day in days], locale)}


def day_names(locale: str = "en", *, short: bool = False) -> list[str]:
    """From Monday."""
    named = get_day_names("abbreviated" if short else "wide", "stand-alone", locale or "en")
    return [named[day] for day in WEEK]


def _listed(words: list[str], locale: str) -> str:
    return format_list(words, locale=locale or "en")


def everies() -> list[tuple[str, str]]:
    return [
        (Every.day.value, gettext("Every day")),
        (Every.week.value, gettext("On days of the week")),
        (Every.month.value, gettext("On days of the month")),
    ]
