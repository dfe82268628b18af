"""What a rule did to a ticket, for its line in the thread: in the desk's words, told by the event alone."""

from collections.abc import Callable, Mapping
from typing import Any

from helpdesk.i18n import gettext, ngettext
from helpdesk.tickets import Priority
from web.words import priority_name

Names = Callable[[str, int], str | None]
"""Of what (agent, team, status, type, field) and which one → its name; None where it is not known."""

PLAIN = {
    "untag": lambda: gettext("removed tags"),
    "snooze": lambda: gettext("snoozed it"),
    "policy": lambda: gettext("chose its SLA policy"),
    "spam": lambda: gettext("marked it as spam"),
    "trash": lambda: gettext("moved it to the trash"),
    "reply": lambda: gettext("wrote to the customer"),
    "note": lambda: gettext("left a note"),
    "webhook": lambda: gettext("called a webhook"),
    "survey": lambda: gettext("asked how satisfied the customer is"),
    "draft": lambda: gettext("asked the assistant for a draft"),
}


def applied(data: Mapping[str, Any], names: Names) -> str:
    did = [words for each in data.get("did", ()) if (words := _did(each, names))]
    refused = len(data.get("refused", ()))
    if refused:
        words = ngettext("one thing was refused", "%(num)s things were refused", refused) % {"num": refused}
        did.append(words)
    told = {"rule": data.get("name", ""), "did": ", ".join(did) or gettext("looked at it")}
    return (
        gettext("Rule “%(rule)s” %(did)s") % told
        if data.get("did")
        else gettext("Rule “%(rule)s”: %(did)s") % told
    )


def _did(done: Mapping[str, Any], names: Names) -> str:
    verb, after = done.get("verb", ""), done.get("after") or {}
    match verb:
        case "assign" | "team" | "status" | "type":
            return _named(verb, after.get("agent" if verb == "assign" else verb), names)
        case "priority":
            now = priority_name(Priority(after.get("priority", "normal")))
            return gettext("set the priority to %(now)s") % {"now": now}
        case "tag":
            tags = ", ".join(map(str, after.get("tags", ())))
            return gettext("added the tag %(name)s") % {"name": tags}
        case "field":
            name = names("field", after.get("key", "")) or str(after.get("key", ""))
            filled = after.get("filled", after.get("value") not in (None, "", []))
            words = gettext("filled in %(field)s") if filled else gettext("emptied %(field)s")
            return words % {"field": name}
        case "notify":
            return gettext("told %(whom)s") % {"whom": _whom(after, names)}
    return PLAIN[verb]() if verb in PLAIN else ""


def _named(verb: str, number: Any, names: Names) -> str:
    if not number:
        return {
            "assign": gettext("took it off its assignee"),
            "team": gettext("took it out of its team"),
            "type": gettext("took its type away"),
        }.get(verb, "")
    name = names("agent" if verb == "assign" else verb, number) or gettext("somebody")
    return {
        "assign": gettext("assigned it to %(name)s"),
        "team": gettext("moved it to %(name)s"),
        "status": gettext("set the status to %(name)s"),
        "type": gettext("set the type to %(name)s"),
    }[verb] % {"name": name}


def _whom(after: Mapping[str, Any], names: Names) -> str:
    found = [names("team", number) for number in after.get("teams", ())]
    found += [names("agent", number) for number in after.get("agents", ())]
    return ", ".join(name for name in found if name) or gettext("colleagues")


def stopped(data: Mapping[str, Any]) -> str:
    """Why a rule did not run, though it would have."""
    rule = {"rule": data.get("name", "")}
    match data.get("because"):
        case "again":
            return (
                gettext("Rule “%(rule)s” was not asked again: rules had followed each other in a circle")
                % rule
            )
        case "deep":
            return (
                gettext("Rule “%(rule)s” was not asked: too many rules had followed from each other") % rule
            )
        case "often":
            return gettext("Rule “%(rule)s” was not asked: rules ran too often here within the hour") % rule
    return gettext("Rules could not be asked about this ticket; the desk’s log says why")


def undone(data: Mapping[str, Any], who: str) -> str:
    words = gettext("%(who)s took back what rule “%(rule)s” did") % {"who": who, "rule": data.get("name", "")}
    if kept := len(data.get("kept", ())):
        return (
            words
            + gettext(", ")
            + ngettext("but for one thing", "but for %(num)s things", kept) % {"num": kept}
        )
    return words
