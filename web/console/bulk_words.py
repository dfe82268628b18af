"""A bulk change in words, for the log of them."""

from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from helpdesk.bulk import BulkChange, Verb
from helpdesk.i18n import gettext
from helpdesk.tickets import Priority
from web.console.shell import Directory
from web.words import priority_name, ticket_number


@pass_context
def told(context: Context, change: BulkChange, directory: Directory) -> str:
    given = change.given
    match change.verb:
        case Verb.assign:
            return gettext("Assigned to %(name)s") % {"name": _name(directory.agents, given.get("agent"))}
        case Verb.team:
            return gettext("Moved to %(name)s") % {"name": _name(directory.teams, given.get("team"))}
        case Verb.status:
            name = _name(context["registers"].statuses, given.get("status"))
            return gettext("Status set to %(name)s") % {"name": name}
        case Verb.type:
            return gettext("Type set to %(name)s") % {
                "name": _name(context["registers"].types, given.get("type"))
            }
        case Verb.priority:
            return gettext("Priority set to %(name)s") % {"name": priority_name(Priority(given["priority"]))}
        case Verb.tag:
            return gettext("Tagged %(names)s") % {"names": ", ".join(given["tags"])}
        case Verb.untag:
            return gettext("Tags removed: %(names)s") % {"names": ", ".join(given["tags"])}
        case Verb.snooze:
            return gettext("Snoozed")
        case Verb.field:
            return gettext("Filled in the field %(name)s") % {"name": given["key"]}
        case Verb.policy:
            return (
                gettext("Policy chosen by hand") if given.get("policy") else gettext("Policy by conditions")
            )
        case Verb.spam:
            return gettext("Marked as spam")
        case Verb.trash:
            return gettext("Moved to the trash")
    return gettext("Merged into %(number)s") % {"number": ticket_number(context, given["into"])}


def _name(known: dict[int, Any], number: int | None) -> str:
    found = known.get(number or 0)
    return str(found.name) if found else gettext("nobody")
