"""Business hours against an independent model that walks minute by minute and shares no code with ours."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.hours import Hours, NeverOpen

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(BERLIN, {day: [(time(9), time(17))] for day in range(5)})
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Santiago",
    "UTC",
]
WEEKS = [
    {day: [(time(9), time(17))] for day in range(5)},
    {day: [(time(9), time(12, 30)), (time(13, 15), time(18))] for day in range(6)},
    {day: [(time(0), time.max)] for day in range(7)},
    {5: [(time(22), time.max)], 6: [(time(0), time(4))]},
]


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def minutes(n: int) -> timedelta:
    return timedelta(minutes=n)


@pytest.mark.parametrize(
    ("start", "working", "due"),
    [
        ("2026-11-18 10:00", 60, "2026-11-18 11:00"),
        ("2026-11-18 16:30", 60, "2026-11-19 09:30"),  # over night
        ("2026-11-20 16:30", 60, "2026-11-23 09:30"),  # over the weekend
        ("2026-11-21 11:00", 30, "2026-11-23 09:30"),  # written on a Saturday
        ("2026-11-18 07:00", 480, "2026-11-18 17:00"),  # a whole day ends at closing, not at next opening
    ],
)
def test_working_time_is_counted_only_while_open(start: str, working: int, due: str):
    assert OFFICE.add(wall(start), minutes(working)) == wall(due)


def test_a_holiday_is_closed():
    hours = Hours(BERLIN, OFFICE.week, frozenset({date(2026, 12, 25)}))
    assert hours.add(wall("2026-12-24 16:00"), minutes(90)) == wall("2026-12-28 09:30")


def test_a_calendar_that_never_opens_says_so():
    with pytest.raises(NeverOpen):
        Hours(BERLIN, {}).add(wall("2026-11-18 10:00"), minutes(1))


def is_open(hours: Hours, at: datetime) -> bool:
    local = at.astimezone(hours.time_zone)
    if local.date() in hours.holidays:
        return False
    clock = local.time().replace(fold=0)
    return any(opens <= clock < closes for opens, closes in hours.week.get(local.weekday(), ()))


def walked(hours: Hours, start: datetime, working: int) -> datetime:
    """The independent model: look at every minute and count the open ones."""
    at = start
    while working or not is_open(hours, at):
        if is_open(hours, at):
            working -= 1
        at += minutes(1)
        if not working and is_open(hours, at - minutes(1)):
            return at
    return at


instants = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(  # noqa: DTZ001 - zones follow
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
calendars = st.builds(
    lambda zone, week: Hours(ZoneInfo(zone), week), st.sampled_from(ZONES), st.sampled_from(WEEKS)
)


@settings(max_examples=150, deadline=None)
@given(calendars, instants, st.integers(1, 600))
def test_adding_agrees_with_the_model(hours: Hours, start: datetime, working: int):
    assert hours.add(start, minutes(working)) == walked(hours, start, working)


@settings(max_examples=300, deadline=None)
@given(calendars, instants, st.integers(1, 6000))
def test_between_is_the_inverse_of_add(hours: Hours, start: datetime, working: int):
    assert hours.between(start, hours.add(start, minutes(working))) == minutes(working)


@settings(max_examples=200, deadline=None)
@given(calendars, instants, st.integers(0, 3000), st.integers(1, 600))
def test_more_working_time_is_never_due_earlier(hours: Hours, start: datetime, working: int, more: int):
    assert hours.add(start, minutes(working)) <= hours.add(start, minutes(working + more))
