"""The tables of the board: what one colleague or one team has, and the tickets behind each number.

With fifty colleagues these are three hundred addresses of the same few forms, on every refresh; so each form is written
once, and an address is that with somebody's number in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from markupsafe import Markup, escape

from helpdesk.board import Scope
from helpdesk.board.load import Held
from helpdesk.conditions import Operator, Where
from helpdesk.i18n import Text, _
from web.board import ACTIVE, listing

PLACE = 8_070_605_040_302_010
"""Stands for the number of whom the tickets are of."""


@dataclass(frozen=True)
class Column:
    name: str
    label: Text
    behind: tuple[Where, ...] = ()
    means: Text | None = None
    tone: str = ""


COLUMNS = (
    Column("open", _("Open")),
    Column(
        "ours",
        _("For us to act"),
        (Where("category", Operator.any_of, ["new", "open"]),),
        _("New or open: neither waiting for the customer nor on hold."),
    ),
    Column(
        "waiting",
        _("Customer waits"),
        (Where("waiting_since", Operator.is_not_empty),),
        _("The customer waits for an answer."),
    ),
    Column(
        "due",
        _("Due within the hour"),
        (Where("promise_due", Operator.within_next, "60m"),),
        _("A promise that still holds ends within the next 60 minutes."),
        "warn",
    ),
    Column(
        "late",
        _("Breached"),
        (Where("late", Operator.is_, True),),
        _("A promise was not kept in time and is still owed."),
        "bad",
    ),
)
_numbers = attrgetter(*(column.name for column in COLUMNS))


@dataclass(frozen=True)
class Heading:
    label: str
    means: str
    tone: str


def headings() -> list[Heading]:
    """In the reader's language."""
    return [
        Heading(str(column.label), str(column.means) if column.means else "", column.tone)
        for column in COLUMNS
    ]


def cells(held: Held, scope: Scope, field: str, of: int | None) -> Iterator[tuple[int, Markup]]:
    """In the order of the headings, each number and where it leads. `field`: `assignee` or `team`."""
    forms = _forms(scope, field, of is None)
    for n, (before, after) in zip(_numbers(held), forms, strict=True):
        yield n, Markup(f"{before}{of}{after}" if after else before)  # noqa: S704 - escaped where it was written


@lru_cache(maxsize=512)
def _forms(scope: Scope, field: str, nobody: bool) -> list[tuple[str, str]]:
    """Of each column the address before and after the number; whole where it has none."""
    whose = Where(field, Operator.is_empty) if nobody else Where(field, Operator.is_, PLACE)
    found = []
    for column in COLUMNS:
        address = str(escape(listing(scope.of(ACTIVE, whose, *column.behind))))
        before, _place, after = address.partition(str(PLACE))
        found.append((before, after))
    return found
