"""Days that are looked at, in the zone of whoever looks: a day has 23 or 25 hours where clocks are set."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _

LONGEST = 10 * 366  # days


class BadPeriod(Invalid):
    message = _("Choose a first and a last day, at most ten years apart, and a time zone that exists.")


class Compare(StrEnum):
    none = "none"
    previous = "previous"
    year = "year"


class Period(msgspec.Struct, frozen=True):
    """From the beginning of `begin` to the end of `end`: both days count."""

    begin: date
    end: date
    zone: Annotated[str, Meta(max_length=64)] = "UTC"

    @property
    def since(self) -> datetime:
        return self.midnight(self.begin)

    @property
    def until(self) -> datetime:
        """The first instant that does not count any more."""
        return self.midnight(self.end + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.end - self.begin).days + 1

    def midnight(self, day: date) -> datetime:
        """When this day begins; the first instant there is where clocks skip midnight."""
        return datetime.combine(day, time.min, ZoneInfo(self.zone)).astimezone(UTC)

    def before(self, compare: Compare) -> "Period | None":
        """What it is compared with."""
        match compare:
            case Compare.none:
                return None
            case Compare.year:
                return self._moved(-12)
        if self.begin.day == 1:  # a month, a quarter, or such a one so far
            months = (self.end.year - self.begin.year) * 12 + self.end.month - self.begin.month + 1
            return self._moved(-months)
        length = timedelta(days=self.days)
        return Period(self.begin - length, self.end - length, self.zone)

    def _moved(self, months: int) -> "Period":
        """The same days of another month; the end of a month stays the end of a month."""
        last = self.end.day == monthrange(self.end.year, self.end.month)[1]
        return Period(_shifted(self.begin, months), _shifted(self.end, months, last=last), self.zone)


def _shifted(day: date, months: int, *, last: bool = False) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    longest = monthrange(year, month + 1)[1]
    return date(year, month + 1, longest if last else min(day.day, longest))


def today(zone: str) -> date:
    return now().astimezone(ZoneInfo(zone)).date()


def lately(days: int, zone: str) -> Period:
    """The last so many days, today among them."""
    end = today(zone)
    return Period(end - timedelta(days=days - 1), end, zone)


def _month(zone: str) -> Period:
    end = today(zone)
    return Period(end.replace(day=1), end, zone)


def _last_month(zone: str) -> Period:
    end = today(zone).replace(day=1) - timedelta(days=1)
    return Period(end.replace(day=1), end, zone)


def _quarter(zone: str) -> Period:
    end = today(zone)
    return Period(end.replace(month=(end.month - 1) // 3 * 3 + 1, day=1), end, zone)


def _last_quarter(zone: str) -> Period:
    end = _quarter(zone).begin - timedelta(days=1)
    return Period(end.replace(month=end.month - 2, day=1), end, zone)


PRESETS: dict[str, tuple[Text, Any]] = {
    "today": (_("Today"), lambda zone: lately(1, zone)),
    "7": (_("Last 7 days"), lambda zone: lately(7, zone)),
    "30": (_("Last 30 days"), lambda zone: lately(30, zone)),
    "90": (_("Last 90 days"), lambda zone: lately(90, zone)),
    "month": (_("This month"), _month),
    "last-month": (_("Last month"), _last_month),
    "quarter": (_("This quarter"), _quarter),
    "last-quarter": (_("Last quarter"), _last_quarter),
    "365": (_("Last 365 days"), lambda zone: lately(365, zone)),
}
"""Name → what it is called, and the period that it is today."""
USUAL = "30"


def named(preset: str, zone: str) -> Period:
    """Raises BadPeriod."""
    if preset not in PRESETS:
        raise BadPeriod
    found: Period = PRESETS[preset][1](_known(zone))
    return found


def read(begin: str, end: str, zone: str) -> Period:
    """ISO days, both of which count. Raises BadPeriod."""
    try:
        found = Period(date.fromisoformat(begin), date.fromisoformat(end), _known(zone))
        found.since, found.until  # noqa: B018 - years that no calendar of ours has
    except (ValueError, OverflowError):
        raise BadPeriod from None
    if not 0 < found.days <= LONGEST or found.begin.year < 1990 or found.end.year > 9000:
        raise BadPeriod
    return found


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise BadPeriod from None
    return zone
