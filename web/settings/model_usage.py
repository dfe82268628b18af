"""What language models were used for, drawn by day and purpose."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_compact_decimal, format_decimal
from markupsafe import Markup

from ai.providers.figures import Used
from ai.providers.purposes import NAMES, Purpose
from helpdesk.i18n import gettext
from web import charts
from web.charts import Point, Series

MOST_SERIES = 5  # beside them the others are one


@dataclass(frozen=True)
class Line:
    """One purpose over all of the days."""

    name: str
    calls: int
    tokens: int
    cost: Decimal


@dataclass(frozen=True)
class Usage:
    svg: Markup
    legend: Sequence[tuple[str, str]]
    lines: Sequence[Line]


def named(purpose: Purpose | None) -> str:
    return str(NAMES[purpose]) if purpose else gettext("Tried out")


def drawn(days: Sequence[date], used: Sequence[Used], locale: str) -> Usage | None:
    """None where nothing was used."""
    used = [one for one in used if one.day in days]
    if not used:
        return None
    lines = _lines(used)
    shown = [line.name for line in lines[:MOST_SERIES]]
    tokens: dict[tuple[str, date], int] = defaultdict(int)
    for one in used:
        name = named(one.purpose)
        tokens[name if name in shown else gettext("Other"), one.day] += one.tokens
    names = [*shown, *([gettext("Other")] if len(lines) > MOST_SERIES else [])]
    svg = charts.columns(
        [Series(name, [_point(name, day, tokens[name, day], locale) for day in days]) for name in names],
        [str(format_date(day, "d MMM", locale=locale)) for day in days],
        title=gettext("Tokens by day"),
        say=lambda value: str(format_compact_decimal(value, locale=locale, fraction_digits=1)),
        wide=1000,
    )
    return Usage(svg, [(f"color-{n}", name) for n, name in enumerate(names)], lines)


def _lines(used: Sequence[Used]) -> list[Line]:
    found: dict[str, Line] = {}
    for one in used:
        name = named(one.purpose)
        so_far = found.get(name, Line(name, 0, 0, Decimal(0)))
        found[name] = Line(name, so_far.calls + one.calls, so_far.tokens + one.tokens, so_far.cost + one.cost)
    return sorted(found.values(), key=lambda line: -line.tokens)


def _point(name: str, day: date, tokens: int, locale: str) -> Point:
    words = gettext("%(name)s, %(day)s: %(tokens)s tokens") % {
        "name": name,
        "day": format_date(day, "d MMM", locale=locale),
        "tokens": format_decimal(tokens, locale=locale),
    }
    return Point(tokens or None, words)
