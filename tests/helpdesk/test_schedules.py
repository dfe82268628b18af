"""When something comes round again."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from helpdesk.schedules import BadSchedule, Every, Schedule, read

BERLIN = ZoneInfo("Europe/Berlin")


def test_every_day_at_a_time_where_somebody_lives():
    daily = Schedule(Every.day, at="08:30", zone="Europe/Berlin")
    assert daily.after(datetime(2026, 7, 1, 6, 29, tzinfo=UTC)) == datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert daily.after(datetime(2026, 7, 1, 6, 30, tzinfo=UTC)) == datetime(2026, 7, 2, 6, 30, tzinfo=UTC)


def test_it_stays_at_its_time_of_the_day_when_the_clocks_change():
    daily = Schedule(Every.day, at="08:30", zone="Europe/Berlin")
    before = daily.after(datetime(2026, 10, 24, 0, tzinfo=UTC))
    after = daily.after(before)
    assert (before.hour, after.hour) == (6, 7)


def test_the_31st_is_the_last_day_of_a_shorter_month():
    monthly = Schedule(Every.month, (31,), at="00:00")
    assert monthly.after(datetime(2026, 2, 3, tzinfo=UTC)).date().isoformat() == "2026-02-28"
    assert monthly.after(datetime(2026, 2, 28, tzinfo=UTC)).date().isoformat() == "2026-03-31"


@given(
    some.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    some.sets(some.integers(0, 6), min_size=1),
    some.times(),
    some.integers(0, 6 * 366 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
)
def test_what_comes_next_is_later_on_a_day_that_was_chosen_and_nothing_lies_between(zone, days, at, instant):
    weekly = Schedule(Every.week, tuple(days), at=f"{at:%H:%M}", zone=zone)
    found = weekly.after(instant)
    assert instant < found <= instant + timedelta(days=8)
    assert weekly.after(found - timedelta(microseconds=1)) == found
    assert (found.astimezone(ZoneInfo(zone)) - timedelta(hours=1)).weekday() in {
        *days,
        *((d - 1) % 7 for d in days),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": "week"},
        {"every": "week", "days": [7]},
        {"every": "month", "days": [0]},
        {"every": "day", "days": [1]},
        {"every": "day", "at": "24:00"},
        {"every": "day", "zone": "Moon/Tycho"},
        {"every": "day", "zone": "../../etc/passwd"},
        {"every": "fortnight"},
        [],
        None,
    ],
)
def test_what_is_no_schedule_is_refused_in_words(wrong):
    with pytest.raises(BadSchedule, match="at least one day"):
        read(wrong)
