"""Business hours: pure arithmetic on instants, in the calendar's own time zone.

A calendar is open exactly when the clock on its wall shows an opening time: an hour that the clocks skip in
spring has no working time, an hour that they repeat in autumn has it twice.

Openings are laid out one year of UTC at a time and kept, with the working time before each, so that a
question over months costs two look-ups instead of a walk. All reckoning is in whole microseconds.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Interval = tuple[time, time]
Break = tuple[datetime, datetime | None]
"""A stretch that counts as closed; without an end it is still going on."""
Span = tuple[int, int]

HORIZON = 6
"""Years without an opening after which a calendar counts as always closed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_ENDLESS = 1 << 62


class NeverOpen(ValueError):
    """This calendar has no working time ahead."""


class Paused(ValueError):
    """A break that is still going on began before the working time was over: there is no answer yet."""


@dataclass(frozen=True)
class Hours:
    """Opening intervals by weekday (0 is Monday); `time.max` closes at midnight."""

    time_zone: ZoneInfo
    week: Mapping[int, Sequence[Interval]]
    holidays: frozenset[date] = field(default_factory=frozenset)
    _years: dict[int, "_Year"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def add(self, start: datetime, working: timedelta, breaks: Sequence[Break] = ()) -> datetime:
        """The instant at which this much working time has passed since `start`, in UTC.

        A day's work ends at closing, not at the next opening; no work at all ends at the next opening.
        Breaks may overlap, be empty and come in any order. Raises Paused where a break without an end
        comes first, NeverOpen where nothing opens any more, ValueError for less than no time.
        """
        left = working // _TICK
        if left < 0:
            raise ValueError("Working time can only be added.")
        for begin, end in _around(_ticks(start), _ENDLESS, breaks):
            if end == _ENDLESS:
                return _instant(self._after(begin, left))
            available = self._worked(begin, end)
            if available and left <= available:
                return _instant(self._after(begin, left))
            left -= available
        raise Paused

    def between(self, start: datetime, end: datetime, breaks: Sequence[Break] = ()) -> timedelta:
        """The working time from `start` to `end` outside the breaks; zero where `end` is not after it."""
        stretches = _around(_ticks(start), _ticks(end), breaks)
        return timedelta(microseconds=sum(self._worked(*stretch) for stretch in stretches))

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself while open, else when it opens next; in UTC. Raises NeverOpen."""
        return _instant(self._after(_ticks(at), 0))

    def is_open(self, at: datetime) -> bool:
        return self._worked(moment := _ticks(at), moment + 1) > 0

    def openings(
        self, start: datetime, until: datetime, breaks: Sequence[Break] = ()
    ) -> Iterator[tuple[datetime, datetime]]:
        """Working stretches from `start` to `until` as they follow each other, in UTC, cut at both ends.

        What closes at midnight and opens again at once is one stretch.
        """
        for stretch in _around(_ticks(start), _ticks(until), breaks):
            last: Span | None = None
            for begin, end in self._spans(*stretch):
                if last and last[1] == begin:  # only the year changed
                    last = (last[0], end)
                    continue
                if last:
                    yield _instant(last[0]), _instant(last[1])
                last = (begin, end)
            if last:
                yield _instant(last[0]), _instant(last[1])

    def _after(self, begin: int, left: int) -> int:
        """Where `left` of working time is over. Zero: where working time begins."""
        idle = 0
        for year in self._years_from(begin):
            passed = year.worked_until(begin)
            if passed < year.total and left <= year.total - passed:
                return year.at(passed + left) if left else year.opening(begin)
            idle = idle + 1 if passed == year.total else 0
            if idle > HORIZON:
                break
            left -= year.total - passed
        raise NeverOpen

    def _worked(self, begin: int, end: int) -> int:
        if end <= begin:
            return 0
        total = 0
        for year in self._years_from(begin):
            total += year.worked_until(end) - year.worked_until(begin)
            if end <= year.end:
                break
        return total

    def _spans(self, begin: int, end: int) -> Iterator[Span]:
        for year in self._years_from(begin):
            for index in range(bisect_right(year.closes, begin), len(year.opens)):
                if year.opens[index] >= end:
                    return
                yield max(year.opens[index], begin), min(year.closes[index], end)
            if end <= year.end:
                return

    def _years_from(self, begin: int) -> Iterator["_Year"]:
        for number in range(_instant(begin).year, 9999):
            if number not in self._years:
                self._years[number] = _Year.laid_out(self, number)
            yield self._years[number]


@dataclass(frozen=True)
class _Year:
    """The openings within one year of UTC, and how much was worked in it before each of them."""

    end: int
    opens: list[int]
    closes: list[int]
    before: list[int]
    total: int

    @classmethod
    def laid_out(cls, hours: Hours, number: int) -> "_Year":
        week = [_joined(hours.week.get(day, ())) for day in range(7)]
        closed = {(holiday.toordinal() - _EPOCH.toordinal()) for holiday in hours.holidays}
        opens: list[int] = []
        closes: list[int] = []
        for begin, end, offset in _constant_offsets(hours.time_zone, number):
            for opening, closing in _on_the_wall(begin + offset, end + offset, week, closed):
                if closes and closes[-1] == opening - offset:
                    closes[-1] = closing - offset
                else:
                    opens.append(opening - offset)
                    closes.append(closing - offset)
        before, total = [], 0
        for opening, closing in zip(opens, closes, strict=True):
            before.append(total)
            total += closing - opening
        return cls(end, opens, closes, before, total)

    def worked_until(self, moment: int) -> int:
        index = bisect_right(self.opens, moment) - 1
        return self.before[index] + min(moment, self.closes[index]) - self.opens[index] if index >= 0 else 0

    def at(self, worked: int) -> int:
        """When this much, more than nothing, has been worked in the year."""
        index = bisect_left(self.before, worked) - 1
        return self.opens[index] + worked - self.before[index]

    def opening(self, moment: int) -> int:
        return max(self.opens[bisect_right(self.closes, moment)], moment)


def _on_the_wall(begin: int, end: int, week: list[list[Span]], closed: set[int]) -> Iterator[Span]:
    """Openings between two readings of a clock that nobody sets meanwhile; days count from the epoch."""
    for day in range(begin // _DAY, (end - 1) // _DAY + 1):
        if day not in closed:
            for opens, closes in week[(day + 3) % 7]:  # the epoch was a Thursday
                opening, closing = max(day * _DAY + opens, begin), min(day * _DAY + closes, end)
                if opening < closing:
                    yield opening, closing


@lru_cache(maxsize=4096)
def _constant_offsets(zone: ZoneInfo, year: int) -> tuple[tuple[int, int, int], ...]:
    """The year in stretches (begin, end, offset from UTC) during which the clocks are not changed."""
    begin, end = _ticks(datetime(year, 1, 1, tzinfo=UTC)), _ticks(datetime(year + 1, 1, 1, tzinfo=UTC))
    stretches, offset = [], _offset(zone, begin)
    for probe in range(begin + _DAY // 2, end + 1, _DAY // 2):
        if _offset(zone, probe) != offset:
            change = _change(zone, probe - _DAY // 2, probe)
            stretches.append((begin, change, offset))
            begin, offset = change, _offset(zone, probe)
    if begin < end:
        stretches.append((begin, end, offset))
    return tuple(stretches)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The second at which the offset becomes the later one; both bounds are whole seconds."""
    old = _offset(zone, before)
    while after - before > _SECOND:
        middle = (before + after) // 2 // _SECOND * _SECOND
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, moment: int) -> int:
    offset = _instant(moment).astimezone(zone).utcoffset()
    return offset // _TICK if offset else 0


def _joined(intervals: Sequence[Interval]) -> list[Span]:
    """One day's intervals, ascending and apart."""
    spans: list[Span] = []
    for opens, closes in sorted((_of_day(opens), _of_day(closes)) for opens, closes in intervals):
        if spans and opens <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(closes, spans[-1][1]))
        elif opens < closes:
            spans.append((opens, closes))
    return spans


def _of_day(wall: time) -> int:
    if wall == time.max:
        return _DAY
    return (wall.hour * 3600 + wall.minute * 60 + wall.second) * _SECOND + wall.microsecond


def _around(start: int, until: int, breaks: Sequence[Break]) -> Iterator[Span]:
    """What the breaks leave of the time between."""
    for begin, end in sorted((_ticks(a), _ENDLESS if b is None else _ticks(b)) for a, b in breaks):
        if begin >= end or end <= start:
            continue
        if begin >= until:
            break
        if start < begin:
            yield start, begin
        start = end
    if start < until:
        yield start, until


def _ticks(at: datetime) -> int:
    return (at - _EPOCH) // _TICK


def _instant(ticks: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ticks)
