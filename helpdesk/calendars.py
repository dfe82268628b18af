"""Business calendars: when a desk works."""

from datetime import date, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Row
from helpdesk.hours import Hours


class Calendar(Row):
    __tablename__ = "business_calendar"

    name: Mapped[str] = mapped_column(unique=True)
    time_zone: Mapped[str]
    week: Mapped[dict[str, Any]]
    """`{"0": [["09:00", "12:30"], ["13:15", "18:00"]], …}`: weekdays from Monday; "24:00" closes at midnight."""
    holidays: Mapped[list[Any]] = mapped_column(server_default="[]")
    """ISO dates on which it stays closed."""

    @property
    def hours(self) -> Hours:
        return _hours(self.time_zone, msgspec.json.encode(self.week), tuple(self.holidays or ()))


@cache
def _hours(time_zone: str, week: bytes, holidays: tuple[str, ...]) -> Hours:
    intervals = {
        int(day): [(_wall(opens), _wall(closes)) for opens, closes in spans]
        for day, spans in msgspec.json.decode(week).items()
    }
    return Hours(ZoneInfo(time_zone), intervals, frozenset(map(date.fromisoformat, holidays)))


def _wall(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)
