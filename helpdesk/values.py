"""Values of custom fields: what each kind takes, how it is kept as JSON, and how it is shown.

One reader for forms, CSV files and the API: text is read as what the kind means, JSON of the right kind is
taken as it is. Nothing given is None, whatever the kind.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urlsplit

import re2

from helpdesk.i18n import _, gettext
from helpdesk.texts import clean

Value = str | int | float | bool | list[str] | None
"""As `fields` keeps it: dates as ISO text, several choices as a list in the order of the field's choices."""

LONGEST_TEXT = 2000  # characters
LONGEST_PATTERN = 500
LARGEST = Decimal(10) ** 15  # beyond it JSON's numbers are not exact any more
DECIMALS = 6
PATTERN_MEMORY = 1 << 20  # bytes that one pattern may become


class FieldKind(StrEnum):
    text = "text"
    number = "number"
    boolean = "boolean"
    date = "date"
    choice = "choice"
    choices = "choices"  # several of them
    link = "link"
    pattern = "pattern"  # text that matches a regular expression


KIND_NAMES = {
    FieldKind.text: _("Text"),
    FieldKind.number: _("Number"),
    FieldKind.boolean: _("Yes or no"),
    FieldKind.date: _("Date"),
    FieldKind.choice: _("One of several"),
    FieldKind.choices: _("Some of several"),
    FieldKind.link: _("Link"),
    FieldKind.pattern: _("Text of a given form"),
}


class Rule(Protocol):
    """What a field says of its values."""

    kind: FieldKind
    choices: list[str]
    pattern: str


class Wrong(ValueError):
    """Why a value does not fit, as the end of a sentence that names the field."""


def read(rule: Rule, given: object) -> Value:
    """The value as it is kept; raises Wrong."""
    if isinstance(given, str):
        given = clean(given).strip()
    if given is None or given == "" or given == [] or given == ():
        return None
    return READERS[rule.kind](rule, given)


def show(kind: FieldKind, value: Any) -> str:
    """In words, dates and numbers as ISO and JSON have them: whoever shows a page knows its locale."""
    if value is None:
        return ""
    if kind is FieldKind.boolean:
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _text(rule: Rule, given: object) -> str:
    if not isinstance(given, str):
        raise Wrong(gettext("it takes text"))
    if len(given) > LONGEST_TEXT:
        raise Wrong(
            gettext("it takes %(most)s characters, not %(n)s") % {"most": LONGEST_TEXT, "n": len(given)}
        )
    return given


def _number(rule: Rule, given: object) -> int | float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise Wrong(gettext("it takes a number"))
    try:
        number = Decimal(_short(str(given)).replace("\N{MINUS SIGN}", "-"))
    except InvalidOperation:
        raise Wrong(gettext("it takes a number, such as 12 or 12.5")) from None
    if not number.is_finite() or not -LARGEST < number < LARGEST:
        raise Wrong(gettext("it takes a number of at most 15 digits"))
    if number == number.to_integral_value():
        return int(number)
    if number != round(number, DECIMALS):
        raise Wrong(gettext("it takes at most %(n)s digits behind the point") % {"n": DECIMALS})
    return float(number)


def _short(digits: str) -> str:
    """Digits without end are no number, and costly to read."""
    return digits if len(digits) <= 64 else "too long"


YES, NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


def _boolean(rule: Rule, given: object) -> bool:
    word = str(given).lower() if isinstance(given, bool | str) else ""
    if word not in YES | NO:
        raise Wrong(gettext("it takes yes or no"))
    return word in YES


def _date(rule: Rule, given: object) -> str:
    try:
        if isinstance(given, int | float):
            raise ValueError
        return date.fromisoformat(str(given)).isoformat()
    except ValueError:
        raise Wrong(gettext("it takes a date such as 2026-03-31")) from None


def _choice(rule: Rule, given: object) -> str:
    if given not in rule.choices:
        raise Wrong(gettext("it takes one of: %(choices)s") % {"choices": _some(rule.choices)})
    return str(given)


def _choices(rule: Rule, given: object) -> list[str]:
    """A list, or text with commas or semicolons between the choices, as files have it."""
    if isinstance(given, str):
        given = (
            [given]
            if given in rule.choices
            else [part.strip() for part in given.replace(";", ",").split(",")]
        )
    if not isinstance(given, list | tuple):
        raise Wrong(gettext("it takes a list of choices"))
    chosen = {_choice(rule, clean(str(one)).strip()) for one in given if one != ""}
    return [choice for choice in rule.choices if choice in chosen]


def _link(rule: Rule, given: object) -> str:
    """Only what a browser opens as a page: a `javascript:` address in a link would be a program."""
    address = _text(rule, given)
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or not character.isprintable() for character in address):
        raise Wrong(gettext("it takes an address that begins with https:// or http://"))
    return address


def _pattern(rule: Rule, given: object) -> str:
    written = _text(rule, given)
    if not compiled(rule.pattern).fullmatch(written):
        raise Wrong(gettext("it takes text of the form %(pattern)s") % {"pattern": rule.pattern})
    return written


READERS: dict[FieldKind, Callable[[Rule, object], Value]] = {
    FieldKind.text: _text,
    FieldKind.number: _number,
    FieldKind.boolean: _boolean,
    FieldKind.date: _date,
    FieldKind.choice: _choice,
    FieldKind.choices: _choices,
    FieldKind.link: _link,
    FieldKind.pattern: _pattern,
}


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """By RE2, whose time grows with the text and not with the pattern's tricks; raises Wrong."""
    if len(pattern) > LONGEST_PATTERN:
        raise Wrong(gettext("a pattern has at most %(n)s characters") % {"n": LONGEST_PATTERN})
    options = re2.Options()
    options.log_errors, options.max_mem = False, PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace") if error.args else ""
        raise Wrong(gettext("the pattern cannot be used: %(why)s") % {"why": why}) from None


def _some(choices: Sequence[str], most: int = 12) -> str:
    return ", ".join(choices[:most]) + (", …" if len(choices) > most else "")
