"""Business hours: what anybody can count by hand, and what holds for every calendar."""

from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdesk.hours import Hours, NeverOpen, Paused

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(BERLIN, {day: [(time(9), time(17))] for day in range(5)})
NIGHT = {day: [(time(0), time(4)), (time(22), time.max)] for day in range(7)}
ALWAYS = {day: [(time(0), time.max)] for day in range(7)}
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Santiago",
    "Africa/Casablanca",
    "UTC",
]
WEEKS = [
    {day: [(time(9), time(17))] for day in range(5)},
    {day: [(time(9), time(12, 30)), (time(13, 15), time(18))] for day in range(6)},
    ALWAYS,
    {5: [(time(22), time.max)], 6: [(time(0), time(4))]},
    {6: [(time(1, 30), time(2, 15)), (time(2, 45), time(3, 30))]},
]


def wall(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


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
        ("2026-12-31 16:00", 120, "2027-01-01 10:00"),  # over the year's end
        ("2028-02-28 16:00", 120, "2028-02-29 10:00"),  # into a leap day
    ],
)
def test_working_time_is_counted_only_while_open(start: str, working: int, due: str):
    assert OFFICE.add(wall(start), minutes(working)) == wall(due)


def test_a_holiday_is_closed():
    hours = Hours(BERLIN, OFFICE.week, frozenset({date(2026, 12, 25)}))
    assert hours.add(wall("2026-12-24 16:00"), minutes(90)) == wall("2026-12-28 09:30")
    assert not hours.is_open(wall("2026-12-25 10:00"))
    assert hours.next_opening(wall("2026-12-25 10:00")) == wall("2026-12-28 09:00")


def test_a_calendar_that_never_opens_says_so():
    for week in ({}, {0: [(time(9), time(9))]}):
        with pytest.raises(NeverOpen):
            Hours(BERLIN, week).add(wall("2026-11-18 10:00"), minutes(1))
    every_day = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(20 * 366))
    with pytest.raises(NeverOpen):
        Hours(BERLIN, ALWAYS, every_day).next_opening(wall("2026-11-18 10:00"))


def test_an_hour_that_the_clocks_skip_has_no_working_time_and_one_that_they_repeat_has_it_twice():
    hours = Hours(BERLIN, {6: [(time(1), time(4))]})
    assert hours.between(wall("2026-03-28 12:00"), wall("2026-03-29 12:00")) == minutes(120)
    assert hours.between(wall("2026-10-24 12:00"), wall("2026-10-25 12:00")) == minutes(240)
    skipped = Hours(BERLIN, {6: [(time(2, 15), time(2, 45))]})
    assert skipped.next_opening(wall("2026-03-28 12:00")) == wall("2026-04-05 02:15")
    twice = skipped.openings(wall("2026-10-24 12:00"), wall("2026-10-25 12:00"))
    assert [opens.strftime("%H:%M") for opens, _closes in twice] == ["00:15", "01:15"]


def test_a_day_that_never_was_has_no_working_time():
    """Samoa went from the 29th to the 31st of December 2011 to be on the other side of the date line."""
    apia = ZoneInfo("Pacific/Apia")
    hours = Hours(apia, {day: [(time(9), time(17))] for day in range(7)})
    assert hours.add(wall("2011-12-29 16:00", apia), minutes(120)) == wall("2011-12-31 10:00", apia)


def test_half_an_hour_is_a_change_of_clocks_too():
    island = ZoneInfo("Australia/Lord_Howe")
    hours = Hours(island, {6: [(time(1), time(3))]})
    spring, autumn = wall("2026-10-03 12:00", island), wall("2026-04-04 12:00", island)
    assert hours.between(spring, spring + timedelta(days=1)) == minutes(90)
    assert hours.between(autumn, autumn + timedelta(days=1)) == minutes(150)


def test_breaks_count_as_closed_whatever_their_order():
    breaks = [
        (wall("2026-11-18 15:00"), wall("2026-11-18 16:00")),
        (wall("2026-11-18 10:30"), wall("2026-11-18 11:30")),
        (wall("2026-11-18 11:00"), wall("2026-11-18 12:00")),  # overlaps
        (wall("2026-11-18 13:00"), wall("2026-11-18 13:00")),  # is empty
        (wall("2026-11-18 14:00"), wall("2026-11-18 13:00")),  # ends before it begins
        (wall("2026-11-18 18:00"), wall("2026-11-19 08:00")),  # was closed anyway
    ]
    start = wall("2026-11-18 10:00")
    assert OFFICE.add(start, minutes(30), breaks) == wall("2026-11-18 10:30")
    assert OFFICE.add(start, minutes(31), breaks) == wall("2026-11-18 12:01")
    assert OFFICE.add(start, minutes(270), breaks) == wall("2026-11-18 17:00")
    assert OFFICE.add(start, minutes(271), breaks) == wall("2026-11-19 09:01")
    assert OFFICE.between(start, wall("2026-11-18 17:00"), breaks) == minutes(270)
    drawn = list(OFFICE.openings(start, wall("2026-11-18 20:00"), breaks))
    assert [
        (f"{opens.astimezone(BERLIN):%H:%M}", f"{closes.astimezone(BERLIN):%H:%M}") for opens, closes in drawn
    ] == [
        ("10:00", "10:30"),
        ("12:00", "15:00"),
        ("16:00", "17:00"),
    ]


def test_a_break_that_goes_on_leaves_no_answer_but_to_what_was_over_before():
    breaks = [(wall("2026-11-18 11:00"), None)]
    start = wall("2026-11-18 10:00")
    assert OFFICE.add(start, minutes(60), breaks) == wall("2026-11-18 11:00")
    with pytest.raises(Paused):
        OFFICE.add(start, minutes(61), breaks)
    assert OFFICE.between(start, wall("2026-12-18 10:00"), breaks) == minutes(60)


def test_working_time_is_never_taken_back():
    with pytest.raises(ValueError, match="only be added"):
        OFFICE.add(wall("2026-11-18 10:00"), minutes(-1))


def test_what_closes_at_midnight_and_opens_at_once_is_one_stretch():
    always = Hours(BERLIN, ALWAYS)
    start, end = wall("2026-12-30 12:00"), wall("2029-01-02 12:00")
    assert list(always.openings(start, end)) == [(start.astimezone(UTC), end.astimezone(UTC))]
    assert always.add(start, timedelta(days=1000)) == start.astimezone(UTC) + timedelta(days=1000)


instants = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
calendars = st.builds(
    lambda zone, week: Hours(ZoneInfo(zone), week), st.sampled_from(ZONES), st.sampled_from(WEEKS)
)
lengths = st.timedeltas(timedelta(0), timedelta(hours=400))
pauses = st.lists(
    st.tuples(st.timedeltas(timedelta(-5), timedelta(40)), st.timedeltas(timedelta(0), timedelta(9))),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(calendars, instants, lengths, pauses)
def test_between_is_the_inverse_of_add(
    hours: Hours, start: datetime, working: timedelta, paused: list[tuple[timedelta, timedelta]]
):
    breaks = [(start + begin, start + begin + length) for begin, length in paused]
    due = hours.add(start, working, breaks)
    assert hours.between(start, due, breaks) == working
    assert due >= start


@settings(max_examples=200, deadline=None)
@given(calendars, instants, lengths, lengths)
def test_more_working_time_and_a_later_start_are_never_due_earlier(
    hours: Hours, start: datetime, working: timedelta, more: timedelta
):
    assert hours.add(start, working) <= hours.add(start, working + more)
    assert hours.add(start, working) <= hours.add(start + more, working)


@settings(max_examples=200, deadline=None)
@given(calendars, st.lists(instants, min_size=3, max_size=3).map(sorted), pauses)
def test_parts_add_up_to_the_whole(
    hours: Hours, at: list[datetime], paused: list[tuple[timedelta, timedelta]]
):
    breaks = [(at[0] + begin, at[0] + begin + length) for begin, length in paused]
    first, second = hours.between(at[0], at[1], breaks), hours.between(at[1], at[2], breaks)
    assert first + second == hours.between(at[0], at[2], breaks)
    assert hours.between(at[2], at[0], breaks) == timedelta(0)


@settings(max_examples=200, deadline=None)
@given(calendars, instants)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: Hours, at: datetime):
    opening = hours.next_opening(at)
    assert hours.is_open(opening)
    assert hours.between(at, opening) == timedelta(0)
    assert (opening == at) == hours.is_open(at)


def test_months_cost_no_more_than_days():
    """An order of magnitude over what is measured, so that a busy machine does not fail it; a walk would."""
    holidays = frozenset(date(2026, 1, 1) + timedelta(days=30 * n) for n in range(30))
    hours = Hours(BERLIN, WEEKS[1], holidays)
    start = wall("2026-03-03 10:00")
    hours.add(start, timedelta(hours=4000))
    began = perf_counter()
    for _ in range(200):
        hours.add(start, timedelta(hours=4000))
        hours.between(start, start + timedelta(days=730))
    assert (perf_counter() - began) / 400 < 0.002
