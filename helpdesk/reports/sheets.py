"""An answer as lines and cells: the page shows them, files and mails hold them, and none of them reckons anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.durations import length
from helpdesk.i18n import Text, _, gettext
from helpdesk.measures import DIMENSION_NAMES, Answer, Dimension, Line, Measure, Unit, Value
from helpdesk.tickets import Priority

WEEKDAYS: tuple[Text, ...] = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
PRIORITIES: dict[Priority, Text] = {
    Priority.low: _("Low"),
    Priority.normal: _("Normal"),
    Priority.high: _("High"),
    Priority.urgent: _("Urgent"),
}
SURE = (Unit.share, Unit.score, Unit.points)
"""What comes with the ends between which the truth lies."""


@dataclass(frozen=True)
class Row:
    label: str
    line: Line
    is_total: bool = False


@dataclass(frozen=True)
class Sheet:
    answer: Answer
    heading: str
    """What the lines are."""
    rows: Sequence[Row]
    """The whole first."""

    @property
    def measures(self) -> Sequence[Measure]:
        return self.answer.measures


def sheet(answer: Answer) -> Sheet:
    whole = Row(gettext("All together"), answer.total, is_total=True)
    lines = [Row(label(answer.by, line), line) for line in answer.lines] if answer.by else []
    heading = str(DIMENSION_NAMES[answer.by]) if answer.by else ""
    return Sheet(answer, heading, [whole, *lines])


def label(by: Dimension | None, line: Line) -> str:
    """Days as ISO dates, hours of the week in words."""
    if line.key is None:
        return line.label
    match by:
        case Dimension.hour:
            return f"{WEEKDAYS[line.key // 24]} {line.key % 24:02}:00"
        case Dimension.priority:
            return str(PRIORITIES[Priority(line.key)])
        case Dimension.day | Dimension.week:
            return str(line.key.isoformat())
        case Dimension.month:
            return str(line.key.strftime("%Y-%m"))
    return line.label


def words(measure: Measure, value: float | None) -> str:
    """`12`, `3 h 20`, `87 %`, `+42`; an empty place where there was nothing to measure."""
    if value is None:
        return ""
    match measure.unit:
        case Unit.seconds:
            return length(value)
        case Unit.share:
            return percent(value)
        case Unit.score:
            return f"{value:.2f}"
        case Unit.points:
            return points(value)
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"


def points(score: float) -> str:
    """From -100 to 100; a plus says that it is no share."""
    return f"{round(score):+}" if round(score) else "0"


def percent(share: float) -> str:
    """A share is 100 % or 0 % only where it is all or nothing."""
    rounded = round(share * 100)
    if rounded in (0, 100) and share not in (0.0, 1.0):
        return (
            f"{share * 100:.1f} %"
            if 0.0005 <= share <= 0.9995
            else ("> 99.9 %" if share > 0.5 else "< 0.1 %")
        )
    return f"{rounded} %"


def sure(measure: Measure, value: Value) -> str:
    """`of 12; between 60 % and 98 %`: how many it speaks of, and between which ends the truth lies."""
    if value.value is None:
        return gettext("nothing to measure")
    if measure.unit in (Unit.tickets, Unit.number):
        return ""
    if value.low is None or value.high is None:
        return gettext("of %(n)s") % {"n": value.n}
    ends = {"n": value.n, "low": words(measure, value.low), "high": words(measure, value.high)}
    return gettext("of %(n)s; between %(low)s and %(high)s") % ends


def change(measure: Measure, value: Value, before: Value) -> tuple[str, str]:
    """`+12 %` against before and its tone: good, bad or none. A share changes by points."""
    if value.value is None or before.value is None:
        return "", ""
    difference = value.value - before.value
    if measure.unit is Unit.share:
        text = gettext("%(n)s points") % {"n": f"{difference * 100:+.0f}"}
    elif measure.unit is Unit.score:
        text = f"{difference:+.2f}"
    elif measure.unit is Unit.points:
        text = gettext("%(n)s points") % {"n": f"{difference:+.0f}"}
    elif before.value:
        text = f"{difference / before.value:+.0%}".replace("%", " %")
    else:
        return "", ""
    if text.lstrip("+-").startswith(("0 ", "0.00")):
        return "", ""
    if not measure.more_is:
        return text, ""
    return text, "good" if (difference > 0) == (measure.more_is == "better") else "bad"


def heads(sheet: Sheet) -> list[str]:
    """Of a file: every measure with how many it speaks of, its interval and what it was before, where there are."""
    found = [sheet.heading or gettext("Report")]
    for measure in sheet.measures:
        found.append(head(measure))
        found += [f"{measure}: {what}" for what in _beside(sheet, measure)]
    return found


def head(measure: Measure) -> str:
    unit = {Unit.seconds: gettext("seconds"), Unit.share: gettext("share from 0 to 1")}.get(measure.unit)
    return f"{measure} ({unit})" if unit else str(measure)


def _beside(sheet: Sheet, measure: Measure) -> list[str]:
    found = []
    if measure.unit not in (Unit.tickets, Unit.number):
        found.append(gettext("of how many"))
    if measure.unit in SURE:
        found += [gettext("at least"), gettext("at most")]
    if sheet.answer.compared:
        found.append(gettext("before"))
    return found


def cells(sheet: Sheet, row: Row) -> list[Any]:
    """In the order of `heads`: numbers as they are, so that others can reckon on."""
    found: list[Any] = [row.label]
    for measure in sheet.measures:
        value = row.line[measure]
        found.append(number(measure, value.value))
        if measure.unit not in (Unit.tickets, Unit.number):
            found.append(value.n)
        if measure.unit in SURE:
            found += [number(measure, value.low), number(measure, value.high)]
        if sheet.answer.compared:
            found.append(number(measure, row.line.was(measure).value))
    return found


def number(measure: Measure, value: float | None) -> float | int | None:
    if value is None:
        return None
    return round(value, 6) if measure.unit in SURE else round(value)
