"""Business hours agree with a model that walks minute by minute: 100,000 cases where it is asked for, fewer in CI.

HELPDESK_HOURS_CASES=100000 pytest tests/helpdesk/test_hours_model.py
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpdesk.hours import Hours, Paused
from tests.helpdesk.minutes import MINUTE, Office

CASES = int(os.environ.get("HELPDESK_HOURS_CASES", "3000"))
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # south: its clocks go back in April
    "Australia/Lord_Howe",  # by half an hour
    "Africa/Casablanca",  # back for a month of each year, whichever that is
    "Pacific/Apia",  # the 30th of December 2011 never was
    "Asia/Kathmandu",  # never; and 5:45 ahead
    "UTC",
]
DAY = timedelta(days=1)


def minute(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@cache
def turning_points(zone: str) -> list[datetime]:
    """Hours at which something happens: clocks are changed, a year ends, a leap day comes, a day is skipped."""
    found = [minute("2027-12-31"), minute("2028-02-28"), minute("2024-02-28"), minute("2011-12-29")]
    at, tz = minute("2026-01-01"), ZoneInfo(zone)
    while at < minute("2028-01-01"):
        if at.astimezone(tz).utcoffset() != (at + timedelta(hours=1)).astimezone(tz).utcoffset():
            found.append(at)
        at += timedelta(hours=1)
    return found


CUTS = st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True).map(sorted)
ONE_DAY: st.SearchStrategy[list[tuple[int, int]]] = st.one_of(
    st.just([]),
    st.just([(0, 1440)]),
    st.just([(540, 1020)]),
    st.just([(60, 150), (165, 240)]),  # where clocks are changed
    CUTS.map(lambda at: [(a * 15, b * 15) for a, b in zip(at[::2], at[1::2], strict=False)]),
)
"""Its intervals, from all that a day can hold: closed, around the clock, in pieces, at night."""
WEEK = st.tuples(*[ONE_DAY] * 7).map(lambda days: dict(enumerate(days)))
LENGTH = st.one_of(st.integers(1, 600), st.integers(1, 2880), st.integers(1, 7200))
ANYWHERE = st.integers(0, 7 * 365 * 1440).map(lambda n: minute("2024-01-01") + n * MINUTE)
HOLIDAYS = st.sets(st.integers(-1, 6), max_size=3)
BREAKS = st.lists(st.tuples(st.integers(-600, 7200), st.one_of(st.integers(-5, 600), st.none())), max_size=4)


@cache
def cases(zone: str) -> st.SearchStrategy[tuple[Office, datetime, datetime, float]]:
    """Strategies are made once: to make them for every case costs more than the case."""
    near = st.tuples(st.sampled_from(turning_points(zone)), st.integers(-2880, 1440))
    start = st.one_of(ANYWHERE, near.map(lambda each: each[0] + each[1] * MINUTE))
    return st.builds(partial(case, ZoneInfo(zone)), start, LENGTH, WEEK, HOLIDAYS, BREAKS, st.floats(0, 1))


def case(
    zone: ZoneInfo,
    start: datetime,
    length: int,
    week: dict[int, list[tuple[int, int]]],
    closed: set[int],
    pauses: list[tuple[int, int | None]],
    part: float,
) -> tuple[Office, datetime, datetime, float]:
    today = start.astimezone(zone).date()
    breaks = []
    for begin, how_long in pauses:
        paused = start + (begin if begin < 0 else begin % length) * MINUTE
        breaks.append((paused, None if how_long is None else paused + how_long * MINUTE))
    office = Office(zone, week, frozenset(today + n * DAY for n in closed), breaks)
    return office, start, start + length * MINUTE, part


def reckoned(office: Office) -> Hours:
    week = {day: [(_wall(a), _wall(b)) for a, b in spans] for day, spans in office.week.items()}
    return Hours(office.zone, week, office.holidays)


def _wall(shown: int) -> time:
    return time.max if shown == 1440 else time(*divmod(shown, 60))


@pytest.mark.parametrize("zone", ZONES)
def test_hours_agree_with_the_minute_by_minute_model(zone: str):
    @settings(
        max_examples=max(CASES // len(ZONES), 1),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(zone))
    def agree(case: tuple[Office, datetime, datetime, float]) -> None:
        office, start, end, part = case
        hours, walk = reckoned(office), office.walk(start, end)
        assert hours.between(start, end, office.breaks) == len(walk.worked) * MINUTE
        opened = [
            n * MINUTE + begin
            for begin, until in hours.openings(start, end, office.breaks)
            for n in range((until - begin) // MINUTE)
        ]
        assert opened == walk.worked
        assert hours.is_open(start) == Office(office.zone, office.week, office.holidays).works_at(start)
        if walk.worked:
            wanted = round(part * len(walk.worked))
            assert hours.add(start, wanted * MINUTE, office.breaks) == walk.after(wanted)
            if not office.breaks:
                assert hours.next_opening(start) == walk.worked[0]
        elif any(until is None and begin <= end for begin, until in office.breaks):
            with pytest.raises(Paused):
                hours.add(start, MINUTE, office.breaks)

    agree()


def test_the_model_itself_is_right_about_days_that_anybody_can_count():
    """Else two could be wrong together."""
    week = {day: [(540, 720), (780, 1020)] for day in range(5)}
    berlin = Office(ZoneInfo("Europe/Berlin"), week, frozenset({date(2026, 12, 25)}))
    friday, tuesday = minute("2026-12-25 00:00"), minute("2026-12-29 00:00")
    assert len(berlin.walk(friday, tuesday).worked) == 7 * 60
    assert berlin.walk(friday, tuesday).after(0) == minute("2026-12-28 08:00")
    assert berlin.walk(friday, tuesday).after(180) == minute("2026-12-28 11:00")
    night = Office(ZoneInfo("Europe/Berlin"), {6: [(60, 240)]})
    assert len(night.walk(minute("2026-03-28 20:00"), minute("2026-03-29 20:00")).worked) == 120, (
        "an hour is skipped"
    )
    assert len(night.walk(minute("2026-10-24 20:00"), minute("2026-10-25 20:00")).worked) == 240, (
        "one comes twice"
    )
