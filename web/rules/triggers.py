"""WHEN: each trigger is a row of the form (`t.0.on`, `t.0.now` …), with the inputs that its occasion has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from helpdesk import conditions, schedules
from helpdesk.conditions import Operator, Scalar, Sort, Where
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import gettext, ngettext
from helpdesk.rules import CHANGING, Occasion, Silence, Trigger
from helpdesk.rules.happenings import MISSING
from helpdesk.schedules import Every
from helpdesk.search.values import Vocabulary
from web.console.builder import Choices, Node

MOST = 10
EMPTY = "none"
"""What a form says for nobody and none; a rule keeps MISSING."""
OPTIONAL = frozenset({"assignee", "team", "type"})
UNITS = {"m": 1, "h": 60, "d": 1440}


@dataclass
class Row:
    """One trigger as it stands in the form, however incomplete."""

    on: str = Occasion.received.value
    about: str = "priority"
    was: list[str] = field(default_factory=list)
    now: list[str] = field(default_factory=list)
    metric: str = ""
    length: str = ""
    unit: str = "h"
    silence: str = Silence.customer.value
    every: str = Every.week.value
    days: list[str] = field(default_factory=lambda: ["0"])
    at: str = "08:00"
    zone: str = "UTC"
    problem: str = ""


def of(given: Sequence[Any], zone: str) -> list[Row]:
    return [_row(each, zone) for each in given] or [Row(zone=zone)]


def _row(given: Any, zone: str) -> Row:
    try:
        trigger = msgspec.convert(given, Trigger)
    except msgspec.ValidationError:
        return Row(zone=zone, problem=gettext("This cannot be read any more. Choose again."))
    length, unit = span(trigger.minutes)
    row = Row(
        on=trigger.on.value,
        about=trigger.field or "priority",
        was=[typed(each) for each in trigger.was],
        now=[typed(each) for each in trigger.now],
        metric=trigger.metric,
        length=length,
        unit=unit,
        silence=trigger.silence.value,
        zone=zone,
    )
    if known := trigger.schedule:
        row.every, row.at, row.zone = known.every.value, known.at, known.zone
        row.days = [str(day) for day in known.days]
    return row


def span(minutes: int) -> tuple[str, str]:
    """A number and its unit, as a form has them."""
    unit = next((unit for unit in "dhm" if minutes and minutes % UNITS[unit] == 0), "h")
    return (str(minutes // UNITS[unit]) if minutes else ""), unit


def typed(value: Scalar) -> str:
    """As a form holds it."""
    if value == MISSING:
        return EMPTY
    return str(value).lower() if isinstance(value, bool) else str(value)


def read(form: Any) -> list[Row]:
    """What was sent. `form` is a multi-dict."""
    return [_sent(form, f"t.{place}.") for place in places(form, "t")][:MOST]


def places(form: Any, letter: str) -> Iterator[int]:
    """The numbers of rows of which something was sent, in the order of the form."""
    seen: dict[str, None] = {}
    for key in form:
        begin, _, rest = key.partition(".")
        number = rest.partition(".")[0]
        if begin == letter and number.isascii() and number.isdigit() and len(number) < 4:
            seen.setdefault(number)
    yield from map(int, seen)


def _sent(form: Any, at: str) -> Row:
    def one(name: str, longest: int = 80) -> str:
        return str(form.get(f"{at}{name}", "")).strip()[:longest]

    def several(name: str) -> list[str]:
        return [str(each)[:500] for each in form.getall(f"{at}{name}", [])][:100]

    usual = Row()
    same = one("before") in {"", one("field")}  # of another field other values are meant
    return Row(
        on=one("on") if one("on") in set(Occasion) else usual.on,
        about=one("field") or usual.about,
        was=several("was") if same else [],
        now=several("now") if same else [],
        metric=one("metric", 20),
        length=one("length", 10),
        unit=one("unit") if one("unit") in UNITS else usual.unit,
        silence=one("silence") if one("silence") in set(Silence) else usual.silence,
        every=one("every") if one("every") in set(Every) else usual.every,
        days=several("day"),
        at=one("at", 5) or usual.at,
        zone=one("zone", 64) or usual.zone,
    )


def given(rows: Sequence[Row], known: Vocabulary) -> list[dict[str, Any]]:
    """As a rule keeps them; raises Invalid, and the row it is about says so as well."""
    found = []
    for row in rows:
        try:
            found.append(_given(row, known))
        except HelpdeskError as error:
            row.problem = str(error)
            raise
    return found


def _given(row: Row, known: Vocabulary) -> dict[str, Any]:
    match Occasion(row.on):
        case Occasion.changed:
            sides = {"was": values(row.about, row.was, known), "now": values(row.about, row.now, known)}
            return {"on": row.on, "field": row.about, **{name: each for name, each in sides.items() if each}}
        case Occasion.warned | Occasion.breached:
            return {"on": row.on, **({"metric": row.metric} if row.metric else {})}
        case Occasion.idle:
            return {"on": row.on, "minutes": minutes(row.length, row.unit), "silence": row.silence}
        case Occasion.schedule:
            days = [int(day) for day in row.days if day.isascii() and day.isdigit() and len(day) < 3]
            told = {"every": row.every, "at": row.at, "zone": row.zone}
            if row.every != Every.day:
                told["days"] = days  # type: ignore[assignment]
            kept = schedules.read(told)
            return {"on": row.on, "schedule": msgspec.to_builtins(kept)}
    return {"on": row.on}


def minutes(length: str, unit: str) -> int:
    """Raises Invalid."""
    if not (length.isascii() and length.isdigit()) or not int(length):
        raise Invalid(gettext("Say how long: a number of minutes, hours or days."))
    if (found := int(length) * UNITS[unit]) > 60 * 24 * 366:
        raise Invalid(gettext("This is longer than a year."))
    return found


def span_words(minutes: int) -> str:
    """`2 days`, `90 minutes`: the largest unit without a rest."""
    count, unit = span(minutes)
    number = int(count or 0)
    words = {
        "d": ngettext("%(num)s day", "%(num)s days", number),
        "h": ngettext("%(num)s hour", "%(num)s hours", number),
        "m": ngettext("%(num)s minute", "%(num)s minutes", number),
    }
    return words[unit] % {"num": number}


def values(name: str, typed: Sequence[str], known: Vocabulary) -> list[Scalar]:
    """Of the sort that the field has; raises BadCondition."""
    empty = [MISSING] if EMPTY in typed and name in OPTIONAL else []
    wanted = [each for each in typed if each.strip() and not (empty and each == EMPTY)]
    if len(wanted) == 1 and not options(name, known):
        wanted = [part.strip() for part in wanted[0].split(",") if part.strip()]
    found: list[Scalar] = []
    several = conditions.sort_of(name, known.kinds)[0] in {Sort.several, Sort.names}
    for each in wanted:
        operator = Operator.any_of if several else Operator.is_
        read = conditions.parse(Where(name, operator, [each] if several else each), known.kinds)
        value = read.value if isinstance(read, Where) else None
        found += value if isinstance(value, list) else [] if value is None else [value]
    return [*empty, *found]


def options(name: str, known: Vocabulary) -> list[tuple[str, str]]:
    """What a field can be, to choose from; nothing where it is typed."""
    choices = Choices(known)
    node = Node("", about=name)
    try:
        if conditions.sort_of(name, known.kinds)[0] is Sort.flag:
            return [("true", gettext("Yes")), ("false", gettext("No"))]
    except HelpdeskError:
        return []
    found = [(value, words) for value, words in choices.values(node) if value not in {"me", "mine"}]
    return [(EMPTY, nobody(name)), *found] if name in OPTIONAL else found


def nobody(name: str) -> str:
    return gettext("nobody") if name == "assignee" else gettext("none")


def fields(known: Vocabulary) -> list[tuple[str, str]]:
    custom = [(name, each.name) for name, each in known.custom.items() if name.startswith("fields.")]
    return [*((name, conditions.label(name)) for name in CHANGING), *custom]
