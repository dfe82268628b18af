"""A whole rule as it stands in its form, however incomplete, and what its buttons do to it."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from helpdesk import conditions
from helpdesk.conditions import BadCondition, Condition, tree
from helpdesk.conditions.impersonal import PERSONAL
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.rules import Rule
from helpdesk.rules.reading import condition_of
from helpdesk.rules.shelf import Given
from helpdesk.search.values import Vocabulary
from web.console import builder
from web.console.builder import Node
from web.rules import actions, triggers
from web.rules.actions import Row as ActionRow
from web.rules.triggers import Row as TriggerRow

R = TypeVar("R")


@dataclass
class Draft:
    name: str = ""
    description: str = ""
    stops: bool = False
    triggers: list[TriggerRow] = field(default_factory=list)
    root: Node = field(default_factory=lambda: Node(builder.ROOT, "all"))
    actions: list[ActionRow] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    """By part of the form: name, description, when, condition, do; empty: of the whole."""


def of(rule: Rule, zone: str) -> Draft:
    """`zone` is where times of a new schedule are meant."""
    problems = {"do": rule.trouble} if rule.trouble else {}
    wanted: Condition = conditions.EVERYTHING
    if rule.condition:  # as it stands, even where a part of it means nothing any more
        try:
            wanted = tree.read(rule.condition)
        except BadCondition as error:
            wanted = conditions.Either()  # what cannot be read must not come to mean every ticket
            problems["condition"] = str(error)
    return Draft(
        name=rule.name,
        description=rule.description,
        stops=rule.stops,
        triggers=triggers.of(rule.triggers, zone),
        root=builder.of(wanted),
        actions=actions.of(rule.actions),
        problems=problems,
    )


def read(sent: Any) -> Draft:
    """What was sent, after the button that was pressed. `sent` is a multi-dict; raises BadCondition."""
    draft = Draft(
        name=str(sent.get("name", ""))[:400],
        description=str(sent.get("description", ""))[:4_000],
        stops=sent.get("stops") == "true",
        triggers=triggers.read(sent),
        root=builder.read(sent),
        actions=actions.read(sent),
    )
    return press(draft, str(sent.get("do", "")))


def press(draft: Draft, do: str) -> Draft:
    """What a button of the form asks for; anything else leaves it as it is."""
    verb, _, place = do.partition(":")
    at = int(place) if place.isascii() and place.isdigit() and len(place) < 4 else -1
    match verb:
        case "add-trigger" if len(draft.triggers) < triggers.MOST:
            zone = draft.triggers[-1].zone if draft.triggers else "UTC"
            draft.triggers.append(triggers.Row(zone=zone))
        case "remove-trigger":
            draft.triggers = [each for n, each in enumerate(draft.triggers) if n != at]
        case "add-action" if len(draft.actions) < actions.MOST:
            draft.actions.append(actions.Row())
        case "remove-action":
            draft.actions = [each for n, each in enumerate(draft.actions) if n != at]
        case "up-action":
            _swap(draft.actions, at - 1, at)
        case "down-action":
            _swap(draft.actions, at, at + 1)
    draft.root = builder.change(draft.root, do)
    for node in draft.root.walk():  # what a rule may not ask for: there is nobody who looks
        if node.kind == "where" and node.about in PERSONAL:
            node.about, node.operator, node.values = "priority", "", []
    return draft


def _swap(rows: list[R], first: int, second: int) -> None:
    if 0 <= first < second < len(rows):
        rows[first], rows[second] = rows[second], rows[first]


def given(draft: Draft, known: Vocabulary) -> Given | None:
    """None where something is wrong: then the rows say what, and `problems` which parts."""
    draft.problems = {}
    when = _part(draft, "when", lambda: triggers.given(draft.triggers, known))
    wanted = _part(draft, "condition", lambda: condition(draft.root, known))
    does = _part(draft, "do", lambda: actions.given(draft.actions, known))
    if when == []:
        draft.problems["when"] = gettext("Say when: a rule that is never asked does nothing.")
    if does == []:
        draft.problems["do"] = gettext("Say what it does: at least one thing.")
    if draft.problems:
        return None
    return Given(draft.name, when, does, wanted, draft.description, draft.stops)


def so_far(draft: Draft, known: Vocabulary) -> Given:
    """As much as can be read; `{}` stands for a row that cannot."""

    def readable(rows: list[Any], of: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for row in rows:
            try:
                found += of([row], known)
            except HelpdeskError:
                found.append({})
        return found

    try:
        wanted = condition(draft.root, known)
    except HelpdeskError:
        wanted = {}
    return Given(
        draft.name, readable(draft.triggers, triggers.given), readable(draft.actions, actions.given), wanted
    )


def blame(draft: Draft, error: HelpdeskError) -> None:
    """Says what is wrong where it stands, by the name of the field that a BadRule brings."""
    part, _, rest = getattr(error, "field", "name").partition(".")
    place = rest.partition(".")[0]
    rows: list[Any] = {"triggers": draft.triggers, "actions": draft.actions}.get(part, [])  # type: ignore[assignment]
    if place.isdigit() and int(place) < len(rows):
        rows[int(place)].problem = str(error)
    draft.problems[{"triggers": "when", "actions": "do"}.get(part, part)] = str(error)


def _part(draft: Draft, part: str, reading: Any) -> Any:
    try:
        return reading()
    except HelpdeskError as error:
        draft.problems[part] = str(error)
        return None


def condition(root: Node, known: Vocabulary) -> dict[str, Any]:
    """As a rule keeps it; raises BadCondition, and the statement it is about says so as well."""
    wanted = condition_of(conditions.as_json(builder.condition(root, known)), known.kinds)
    return {} if wanted == conditions.EVERYTHING else conditions.as_json(wanted)
