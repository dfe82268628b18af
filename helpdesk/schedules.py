"""When something comes round again: on certain days, at a time of the day where somebody lives.

A closed language of its own, small enough to be read aloud; rules, surveys and reports that are sent speak it.
"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from helpdesk.errors import Invalid
from helpdesk.i18n import _


class Every(StrEnum):
    day = "day"
    week = "week"
    month = "month"


class BadSchedule(Invalid):
    message = _("Choose at least one day, a time of the day and a time zone that exists.")


class Schedule(msgspec.Struct, frozen=True, omit_defaults=True):
    """`{"every": "week", "days": [0, 4], "at": "08:30", "zone": "Europe/Berlin"}`.

    `days`: of the week from Monday 0, of the month from 1; the 31st is the last day of a shorter one. A time that
    a clock skips in spring is taken as the clock had gone on; one that comes twice in autumn is the first.
    """

    every: Every = Every.day
    days: Annotated[tuple[int, ...], Meta(max_length=31)] = ()
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "08:00"
    zone: Annotated[str, Meta(max_length=64)] = "UTC"

    def after(self, instant: datetime) -> datetime:
        """The next time that it comes round, later than `instant`; UTC."""
        zone = ZoneInfo(self.zone)
        day = instant.astimezone(zone).date()
        while True:  # within 32 days: every month has a last day
            if self.falls_on(day):
                at = datetime.combine(day, time.fromisoformat(self.at), zone).astimezone(ZoneInfo("UTC"))
                if at > instant:
                    return at
            day += timedelta(days=1)

    def falls_on(self, day: date) -> bool:
        match self.every:
            case Every.day:
                return True
            case Every.week:
                return day.weekday() in self.days
        last = (day + timedelta(days=1)).month != day.month
        return day.day in self.days or (last and any(each > day.day for each in self.days))


def read(given: object) -> Schedule:
    """From JSON as objects, or a form that made such; raises BadSchedule."""
    try:
        found = msgspec.convert(given, Schedule)
        ZoneInfo(found.zone)
    except (msgspec.ValidationError, KeyError, ValueError, OSError):
        raise BadSchedule from None
    allowed = {Every.day: range(0), Every.week: range(7), Every.month: range(1, 32)}[found.every]
    if any(day not in allowed for day in found.days) or (found.every is not Every.day and not found.days):
        raise BadSchedule
    return msgspec.structs.replace(found, days=tuple(sorted(set(found.days))))
