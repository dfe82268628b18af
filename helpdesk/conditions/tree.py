"""The tree itself: and, or, not over single statements about a field, as JSON and as typed structs."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext

DEEPEST = 6
MOST = 60
"""Statements in one tree."""
LONGEST_LIST = 100
LONGEST_TEXT = 500


class Operator(StrEnum):
    is_ = "is"
    is_not = "is_not"
    any_of = "any_of"
    all_of = "all_of"
    none_of = "none_of"
    contains = "contains"
    lacks = "lacks"
    starts_with = "starts_with"
    ends_with = "ends_with"
    above = "above"
    below = "below"
    before = "before"
    after = "after"  # that day or instant included
    within_last = "within_last"
    longer_ago = "longer_ago"
    within_next = "within_next"
    is_empty = "is_empty"
    is_not_empty = "is_not_empty"

    @property
    def takes_value(self) -> bool:
        return self not in {Operator.is_empty, Operator.is_not_empty}

    @property
    def takes_list(self) -> bool:
        return self in {Operator.any_of, Operator.all_of, Operator.none_of}

    @property
    def takes_span(self) -> bool:
        return self in {Operator.within_last, Operator.longer_ago, Operator.within_next}


Scalar = str | int | float | bool
Value = Scalar | list[Scalar] | None


class Where(msgspec.Struct, frozen=True, tag="where", tag_field="kind", omit_defaults=True):
    """One statement: `{"kind": "where", "field": "tags", "operator": "any_of", "value": [3, 5]}`."""

    field: str
    operator: Operator
    value: Value = None


class All(msgspec.Struct, frozen=True, tag="all", tag_field="kind"):
    """Every one of them holds; of none: always."""

    of: "tuple[Condition, ...]" = ()


class Either(msgspec.Struct, frozen=True, tag="any", tag_field="kind"):
    """At least one of them holds; of none: never."""

    of: "tuple[Condition, ...]" = ()


class Not(msgspec.Struct, frozen=True, tag="not", tag_field="kind"):
    of: "Condition"


Condition = All | Either | Not | Where
EVERYTHING = All()


class BadCondition(Invalid):
    """What is wrong with a condition, naming the field. `field` is empty where the tree itself is wrong."""

    message = _("This condition cannot be read.")

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.field = field


def read(given: object) -> Condition:
    """The tree from JSON, bytes or text or already as objects; knows nothing of fields yet."""
    try:
        if isinstance(given, bytes | str):
            found: Condition = msgspec.json.decode(given, type=Condition)
        else:
            found = msgspec.convert(given, type=Condition)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadCondition(gettext("This condition cannot be read: %(why)s.") % {"why": error}) from None
    _measure(found)
    return found


def _measure(condition: Condition) -> None:
    """Depth first without recursion: what is too deep must not be walked to say so."""
    waiting, statements = [(condition, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        if depth > DEEPEST:
            raise BadCondition(gettext("Groups lie at most %(n)s deep in each other.") % {"n": DEEPEST})
        if isinstance(node, Where):
            statements += 1
        else:
            inside = (node.of,) if isinstance(node, Not) else node.of
            statements += not inside
            waiting += [(each, depth + 1) for each in inside]
        if statements + len(waiting) > MOST * 2 or statements > MOST:
            raise BadCondition(gettext("A condition has at most %(n)s statements.") % {"n": MOST})


def statements(condition: Condition) -> Iterator[Where]:
    """All of them, wherever they stand."""
    if isinstance(condition, Where):
        yield condition
    elif isinstance(condition, Not):
        yield from statements(condition.of)
    else:
        for each in condition.of:
            yield from statements(each)


def as_json(condition: Condition) -> dict[str, Any]:
    """What a JSONB column and the API take."""
    built: dict[str, Any] = msgspec.to_builtins(condition)
    return built


def both(*conditions: Condition) -> Condition:
    """All of them, without needless nesting."""
    flat: list[Condition] = []
    for each in conditions:
        flat += each.of if isinstance(each, All) else [each]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def kept(condition: Condition) -> Condition:
    """Without spam, trash and what was merged away, unless it speaks of them: so do searches and saved views."""
    if any(each.field == "removed" for each in statements(condition)):
        return condition
    return both(condition, Where("removed", Operator.is_empty))
