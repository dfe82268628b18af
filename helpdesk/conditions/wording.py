"""Conditions in words, as people read them on chips and in lists of views."""

from collections.abc import Callable, Mapping

from helpdesk.conditions.subjects import FIELDS, Sort
from helpdesk.conditions.tree import All, Condition, Either, Not, Operator, Scalar, Where
from helpdesk.i18n import Text, _, gettext, ngettext

Names = Callable[[str, Scalar], str | None]
"""Of what (team, agent, tag, category, …) and which one → its name; None where there is none any more."""

OPERATOR_NAMES: Mapping[Operator, Text] = {
    Operator.is_: _("is"),
    Operator.is_not: _("is not"),
    Operator.any_of: _("is any of"),
    Operator.all_of: _("has all of"),
    Operator.none_of: _("is none of"),
    Operator.contains: _("contains"),
    Operator.lacks: _("does not contain"),
    Operator.starts_with: _("begins with"),
    Operator.ends_with: _("ends with"),
    Operator.above: _("is above"),
    Operator.below: _("is below"),
    Operator.before: _("is before"),
    Operator.after: _("is on or after"),
    Operator.within_last: _("is within the last"),
    Operator.longer_ago: _("is longer ago than"),
    Operator.within_next: _("is within the next"),
    Operator.is_empty: _("is empty"),
    Operator.is_not_empty: _("is not empty"),
}


def describe(condition: Condition, names: Names = lambda of, value: None, *, inside: bool = False) -> str:
    """One line: `Status is Open and (Tags has vip or Priority is Urgent)`."""
    match condition:
        case Where():
            return _statement(condition, names)
        case Not(of):
            return gettext("not %(what)s") % {"what": describe(of, names, inside=True)}
        case All(()):
            return gettext("everything")
        case Either(()):
            return gettext("nothing")
        case All(of) | Either(of):
            word = gettext(" and ") if isinstance(condition, All) else gettext(" or ")
            line = word.join(describe(each, names, inside=True) for each in of)
            return f"({line})" if inside and len(of) > 1 else line


def label(field: str, custom: Mapping[str, str] | None = None) -> str:
    """What a field is called; a custom one by its own name, where that is known."""
    if known := FIELDS.get(field):
        return str(known.label)
    return (custom or {}).get(field) or field.partition(".")[2] or field


def _statement(where: Where, names: Names) -> str:
    field = FIELDS.get(where.field)
    called = str(field.label) if field else names("field", where.field) or label(where.field)
    if field and field.sort is Sort.flag:
        return called if where.value else gettext("not: %(what)s") % {"what": called}
    verb = str(OPERATOR_NAMES[where.operator])
    if not where.operator.takes_value:
        return f"{called} {verb}"
    if where.operator.takes_span:
        return f"{called} {verb} {span_words(str(where.value))}"
    of = (field.of or field.name) if field else ""
    values = where.value if isinstance(where.value, list) else [where.value]
    return f"{called} {verb} {', '.join(_value(of, each, names) for each in values if each is not None)}"


def _value(of: str, value: Scalar, names: Names) -> str:
    if value == "me":
        return gettext("me")
    if value == "mine":
        return gettext("my teams")
    if name := names(of, value):
        return name
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return gettext("(gone)") if of and isinstance(value, int) and of != "number" else str(value)


def span_words(span: str) -> str:
    count = int(span[:-1])
    words = {
        "m": ngettext("%(n)s minute", "%(n)s minutes", count),
        "h": ngettext("%(n)s hour", "%(n)s hours", count),
        "d": ngettext("%(n)s day", "%(n)s days", count),
        "w": ngettext("%(n)s week", "%(n)s weeks", count),
    }[span[-1]]
    return words % {"n": count}
