"""The picture of a report: a line over time, bars of agents and teams, the hours of a week as a field of shades."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.dates import format_date
from markupsafe import Markup

from helpdesk.i18n import gettext
from helpdesk.measures import Dimension, Measure, Unit
from helpdesk.reports import sheets
from helpdesk.reports.sheets import Row, Sheet
from web import charts
from web.charts import Point, Series
from web.reports.asked import Asked

MOST_BARS = 15
SHADES = 9


@dataclass(frozen=True)
class Cell:
    words: str
    shade: int
    href: str
    label: str


@dataclass(frozen=True)
class Picture:
    svg: Markup | None = None
    weekdays: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """Class and name of each series, where there are several."""
    left_out: int = 0


def picture(sheet: Sheet, asked: Asked, locale: str) -> Picture | None:
    """None where there is nothing to draw."""
    rows, by, measure = sheet.rows[1:], sheet.answer.by, asked.show
    if by is None or not any(row.line[measure].value is not None for row in rows):
        return None
    if by is Dimension.hour:
        return Picture(weekdays=_week(rows, asked, measure))
    shown = rows if by.is_time else rows[:MOST_BARS]
    series = [Series(str(measure), [_point(row, asked, measure, locale) for row in shown])]
    if sheet.answer.compared:
        before = [_before(row, measure) for row in shown]
        series.append(Series(gettext("Before"), before, faint=True))
    draw = charts.lines if by.is_time else charts.bars
    svg = draw(
        series,
        [label(row, by, locale) for row in shown],
        title=str(measure),
        say=lambda value: sheets.words(measure, value),
        step=charts.STEPS_OF_TIME if measure.unit is Unit.seconds else (),
        wide=1000,
    )
    legend = tuple((f"color-{n}{' faint' if one.faint else ''}", one.name) for n, one in enumerate(series))
    return Picture(svg, legend=legend if len(series) > 1 else (), left_out=len(rows) - len(shown))


def label(row: Row, by: Dimension | None, locale: str) -> str:
    """`27 Mar`, `March 2026`; everything else by its name."""
    key = row.line.key
    if row.is_total or by is None or not by.is_time:
        return row.label
    if by is Dimension.month:
        return str(format_date(key, "MMM y", locale=locale))
    return str(format_date(key, "d MMM", locale=locale))


def whole_label(row: Row, by: Dimension | None, locale: str) -> str:
    """As the table says it: with the day of the week."""
    if row.is_total or by not in (Dimension.day, Dimension.week):
        return label(row, by, locale)
    day = str(format_date(row.line.key, "EEE d MMM", locale=locale))
    return gettext("Week of %(day)s") % {"day": day} if by is Dimension.week else day


def _point(row: Row, asked: Asked, measure: Measure, locale: str) -> Point:
    value = row.line[measure]
    name = whole_label(row, asked.question.by, locale)
    words = f"{name}: {sheets.words(measure, value.value)} {sheets.sure(measure, value)}".strip()
    return Point(value.value, words, asked.behind(measure, row.line) if value.n else "")


def _before(row: Row, measure: Measure) -> Point:
    value = row.line.was(measure).value
    return Point(value, gettext("Before: %(value)s") % {"value": sheets.words(measure, value)})


def _week(rows: Sequence[Row], asked: Asked, measure: Measure) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    most = max((row.line[measure].value or 0 for row in rows), default=0) or 1

    def cell(row: Row) -> Cell:
        value = row.line[measure]
        words = sheets.words(measure, value.value)
        shade = -(-SHADES * (value.value or 0) // most)
        href = asked.behind(measure, row.line) if value.n else ""
        return Cell(words if value.n else "", int(shade), href, f"{row.label}: {words}")

    days = [rows[number : number + 24] for number in range(0, len(rows), 24)]
    return tuple(
        (str(name), tuple(map(cell, hours))) for name, hours in zip(sheets.WEEKDAYS, days, strict=True)
    )
