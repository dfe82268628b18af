"""What a macro does, in words."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from helpdesk.changes import Verb
from helpdesk.i18n import gettext
from helpdesk.macros import ACTIONS
from helpdesk.tickets import Priority
from web.console.shell import Directory
from web.words import priority_name

NAMES = {
    Verb.assign: lambda: gettext("Assign"),
    Verb.team: lambda: gettext("Move to a team"),
    Verb.status: lambda: gettext("Set the status"),
    Verb.priority: lambda: gettext("Set the priority"),
    Verb.type: lambda: gettext("Set the type"),
    Verb.tag: lambda: gettext("Add tags"),
    Verb.untag: lambda: gettext("Remove tags"),
    Verb.snooze: lambda: gettext("Snooze until the customer writes"),
    Verb.spam: lambda: gettext("Mark as spam"),
    Verb.trash: lambda: gettext("Move to the trash"),
}


def verbs() -> list[tuple[str, str]]:
    """Every action with its name, to choose from."""
    return [(verb.value, NAMES[verb]()) for verb in ACTIONS]


Names = Callable[[str, int], str | None]
"""Of what (agent, team, status, type) and which one → its name; None where it is not there any more."""


@pass_context
def does(context: Context, action: dict[str, Any], directory: Directory) -> str:
    """`{"verb": "tag", "tags": ["refund"]}` → Add tags: refund."""
    registers = context["registers"]
    known: dict[str, dict[int, Any]] = {
        "agent": directory.agents,
        "team": directory.teams,
        "status": registers.statuses,
        "type": registers.types,
    }

    def name(of: str, number: int) -> str | None:
        found = known[of].get(number)
        return str(found.name) if found else None

    return in_words(action, name)


def in_words(action: Mapping[str, Any], name: Names) -> str:
    verb = Verb(action["verb"])
    match verb:
        case Verb.assign | Verb.team | Verb.status | Verb.type:
            of = "agent" if verb is Verb.assign else verb.value
            value = _name(name, of, action.get(of))
        case Verb.priority:
            value = priority_name(Priority(action["priority"]))
        case Verb.tag | Verb.untag:
            value = ", ".join(action["tags"])
        case _:
            return NAMES[verb]()
    return f"{NAMES[verb]()}: {value}"


def _name(name: Names, of: str, number: int | None) -> str:
    if not number:
        return gettext("nobody") if of == "agent" else gettext("none")
    return name(of, number) or gettext("not there any more")
