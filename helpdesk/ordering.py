"""Orders of a list, and places in them: a page begins where the last one ended, whatever came in meanwhile."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import DateTime, cast, func, literal, literal_column, tuple_
from sqlalchemy.sql.elements import ColumnElement

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _
from helpdesk.tickets import Priority, Ticket
from helpdesk.tickets.row import RANK

NEVER = "infinity"
"""What has no time comes after everything that has one, in either direction's natural order."""


class Order(StrEnum):
    last_message = "last_message"
    created = "created"
    priority = "priority"
    waiting_since = "waiting_since"
    next_due = "next_due"
    number = "number"


ORDER_NAMES: dict[Order, tuple[Text, Text]] = {
    Order.last_message: (_("Newest message first"), _("Oldest message first")),
    Order.created: (_("Newest ticket first"), _("Oldest ticket first")),
    Order.priority: (_("Most urgent first"), _("Least urgent first")),
    Order.waiting_since: (_("Waiting longest first"), _("Waiting shortest first")),
    Order.next_due: (_("Due soonest first"), _("Due latest first")),
    Order.number: (_("Highest number first"), _("Lowest number first")),
}


class BadCursor(Invalid):
    message = _("This page address is not complete. Start again from the first page.")


def _instant_or_never(column: Any) -> ColumnElement[datetime]:
    return func.coalesce(column, literal_column(f"'{NEVER}'", DateTime(timezone=True)))


def _instant(value: Any) -> ColumnElement[datetime]:
    return cast(literal(NEVER if value is None else datetime.fromisoformat(value)), DateTime(timezone=True))


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise BadCursor
    return value


@dataclass(frozen=True)
class _Key:
    """One column of an order: in SQL, from a row to the place, and from the place to SQL."""

    sql: Callable[[], ColumnElement[Any]]
    of: Callable[[Any], Any]
    read: Callable[[Any], Any]


_ID = _Key(lambda: Ticket.id.expression, lambda row: row.id, _number)
_LAST = _Key(lambda: Ticket.last_message_at.expression, lambda row: row.last_message_at.isoformat(), _instant)
_KEYS: dict[Order, tuple[tuple[_Key, ...], bool]] = {  # the columns, and whether it falls
    Order.last_message: ((_LAST, _ID), True),
    Order.created: (
        (_Key(lambda: Ticket.created_at.expression, lambda row: row.created_at.isoformat(), _instant), _ID),
        True,
    ),
    Order.priority: (
        (
            _Key(
                lambda: literal_column(RANK.replace("priority)", "ticket.priority)")),
                lambda row: list(Priority).index(row.priority) + 1,
                _number,
            ),
            _LAST,
            _ID,
        ),
        True,
    ),
    Order.waiting_since: (
        (
            _Key(
                lambda: _instant_or_never(Ticket.waiting_since),
                lambda row: row.waiting_since and row.waiting_since.isoformat(),
                _instant,
            ),
            _ID,
        ),
        False,
    ),
    Order.next_due: (
        (
            _Key(
                lambda: _instant_or_never(Ticket.next_due_at),
                lambda row: row.next_due_at and row.next_due_at.isoformat(),
                _instant,
            ),
            _ID,
        ),
        False,
    ),
    Order.number: ((_Key(lambda: Ticket.number.expression, lambda row: row.number, _number),), True),
}


@dataclass(frozen=True)
class Sorting:
    order: Order = Order.last_message
    reverse: bool = False

    @property
    def name(self) -> Text:
        return ORDER_NAMES[self.order][self.reverse]

    def by(self) -> list[ColumnElement[Any]]:
        keys, falls = _KEYS[self.order]
        down = falls is not self.reverse
        return [key.sql().desc() if down else key.sql().asc() for key in keys]

    def after(self, place: "Place") -> ColumnElement[bool]:
        """The tickets behind this place."""
        if place.order != self.order or place.reverse != self.reverse:
            raise BadCursor
        keys, falls = _KEYS[self.order]
        if len(place.values) != len(keys):
            raise BadCursor
        try:
            values = [key.read(value) for key, value in zip(keys, place.values, strict=True)]
        except (TypeError, ValueError):
            raise BadCursor from None
        here, there = tuple_(*(key.sql() for key in keys)), tuple_(*values)
        return here < there if falls is not self.reverse else here > there

    def place(self, row: Any) -> "Place":
        keys, _falls = _KEYS[self.order]
        return Place(self.order, self.reverse, [key.of(row) for key in keys])


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended. Its text means something to the desk only, and holds for one order."""

    order: Order
    reverse: bool
    values: list[Any]

    @classmethod
    def read(cls, text: str) -> "Place":
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            return msgspec.json.decode(urlsafe_b64decode(padded), type=cls)
        except (UnicodeEncodeError, Error, msgspec.MsgspecError):
            raise BadCursor from None

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


@dataclass(frozen=True)
class Cursor:
    """A place in a list that has one order only: newest first, by time and id."""

    at: datetime
    id: int

    @classmethod
    def read(cls, text: str) -> "Cursor":
        try:
            at, number = text.split("~")
            found = cls(datetime.fromisoformat(at), int(number))
        except ValueError:
            raise BadCursor from None
        return cls(found.at if found.at.tzinfo else found.at.replace(tzinfo=UTC), found.id)

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"
