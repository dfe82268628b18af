"""Conditions as plain form fields and back: `c.kind=all`, `c.0.field=tags`, `c.0.operator=any_of`, `c.0.value=3` …

Everything is a field or a button of the form, so it works with a keyboard, on a phone and without scripts. What
is half filled in is kept as it is: only saving and counting need a condition that holds together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpdesk import conditions
from helpdesk.conditions import (
    FIELDS,
    OPERATOR_NAMES,
    OPERATORS,
    All,
    BadCondition,
    Condition,
    Either,
    Not,
    Operator,
    Sort,
    Where,
)
from helpdesk.i18n import gettext
from helpdesk.search.values import WORDS, Vocabulary
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from web.words import priority_name, status_name

ROOT = "c"
MOST = 80
"""Nodes of one form."""
PEOPLE = frozenset({"contact", "company"})
"""Too many to choose from a list: their names and addresses are asked for instead."""
UNITS = ("m", "h", "d", "w")


@dataclass
class Node:
    """A group (`kind` all, any or none) or a statement (`kind` where), as it stands in the form."""

    path: str
    kind: str = "where"
    about: str = "category"
    operator: str = ""
    values: list[str] = field(default_factory=list)
    inside: list["Node"] = field(default_factory=list)
    problem: str = ""

    def walk(self) -> Iterator["Node"]:
        yield self
        for each in self.inside:
            yield from each.walk()


def of(condition: Condition, path: str = ROOT) -> Node:
    """The form of a condition; its root is always a group."""
    if path == ROOT and isinstance(condition, Where):
        condition = All((condition,))
    match condition:
        case Where(name, operator, value):
            listed = value if isinstance(value, list) else [] if value is None else [value]
            words = ["true" if each is True else "false" if each is False else str(each) for each in listed]
            return Node(path, "where", name, operator.value, words)
        case Not(inner):
            kind, inside = "none", inner.of if isinstance(inner, Either) else (inner,)
        case All(inside):
            kind = "all"
        case Either(inside):
            kind = "any"
    return Node(path, kind, inside=[of(each, f"{path}.{n}") for n, each in enumerate(inside)])


def read(form: Any, path: str = ROOT, depth: int = 1, count: list[int] | None = None) -> Node:
    """What was sent, however incomplete. `form` is a multi-dict."""
    count = count if count is not None else [0]
    count[0] += 1
    if depth > 8 or count[0] > MOST:
        raise BadCondition(gettext("This condition has too many parts."))
    kind = str(form.get(f"{path}.kind", "where"))
    if kind not in {"all", "any", "none"}:
        values = [str(each) for each in form.getall(f"{path}.value", [])][:100]
        if (unit := str(form.get(f"{path}.unit", ""))) in UNITS and values:
            values = [f"{values[0].strip()}{unit}"]
        name = str(form.get(f"{path}.field", "category"))[:80]
        return Node(path, "where", name, str(form.get(f"{path}.operator", ""))[:20], values)
    numbers = {
        int(number)
        for key in form
        if key.startswith(f"{path}.")
        and (number := key[len(path) + 1 :].split(".")[0]).isascii()
        and number.isdigit()
        and len(number) < 4
    }
    inside = [read(form, f"{path}.{n}", depth + 1, count) for n in sorted(numbers)]
    return Node(path, kind, inside=inside)


def condition(node: Node, known: Vocabulary) -> Condition:
    """What it means; raises BadCondition, and the statement it is about says so as well."""
    if node.kind == "where":
        try:
            return conditions.parse(_where(node, known), known.kinds)
        except BadCondition as error:
            node.problem = str(error)
            raise
    inside = tuple(condition(each, known) for each in node.inside)
    if node.kind == "all":
        return All(inside)
    return Either(inside) if node.kind == "any" else Not(Either(inside))


def _where(node: Node, known: Vocabulary) -> Where:
    operator = Operator(node.operator) if node.operator in {each.value for each in Operator} else Operator.is_
    values: Any = [each for each in node.values if each.strip()]
    if operator.takes_list:
        if len(values) == 1 and sort_of(node.about, known) in {Sort.text, Sort.number}:
            values = [part.strip() for part in values[0].split(",") if part.strip()]
        return Where(node.about, operator, values)
    return Where(node.about, operator, values[0] if values and operator.takes_value else None)


def change(root: Node, do: str) -> Node:
    """What a button of the form asks for: add:PATH, group:PATH, remove:PATH. Anything else leaves it as it is."""
    verb, _, path = do.partition(":")
    nodes = {node.path: node for node in root.walk()}
    if verb in {"add", "group"} and path in nodes and nodes[path].kind != "where":
        group = nodes[path]
        added = Node(f"{path}.{len(group.inside)}")
        if verb == "group":
            added = Node(
                added.path, "any" if group.kind == "all" else "all", inside=[Node(f"{added.path}.0")]
            )
        group.inside.append(added)
    elif verb == "remove" and path in nodes and path != ROOT:
        for node in nodes.values():
            node.inside = [each for each in node.inside if each.path != path]
    return _numbered(root, ROOT)


def _numbered(node: Node, path: str) -> Node:
    node.path = path
    for n, each in enumerate(node.inside):
        _numbered(each, f"{path}.{n}")
    return node


def sort_of(name: str, known: Vocabulary) -> Sort | None:
    try:
        return conditions.sort_of(name, known.kinds)[0]
    except BadCondition:
        return None


@dataclass(frozen=True)
class Choices:
    """What the selects of a form offer."""

    known: Vocabulary

    def fields(self, chosen: str) -> Sequence[tuple[str, str]]:
        """All that a person can fill in, and the one that is chosen however it came there."""
        offered = [
            (name, str(each.label))
            for name, each in FIELDS.items()
            if each.of not in PEOPLE or name == chosen
        ]
        offered += [
            (name, each.name)
            for name, each in self.known.custom.items()
            if not each.archived or name == chosen
        ]
        return offered

    def operators(self, node: Node) -> Sequence[tuple[str, str]]:
        known = FIELDS.get(node.about)
        sort = sort_of(node.about, self.known)
        offered = known.operators if known else OPERATORS[sort] if sort else ()
        return [(each.value, str(OPERATOR_NAMES[each])) for each in offered]

    def operator(self, node: Node) -> Operator:
        """The chosen one, or the field's first where another field's was chosen before."""
        offered = [value for value, _words in self.operators(node)]
        return Operator(node.operator if node.operator in offered else offered[0] if offered else "is")

    def input(self, node: Node) -> str:
        """Which sort of input its value takes."""
        operator, sort = self.operator(node), sort_of(node.about, self.known)
        if not operator.takes_value:
            return "nothing"
        if operator.takes_span:
            return "span"
        if sort is Sort.flag:
            return "flag"
        if self.values(node):
            return "many" if operator.takes_list else "one"
        return {Sort.instant: "date", Sort.day: "date", Sort.number: "number"}.get(sort or Sort.text, "text")

    def values(self, node: Node) -> Sequence[tuple[str, str]]:
        known = FIELDS.get(node.about)
        if known is None:
            custom = self.known.custom.get(node.about)
            return [(each, each) for each in custom.choices] if custom else []
        if known.of == "channel":
            return [(each, each.title()) for each in self.known.channels]
        if known.of in ("sentiment", "urgency"):
            return [(each, str(words)) for each, words in WORDS[known.of].items()]
        if known.choices:
            return [(each, _called(node.about, each)) for each in known.choices]
        special = {"me": gettext("me"), "mine": gettext("my teams")}
        named = [(str(number), name) for number, name in self.known.named.get(known.of, {}).items()]
        return [*((each, special[each]) for each in known.special), *named]


def _called(name: str, value: str) -> str:
    if name == "category":
        return status_name(Category(value))
    if name == "priority":
        return priority_name(Priority(value))
    return {"spam": gettext("Spam"), "trash": gettext("Trash"), "merged": gettext("Merged")}.get(value, value)
