"""An independent model of business hours: it looks at every minute and asks whether the desk is open.

It shares no code with the desk and imports nothing of it. Minutes are walked in UTC; each is shown on the wall
clock of the calendar's zone; it counts where that clock shows a time within an interval of a day that is no holiday,
and no break covers it. Slow, and plain enough to be believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Office:
    zone: ZoneInfo
    week: Mapping[int, Sequence[tuple[int, int]]]
    """Minutes of the day by weekday; 1440 is midnight at its end."""
    holidays: frozenset[date] = frozenset()
    breaks: Sequence[tuple[datetime, datetime | None]] = ()

    def works_at(self, minute: datetime) -> bool:
        for begin, end in self.breaks:
            if begin <= minute and (end is None or minute < end):
                return False
        wall = minute.astimezone(self.zone)
        shown = wall.hour * 60 + wall.minute
        for begin_shown, end_shown in self.week.get(wall.weekday(), ()):
            if begin_shown <= shown < end_shown:
                return date(wall.year, wall.month, wall.day) not in self.holidays
        return False

    def walk(self, start: datetime, end: datetime) -> "Walk":
        walk, minute = Walk(start), start
        while minute < end:
            if self.works_at(minute):
                walk.worked.append(minute)
            minute += MINUTE
        return walk


@dataclass
class Walk:
    """The worked minutes from a start to an end, each by its beginning."""

    start: datetime
    worked: list[datetime] = field(default_factory=list)

    def after(self, minutes: int) -> datetime:
        """When so many were worked. None at all: when work begins."""
        return self.worked[minutes - 1] + MINUTE if minutes else self.worked[0]
