"""From JSON to a condition that holds together: known fields, operators that fit, values of the right sort."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from math import isfinite
from typing import Any

import msgspec

from helpdesk.conditions.subjects import CUSTOM, FIELDS, OPERATORS, Field, Sort
from helpdesk.conditions.tree import (
    LONGEST_LIST,
    LONGEST_TEXT,
    All,
    BadCondition,
    Condition,
    Either,
    Not,
    Operator,
    Scalar,
    Value,
    Where,
    read,
)
from helpdesk.fields import FieldKind
from helpdesk.i18n import gettext
from helpdesk.texts import clean

KEY = re.compile(r"(fields|contact|company)\.([a-z][a-z0-9_]{0,59})")
SPAN = re.compile(r"(\d{1,5})([mhdw])")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LARGEST = 2**63 - 1
CUSTOM_SORTS = {
    FieldKind.text: Sort.text,
    FieldKind.link: Sort.text,
    FieldKind.pattern: Sort.text,
    FieldKind.number: Sort.number,
    FieldKind.boolean: Sort.flag,
    FieldKind.date: Sort.day,
    FieldKind.choice: Sort.choice,
    FieldKind.choices: Sort.names,
}

Kinds = Mapping[str, FieldKind]
"""The custom fields that there are, by their name in conditions: `fields.order_number`."""


def parse(given: object, custom: Kinds | None = None) -> Condition:
    """The condition that JSON (text, bytes or objects) stands for; raises BadCondition, which names the field.

    With `custom`, statements about custom fields are checked against it; without, they are taken as they are.
    """
    return _checked(given if isinstance(given, All | Either | Not | Where) else read(given), custom)


def _checked(condition: Condition, custom: Kinds | None) -> Condition:
    match condition:
        case Where():
            return _statement(condition, custom)
        case Not(of):
            return Not(_checked(of, custom))
        case All(of):
            return All(tuple(_checked(each, custom) for each in of))
        case Either(of):
            return Either(tuple(_checked(each, custom) for each in of))


def _statement(where: Where, custom: Kinds | None) -> Where:
    sort, field = sort_of(where.field, custom)
    operators = field.operators if field else OPERATORS[sort] if sort else tuple(Operator)
    if where.operator not in operators:
        possible = ", ".join(operators)
        raise BadCondition(
            gettext("%(field)s cannot be asked for with “%(operator)s”; possible are: %(possible)s.")
            % {"field": where.field, "operator": where.operator, "possible": possible},
            where.field,
        )
    try:
        return msgspec.structs.replace(where, value=_value(where, sort, field))
    except ValueError as wrong:
        raise BadCondition(
            gettext("%(field)s: %(why)s.") % {"field": where.field, "why": wrong}, where.field
        ) from None


def sort_of(name: str, custom: Kinds | None = None) -> tuple[Sort | None, Field | None]:
    """What sort of thing the field holds; no sort where it is a custom field that nobody has told of."""
    if field := FIELDS.get(name):
        return field.sort, field
    if KEY.fullmatch(name):
        if custom is None:
            return None, None
        if kind := custom.get(name):
            return CUSTOM_SORTS[kind], None
    known = ", ".join([*FIELDS, *(custom or ()), *(f"{place}.…" for place in CUSTOM if not custom)])
    raise BadCondition(
        gettext("There is no field “%(field)s”. Known are: %(known)s.")
        % {"field": name[:80], "known": known},
        name[:80],
    )


def _value(where: Where, sort: Sort | None, field: Field | None) -> Value:
    operator, given = where.operator, where.value
    if not operator.takes_value:
        return None
    if operator.takes_span:
        span(given)
        return str(given)
    one = _reader(sort, field)
    if operator.takes_list:
        listed = given if isinstance(given, list) else [given]
        if not listed or len(listed) > LONGEST_LIST or None in listed:
            raise ValueError(gettext("it takes a list of 1 to %(n)s values") % {"n": LONGEST_LIST})
        return [one(each) for each in listed]
    return one(given)


def _reader(sort: Sort | None, field: Field | None) -> Callable[[Any], Scalar]:
    match sort:
        case Sort.number:
            return _number
        case Sort.flag:
            return _flag
        case Sort.instant:
            return _instant
        case Sort.day:
            return _day
        case Sort.one | Sort.several:
            return lambda given: _id(given, field)
        case Sort.choice:
            return lambda given: _choice(given, field)
        case None:
            return lambda given: _text(given) if isinstance(given, str) else _scalar(given)
        case _:
            return _text


def _text(given: Any) -> str:
    if not isinstance(given, str) or not (text := clean(given).strip()):
        raise ValueError(gettext("it takes some text"))
    if len(text) > LONGEST_TEXT:
        raise ValueError(gettext("it takes at most %(n)s characters") % {"n": LONGEST_TEXT})
    return text


def _number(given: Any) -> int | float:
    try:
        if isinstance(given, bool):
            raise TypeError
        number = given if isinstance(given, int | float) else float(given) if len(given) < 64 else given
        if not isfinite(number) or abs(number) > LARGEST:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(gettext("it takes a number")) from None
    return int(number) if number == int(number) else number


def _flag(given: Any) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.lower() in words:
        return words[given.lower()]
    raise ValueError(gettext("it takes true or false"))


def _id(given: Any, field: Field | None) -> int | str:
    if field and given in field.special:
        return str(given)
    text = str(given)
    if not isinstance(given, bool) and text.isascii() and text.isdigit() and 0 < int(text[:20]) <= LARGEST:
        return int(text)
    special = ", ".join(field.special) if field else ""
    raise ValueError(
        gettext("it takes a number or one of: %(words)s") % {"words": special}
        if special
        else gettext("it takes a number")
    )


def _choice(given: Any, field: Field | None) -> str:
    text = _text(given)
    if field and field.choices and text not in field.choices:
        raise ValueError(gettext("it takes one of: %(words)s") % {"words": ", ".join(field.choices)})
    return text


def _scalar(given: Any) -> Scalar:
    if isinstance(given, bool):
        return given
    return _number(given)


def _instant(given: Any) -> str:
    instant(given)
    return str(given)


def _day(given: Any) -> str:
    try:
        return date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise ValueError(gettext("it takes a date such as 2026-03-31")) from None


def instant(given: Any) -> date | datetime:
    """A day, or an instant with its zone."""
    try:
        if len(given) == 10:
            return date.fromisoformat(given)
        found = datetime.fromisoformat(given)
        if found.tzinfo is None or not 1900 < found.year < 9999:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            gettext("it takes a date such as 2026-03-31, or a time such as 2026-03-31T09:00:00Z")
        ) from None
    return found


def span(given: Any) -> timedelta:
    found = SPAN.fullmatch(given) if isinstance(given, str) else None
    if not found:
        raise ValueError(gettext("it takes a length of time such as 30m, 12h, 7d or 4w"))
    return timedelta(**{UNITS[found[2]]: int(found[1])})
