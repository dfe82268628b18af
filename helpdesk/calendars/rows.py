"""A calendar and its holidays, as they are stored."""

from datetime import date, datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row
from helpdesk.hours import Hours


class Source(StrEnum):
    """Where a holiday comes from; of one day's several names the first in this order is shown first."""

    own = "own"
    public = "public"
    feed = "feed"


class Calendar(Row):
    __tablename__ = "business_calendar"

    name: Mapped[str] = mapped_column(unique=True)
    time_zone: Mapped[str]
    week: Mapped[dict[str, Any]]
    """`{"0": [["09:00", "12:30"], ["13:15", "18:00"]], …}`: weekdays from Monday; "24:00" closes at midnight."""
    holidays: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """ISO dates on which it stays closed, whatever the source; written by `arranging.lay_out` alone."""

    country: Mapped[str] = mapped_column(default="", server_default="")
    """Whose public holidays are kept: an ISO 3166 code, or empty."""
    subdivision: Mapped[str] = mapped_column(default="", server_default="")
    """The state, province or canton, as the library of holidays calls it; empty: what the whole country keeps."""
    categories: Mapped[list[str]] = mapped_column(default=lambda: ["public"], server_default="{public}")
    language: Mapped[str] = mapped_column(default="", server_default="")
    """In which public holidays are named; empty: the country's own."""
    worked: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Names of public holidays on which the desk works all the same."""

    own_holidays: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"day": "2026-12-28", "name": "…"}, {"day": "12-24", "name": "…"}]`: once, or every year."""

    feed_url: Mapped[str] = mapped_column(default="", server_default="")
    """Not for everybody's eyes: addresses of private calendars are their own password."""
    feed_etag: Mapped[str] = mapped_column(default="", server_default="")
    feed_due_at: Mapped[datetime | None]
    """When it is fetched next."""
    feed_fetched_at: Mapped[datetime | None]
    """When it was last seen to be whole; what it said then is what counts until it can be had again."""
    feed_trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why the last attempt failed, in words; empty after one that did not."""
    feed_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    feed_ignored: Mapped[int] = mapped_column(default=0, server_default="0")
    """Events of the feed that are no whole days."""

    laid_out_on: Mapped[date | None]
    """The day on which recurring and public holidays were last written down for the years ahead."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def hours(self) -> Hours:
        return _hours(self.time_zone, msgspec.json.encode(self.week), tuple(self.holidays or ()))


class Holiday(Row):
    """A day on which a calendar is closed."""

    __tablename__ = "calendar_holiday"

    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id", ondelete="CASCADE"))
    source: Mapped[Source] = mapped_column(Choice(Source))
    day: Mapped[date]
    name: Mapped[str] = mapped_column(server_default=text("''"))

    __table_args__ = (UniqueConstraint("calendar_id", "day", "source"),)


@lru_cache(maxsize=256)
def _hours(time_zone: str, week: bytes, holidays: tuple[str, ...]) -> Hours:
    intervals = {
        int(day): [(_wall(opens), _wall(closes)) for opens, closes in spans]
        for day, spans in msgspec.json.decode(week).items()
    }
    return Hours(ZoneInfo(time_zone), intervals, frozenset(map(date.fromisoformat, holidays)))


def _wall(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)
