"""The one time of the desk: always UTC, movable in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, DateTime, func, literal

_offset = timedelta(0)
_stopped: datetime | None = None


def now() -> datetime:
    return _stopped or datetime.now(UTC) + _offset


def desk_now() -> ColumnElement[datetime]:
    """The same time as an SQL expression: the database's clock, moved as far as ours."""
    if _stopped:
        return literal(_stopped, DateTime(timezone=True))
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


@contextmanager
def stopped(at: datetime) -> Iterator[None]:
    """For simulations: everything happens at this very instant."""
    global _stopped
    before, _stopped = _stopped, at.astimezone(UTC)
    try:
        yield
    finally:
        _stopped = before
