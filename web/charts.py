"""Charts as plain SVG inside the page: drawn by pygal, dressed by our own style sheet.

What pygal brings of scripts and styles is thrown away, so that both themes and the strict policy hold; every point
says in words what it means, and is a link to what is behind it where there is something. `css/components/chart.css`
has the colours. The page shows the same numbers as a table: a chart is never the only way to read them.
"""

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import pygal
from markupsafe import Markup
from pygal.etree import etree as elements
from pygal.style import Style

# For its plug-ins, pygal puts a finder of Python 2 among those that look for modules; others stumble over it.
sys.meta_path[:] = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

elements.to_etree()  # it would take lxml where that is installed, whose elements are others than ours

MOST_STOPS = 62
"""With more points the Tab key does not stop at each of them: the table is the shorter way then."""
TICKS = 4
STEPS_OF_TIME = (60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_STYLE = Style(label_font_size=11, major_label_font_size=11, value_font_size=11, font_family="sans-serif")
_PLAIN = {
    "style": _STYLE,
    "js": (),
    "show_legend": False,
    "explicit_size": False,
    "disable_xml_declaration": True,
    "pretty_print": False,
    "margin": 4,
    "spacing": 8,
    "truncate_label": 28,
    "no_data_text": "",
}


@dataclass(frozen=True)
class Point:
    """`words` say what it means to who cannot see it; None draws nothing."""

    value: float | None
    words: str = ""
    href: str = ""


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[Point]
    faint: bool = False
    """What it is compared with: dashed, without links."""


Say = Callable[[float], str]


def lines(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    title: str,
    say: Say = "{:g}".format,
    step: Sequence[float] = (),
    wide: int = 760,
    high: int = 240,
) -> Markup:
    """Over time, from left to right. `say` writes the numbers at the side; `step`: the distances they may have."""
    chart = pygal.Line(
        width=wide,
        height=high,
        dots_size=3 if len(labels) <= MOST_STOPS else 1.5,
        show_minor_x_labels=len(labels) <= 12,
        x_labels_major_count=min(8, len(labels)) if len(labels) > 12 else None,
        **_PLAIN,
    )
    _fill(chart, series, labels, say, step)
    return _dressed(chart, series, title, "lines")


def spark(values: Sequence[float], *, title: str, tone: str = "", wide: int = 120, high: int = 24) -> Markup:
    """A line of a few words' height, without axes: `values` from 0, at the bottom, to 1. `title` says all of it."""
    if len(values) < 2:
        return Markup("")
    step = (wide - 8) / (len(values) - 1)
    points = [(4 + at * step, high - 4 - value * (high - 8)) for at, value in enumerate(values)]
    root = Element("svg", {"class": f"mood {tone}".strip(), "viewBox": f"0 0 {wide} {high}", "role": "img"})
    root.set("aria-label", title)
    SubElement(root, "title").text = title
    SubElement(root, "polyline", {"points": " ".join(f"{x:.1f},{y:.1f}" for x, y in points)})
    x, y = points[-1]
    SubElement(root, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "2.4"})
    return Markup(tostring(root, encoding="unicode"))  # noqa: S704 - made of elements, whose texts are escaped


def columns(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    title: str,
    say: Say = "{:g}".format,
    step: Sequence[float] = (),
    wide: int = 760,
    high: int = 240,
) -> Markup:
    """Over time, one beside the other: how many came and how many went."""
    chart = pygal.Bar(
        width=wide,
        height=high,
        show_minor_x_labels=len(labels) <= 12,
        x_labels_major_count=min(8, len(labels)) if len(labels) > 12 else None,
        **_PLAIN,
    )
    _fill(chart, series, labels, say, step)
    return _dressed(chart, series, title, "columns")


def bars(
    series: Sequence[Series],
    labels: Sequence[str],
    *,
    title: str,
    say: Say = "{:g}".format,
    step: Sequence[float] = (),
    wide: int = 760,
) -> Markup:
    """One below the other, the first on top: agents, teams, tags."""
    chart = pygal.HorizontalBar(
        width=wide, height=56 + 26 * max(1, len(labels)) * max(1, len(series)), **_PLAIN
    )
    turned = [Series(each.name, each.points[::-1], each.faint) for each in series]
    _fill(chart, turned, labels[::-1], say, step)
    return _dressed(chart, turned, title, "bars")


def _fill(
    chart: Any, series: Sequence[Series], labels: Sequence[str], say: Say, step: Sequence[float]
) -> None:
    top = max((p.value for each in series for p in each.points if p.value is not None), default=0.0)
    chart.x_labels = list(labels)
    marks = ticks(top, step)
    chart.range = (0, marks[-1])
    chart.y_labels = [{"value": mark, "label": say(mark)} for mark in marks]
    for each in series:
        chart.add(each.name, [_pygal_point(point, faint=each.faint) for point in each.points])


def ticks(top: float, steps: Sequence[float] = ()) -> list[float]:
    """Round numbers from zero to just above `top`; `steps`: in hours rather than in tens, for times."""
    rough = (top or 1) / TICKS
    known = [each for each in steps if each >= rough]
    if known:
        distance = known[0]
    elif steps:  # several of the largest
        distance = steps[-1] * math.ceil(rough / steps[-1])
    else:
        ten = 10.0 ** math.floor(math.log10(rough))
        distance = next(ten * each for each in (1, 2, 2.5, 5, 10) if ten * each >= rough * 0.999)
    return [distance * number for number in range(math.ceil((top or 1) / distance - 1e-9) + 1)]


def _pygal_point(point: Point, *, faint: bool) -> Any:
    if point.value is None:
        return None
    drawn: dict[str, Any] = {"value": point.value, "label": point.words}
    if point.href and not faint:
        drawn["xlink"] = {"href": point.href, "target": "_self"}
    return drawn


def _dressed(chart: Any, series: Sequence[Series], title: str, kind: str) -> Markup:
    root: Element = chart.render_tree()
    for name in ("id", "xmlns", "xmlns:xlink"):
        root.attrib.pop(name, None)
    stops = sum(point.value is not None for each in series for point in each.points) <= MOST_STOPS
    _undress(root, stops=stops)
    for number, each in enumerate(series):
        if each.faint:
            for part in root.iter():
                if f"serie-{number}" in part.get("class", "").split():
                    part.set("class", part.get("class", "") + " faint")
    root.set("class", f"chart {kind}")
    root.set("role", "group")
    root.set("aria-label", title)
    text = tostring(root, encoding="unicode")
    return Markup(text.replace("xlink:href", "href"))  # noqa: S704 - made of elements, whose texts are escaped


_UNWANTED = ("defs", "style", "script", "title", "desc")


def _undress(element: Element, *, stops: bool) -> None:
    """Without styles and scripts of its own; what a point means becomes its title."""
    element.attrib.pop("style", None)
    for child in list(element):
        if not isinstance(child.tag, str) or child.tag in _UNWANTED or _is_hollow(child):
            words = child.text if child.get("class") == "label" else None
            element.remove(child)
            if words:
                _name(element, words, stops=stops)
        else:
            _undress(child, stops=stops)


def _is_hollow(element: Element) -> bool:
    """Places where pygal's script would put its tooltips and legends."""
    kinds = element.get("class", "").split()
    return bool({"tooltip-overlay", "text-overlay", "titles"} & set(kinds))


def _name(element: Element, words: str, *, stops: bool) -> None:
    title = SubElement(element, "title")
    title.text = words
    element.remove(title)
    element.insert(0, title)
    if element.tag == "a":
        element.attrib.pop("target", None)
        if not stops:
            element.set("tabindex", "-1")
