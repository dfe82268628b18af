"""What the board says in words: addresses of lists, numbers of tiles, charts with their tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from babel.dates import format_date, get_day_names
from babel.numbers import format_decimal
from markupsafe import Markup

from helpdesk.board import Scope, Tile, TileName
from helpdesk.board.picture import Trends
from helpdesk.board.tiles import Unit
from helpdesk.conditions import All, Operator, Where
from helpdesk.durations import length
from helpdesk.i18n import gettext, ngettext
from helpdesk.measures import MEASURES, Line, Value
from helpdesk.ordering import Order
from web import charts
from web.words import zone

CREATED, RESOLVED, CSAT = (MEASURES[name] for name in ("created", "resolved", "csat"))
ACTIVE = Where("active", Operator.is_, True)


def address(scope: Scope, **more: Any) -> str:
    """Of the board itself."""
    given = {"team": scope.team_id, "inbox": scope.inbox_id, "channel": scope.channel, **more}
    query = urlencode({name: value for name, value in given.items() if value not in (None, "", False)})
    return f"/board?{query}" if query else "/board"


def listing(condition: All, order: Order = Order.last_message) -> str:
    """Of the list of exactly these tickets."""
    where = msgspec.json.encode(condition).decode()
    return "/tickets?" + urlencode({"where": where, "sort": order.value})


def behind(tile: Tile) -> str:
    """Where a press on it leads: its tickets, or on this page to the people that it counts."""
    if tile.about.unit is Unit.agents or tile.condition is None:
        return "#people"
    return listing(tile.condition, tile.about.order)


def number(tile: Tile, locale: str) -> str:
    if tile.number is None:
        return "–"
    if tile.about.unit is Unit.seconds:
        return length(tile.number)
    return (
        f"{tile.number * 100:.0f} %"
        if tile.about.unit is Unit.share
        else format_decimal(int(tile.number), locale=locale)
    )


def exact(at: datetime, zone_name: str) -> str:
    """`14:05:31`: a screen on a wall shows that it lives."""
    return f"{at.astimezone(zone(zone_name)):%H:%M:%S}"


def beside(tile: Tile) -> str:
    """The smaller words under a number."""
    if tile.name is TileName.waiting:
        words = ngettext("%(n)s customer waits", "%(n)s customers wait", tile.n)
        return words % {"n": tile.n} if tile.n else gettext("nobody waits")
    if tile.interval:
        words = ngettext(
            "of %(n)s reply; %(low)s to %(high)s %%", "of %(n)s replies; %(low)s to %(high)s %%", tile.n
        )
        ends = {"low": f"{tile.interval.low * 100:.0f}", "high": f"{tile.interval.high * 100:.0f}"}
        return words % {"n": tile.n, **ends}
    return gettext("no replies in 7 days") if tile.name is TileName.assistant else ""


def tone(tile: Tile) -> str:
    """Colour only where it means something."""
    if not tile.number:
        return ""
    return {TileName.breached: "bad", TileName.due: "warn", TileName.full: "warn"}.get(tile.name, "")


@dataclass(frozen=True)
class Figure:
    """A chart, and the numbers that it shows as a table."""

    name: str
    title: str
    definition: str
    drawn: Markup | None
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[str] = ()
    empty: str = ""


@dataclass(frozen=True)
class Cell:
    n: int
    heat: int
    """From 0 to 9."""
    words: str


@dataclass(frozen=True)
class Week:
    hours: Sequence[int]
    days: Sequence[tuple[str, Sequence[Cell]]]
    total: int


def figures(trends: Trends, locale: str) -> list[Figure]:
    hours = [(f"{at:%H}", line) for at, line in trends.hours]
    days = [(_day(line.key, locale), line) for line in trends.days]
    return [
        _flow("hours", gettext("Arrivals against resolutions, last 24 hours"), gettext("Hour"), hours),
        _flow("days", gettext("Arrivals against resolutions, last 14 days"), gettext("Day"), days),
        _ratings(trends, locale),
    ]


def _flow(name: str, title: str, unit: str, lines: Sequence[tuple[str, Line]]) -> Figure:
    labels = [label for label, _ in lines]
    series = [
        charts.Series(
            str(measure.label),
            [
                charts.Point(_n(line[measure]), f"{label}: {measure.label}, {_n(line[measure]):.0f}")
                for label, line in lines
            ],
        )
        for measure in (CREATED, RESOLVED)
    ]
    happened = any(_n(line[measure]) for _, line in lines for measure in (CREATED, RESOLVED))
    return Figure(
        name,
        title,
        f"{CREATED.definition} {RESOLVED.definition}",
        charts.columns(series, labels, title=title, high=220) if happened else None,
        [unit, str(CREATED.label), str(RESOLVED.label)],
        [[label, f"{_n(line[CREATED]):.0f}", f"{_n(line[RESOLVED]):.0f}"] for label, line in lines],
        [each.name for each in series],
        gettext("Nothing came in and nothing was resolved."),
    )


def _ratings(trends: Trends, locale: str) -> Figure:
    title = gettext("Satisfied customers, by week")
    lines = [(_day(line.key, locale), line[CSAT]) for line in trends.ratings]
    points = [
        charts.Point(None if value.value is None else value.value * 100, f"{label}: {_rated(value)}")
        for label, value in lines
    ]
    drawn = None
    if any(value.n for _, value in lines):
        labels = [label for label, _ in lines]
        series = [charts.Series(title, points)]
        drawn = charts.lines(series, labels, title=title, say="{:g} %".format, wide=1200, high=220)
    return Figure(
        "ratings",
        title,
        str(CSAT.definition),
        drawn,
        [gettext("Week of"), gettext("Satisfied"), gettext("Between"), gettext("Ratings")],
        [[label, _percent(value.value), _between(value), str(value.n)] for label, value in lines],
        empty=gettext("Nobody has rated in the last twelve weeks."),
    )


def week(trends: Trends, locale: str) -> Week:
    """When tickets come: seven days of 24 hours, the darker, the more."""
    counts = {line.key: int(_n(line[CREATED])) for line in trends.week}
    most = max(counts.values(), default=0)
    names = get_day_names("abbreviated", locale=locale)
    days = []
    for number in range(7):
        cells = []
        for hour in range(24):
            n = counts.get(number * 24 + hour, 0)
            came = ngettext("%(n)s ticket", "%(n)s tickets", n) % {"n": n}
            words = f"{names[number]} {hour:02}:00, {came}"
            cells.append(Cell(n, -(-n * 9 // most) if most else 0, words))
        days.append((str(names[number]), cells))
    return Week(range(24), days, sum(counts.values()))


def _n(value: Value) -> float:
    return value.value or 0.0


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.0f} %"


def _between(value: Value) -> str:
    if value.low is None or value.high is None:
        return "–"
    return f"{value.low * 100:.0f}–{value.high * 100:.0f} %"


def _rated(value: Value) -> str:
    if not value.n:
        return gettext("no ratings")
    words = ngettext("%(share)s of %(n)s rating", "%(share)s of %(n)s ratings", value.n)
    return words % {"share": _percent(value.value), "n": value.n}


def _day(day: date, locale: str) -> str:
    return format_date(day, "d MMM", locale=locale)
