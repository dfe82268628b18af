"""Business hours: pure arithmetic on instants, in the calendar's own time zone.

Days are walked on the local wall clock and turned into instants one by one, so that a day with a clock
change has as many working minutes as its wall clock shows between opening and closing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Interval = tuple[time, time]
HORIZON = 366 * 5  # days without an opening after which a calendar counts as always closed


class NeverOpen(ValueError):
    """This calendar has no working time ahead."""


@dataclass(frozen=True)
class Hours:
    """Opening intervals by weekday (0 is Monday), ascending and apart; `time.max` closes at midnight."""

    time_zone: ZoneInfo
    week: Mapping[int, Sequence[Interval]]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def add(self, start: datetime, working: timedelta) -> datetime:
        """The instant at which this much working time has passed since `start`. UTC."""
        left = working
        for opens, closes in self._openings(start):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise NeverOpen

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` to `end`; zero where `end` is not after it."""
        total = timedelta(0)
        for opens, closes in self._openings(start, until=end):
            total += min(closes, end) - opens
        return total

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself while open, else when it opens next. UTC."""
        for opens, _ in self._openings(at):
            return opens
        raise NeverOpen

    def _openings(
        self, start: datetime, until: datetime | None = None
    ) -> Iterator[tuple[datetime, datetime]]:
        """Working intervals from `start` on, the first cut to begin there."""
        start = start.astimezone(UTC)
        first = start.astimezone(self.time_zone).date()
        for offset in range(HORIZON):
            day = first + timedelta(days=offset)
            for opens, closes in self._day(day):
                if until and opens >= until:
                    return
                if closes > start:
                    yield max(opens, start), closes

    def _day(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        if day in self.holidays:
            return
        for opens, closes in self.week.get(day.weekday(), ()):
            begin, end = self._instant(day, opens), self._instant(day, closes)
            if begin < end:  # an interval inside a spring gap has no time in it
                yield begin, end

    def _instant(self, day: date, wall: time) -> datetime:
        if wall == time.max:
            day, wall = day + timedelta(days=1), time.min
        return datetime.combine(day, wall, self.time_zone).astimezone(UTC)
