"""The one time of the desk: always UTC, movable in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, literal

_offset = timedelta(0)


def now() -> datetime:
    return datetime.now(UTC) + _offset


def desk_now() -> ColumnElement[datetime]:
    """The same time as an SQL expression: the database's clock, moved as far as ours."""
    return func.clock_timestamp() + literal(_offset) if _offset else func.clock_timestamp()


@contextmanager
def moved(by: timedelta) -> Iterator[None]:
    """For tests: everything happens this much later (or earlier)."""
    global _offset
    before = _offset
    _offset = before + by
    try:
        yield
    finally:
        _offset = before
