"""What a macro does, in words."""

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


@pass_context
def does(context: Context, action: dict[str, Any], directory: Directory) -> str:
    """`{"verb": "tag", "tags": ["refund"]}` → Add tags: refund."""
    verb, registers = Verb(action["verb"]), context["registers"]
    match verb:
        case Verb.assign:
            value = _name(directory.agents, action.get("agent"))
        case Verb.team:
            value = _name(directory.teams, action.get("team"))
        case Verb.status:
            value = _name(registers.statuses, action.get("status"))
        case Verb.type:
            value = _name(registers.types, action.get("type"))
        case Verb.priority:
            value = priority_name(Priority(action["priority"]))
        case Verb.tag | Verb.untag:
            value = ", ".join(action["tags"])
        case _:
            return NAMES[verb]()
    return f"{NAMES[verb]()}: {value}"


def _name(known: dict[int, Any], number: int | None) -> str:
    if not number:
        return gettext("nobody")
    found = known.get(number)
    return str(found.name) if found else gettext("not there any more")
