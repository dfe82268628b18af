"""What an event says besides its kind, in words: what was and what is now, and why.

Events of older versions, and of kinds that others made, may say anything: what has no words, or does not fit
them, is left to the raw data.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Row

from helpdesk import identities
from helpdesk.access import Action
from helpdesk.events import Kind
from helpdesk.i18n import gettext, ngettext
from helpdesk.people import Availability, Role
from helpdesk.sla import Metric
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from web.promises import metric_name
from web.settings import permissions
from web.settings.audit_names import Names
from web.settings.audit_terms import because, parts, term
from web.words import availability_name, percent, priority_name, role_name, size, status_name

Data = dict[str, Any]
Value = Callable[[Names, Any], str]
Several = Callable[[Names, Data], list[str]]


def details(row: Row[Any], names: Names) -> list[str]:
    """Short sentences without full stops; none where its kind says everything."""
    told = [
        phrase
        for each in (SPECIAL.get(row.kind), _from_to(row.kind), _besides)
        if each
        for phrase in _safe(each, names, row.data)
    ]
    return [phrase for phrase in told if phrase]


def _safe(each: Several, names: Names, data: Data) -> list[str]:
    with suppress(KeyError, TypeError, ValueError, AttributeError):
        return each(names, data)
    return []


def _from_to(kind: Kind) -> Several | None:
    value = CHANGES.get(kind)
    if value is None:
        return None

    def told(names: Names, data: Data) -> list[str]:
        if "now" not in data:
            return []
        now = value(names, data["now"])
        if "was" not in data:
            return [now]
        return [gettext("%(was)s → %(now)s") % {"was": value(names, data["was"]), "now": now}]

    return told


def _row(table: str, nobody: Callable[[], str] = lambda: gettext("None")) -> Value:
    return lambda names, number: names.of(table, number, nobody())


def _removal(_names: Names, given: Any) -> str:
    words = {
        "spam": gettext("Spam"),
        "trash": gettext("Trash"),
        "merged": gettext("Merged"),
        None: gettext("In its queue"),
    }
    return words[given]


def _onoff(_names: Names, given: Any) -> str:
    return gettext("On") if given else gettext("Off")


CHANGES: dict[Kind, Value] = {
    Kind.assigned: _row("agent", lambda: gettext("Nobody")),
    Kind.team_changed: _row("team", lambda: gettext("No team")),
    Kind.type_changed: _row("ticket_type", lambda: gettext("No type")),
    Kind.inbox_changed: _row("inbox"),
    Kind.requester_changed: _row("contact", lambda: gettext("Nobody")),
    Kind.contact_changed: _row("company", lambda: gettext("No company")),
    Kind.priority_changed: lambda _names, given: priority_name(Priority(given)),
    Kind.availability_changed: lambda _names, given: availability_name(Availability(given)),
    Kind.removed: _removal,
    Kind.retention_changed: _onoff,
}
"""How `was` and `now` of a kind are read."""


def _status(names: Names, data: Data) -> list[str]:
    was, now = status_name(Category(data["was"])), status_name(Category(data["now"]))
    if data.get("status"):
        now = names.of("ticket_status", data["status"])
    return [gettext("%(was)s → %(now)s") % {"was": was, "now": now}]


def _field(names: Names, data: Data) -> list[str]:
    field = names.fields.get(data["field"])
    name = field.name if field else data["field"]
    if "now" not in data or field is None:
        return [gettext("%(name)s emptied") % {"name": name} if data.get("emptied") else name]
    was, now = (field.show(data.get(key)) or gettext("empty") for key in ("was", "now"))
    return [gettext("%(name)s: %(was)s → %(now)s") % {"name": name, "was": was, "now": now}]


def _standing(names: Names, data: Data) -> list[str]:
    was, now = data["was"], data["now"]
    told = [(_role(names, was), _role(names, now))]
    told.append((_teams(names, was), _teams(names, now)))
    return [gettext("%(was)s → %(now)s") % {"was": a, "now": b} for a, b in told if a != b]


def _role(names: Names, standing: Data) -> str:
    if standing.get("custom_role"):
        return names.of("custom_role", standing["custom_role"])
    return role_name(Role(standing["role"]))


def _teams(names: Names, standing: Data) -> str:
    found = []
    for number, role in standing["teams"].items():
        name = names.of("team", int(number))
        found.append(f"{name} ({names.of('custom_role', role)})" if role else name)
    return ", ".join(found) or gettext("no team")


def _permissions(_names: Names, data: Data) -> list[str]:
    was, now = set(data.get("was") or ()), set(data.get("now") or ())
    pairs = ((gettext("May now: %(what)s"), now - was), (gettext("May no longer: %(what)s"), was - now))
    return [words % {"what": ", ".join(sorted(map(_permission, some)))} for words, some in pairs if some]


def _permission(name: str) -> str:
    with suppress(ValueError):
        return str(permissions.WORDS.get(Action(name), name))
    return name


def _members(names: Names, data: Data) -> list[str]:
    pairs = ((gettext("Joined: %(who)s"), data.get("joined")), (gettext("Left: %(who)s"), data.get("left")))
    return [
        words % {"who": ", ".join(names.of("agent", each) for each in some)} for words, some in pairs if some
    ]


def _partaker(names: Names, data: Data) -> list[str]:
    if data.get("agent"):
        return [gettext("%(who)s, as a follower") % {"who": names.of("agent", data["agent"])}]
    return [gettext("%(who)s, in copy") % {"who": names.of("contact", data["contact"])}]


def _two(names: Names, data: Data) -> list[str]:
    pair = {end: f"{names.prefix}{data[end]}" for end in ("source", "target")}
    return [gettext("%(source)s into %(target)s") % pair]


def _other(names: Names, data: Data) -> list[str]:
    return [gettext("With %(who)s") % {"who": names.of("contact", data["other"])}]


def _promise(names: Names, data: Data) -> list[str]:
    metric = data.get("metric")
    found = [metric_name(metric) if metric in set(Metric) else ""]
    if data.get("due_at"):
        found.append(gettext("due %(time)s") % {"time": names.instant(data["due_at"])})
    if "in_time" in data:
        found.append(gettext("in time") if data["in_time"] else gettext("late"))
    return [", ".join(each for each in found if each)]


def _snoozed(names: Names, data: Data) -> list[str]:
    if not data.get("until"):
        return [gettext("Until the next reply")]
    return [gettext("Until %(time)s") % {"time": names.instant(data["until"])}]


def _scheduled(names: Names, data: Data) -> list[str]:
    return [gettext("For %(time)s") % {"time": names.instant(data["at"])}]


def _opened(names: Names, data: Data) -> list[str]:
    found = [names.of("inbox", data.get("inbox")), names.of("team", data.get("team"))]
    return [", ".join(each for each in found if each)]


def _address(_names: Names, data: Data) -> list[str]:
    return [identities.kind_name(data["of"])]


def _token(names: Names, data: Data) -> list[str]:
    found = [gettext("For %(who)s") % {"who": names.of("agent", data["agent"])}]
    if data.get("scopes"):
        found.append(", ".join(sorted(map(_permission, data["scopes"]))))
    return found


SPECIAL: dict[Kind, Several] = {
    Kind.status_changed: _status,
    Kind.field_changed: _field,
    Kind.role_changed: _standing,
    Kind.custom_role_changed: _permissions,
    Kind.team_edited: _members,
    Kind.participant_added: _partaker,
    Kind.participant_removed: _partaker,
    Kind.merged: _two,
    Kind.unmerged: _two,
    Kind.split_off: _two,
    Kind.contact_merged: _other,
    Kind.contact_unmerged: _other,
    Kind.contacts_distinct: _other,
    Kind.sla_started: _promise,
    Kind.sla_met: _promise,
    Kind.sla_warned: _promise,
    Kind.sla_breached: _promise,
    Kind.sla_escalated: _promise,
    Kind.snoozed: _snoozed,
    Kind.reply_scheduled: _scheduled,
    Kind.ticket_created: _opened,
    Kind.identity_added: _address,
    Kind.identity_removed: _address,
    Kind.token_created: _token,
    Kind.token_revoked: _token,
}


def _besides(names: Names, data: Data) -> list[str]:
    """What means the same in events of every kind."""
    return [
        words for key, value in data.items() if (told := ALWAYS.get(key)) and (words := told(names, value))
    ]


def _listed(_names: Names, given: Any) -> str:
    return (
        gettext("Changed: %(what)s") % {"what": ", ".join(term(str(each)) for each in given)} if given else ""
    )


def _counted(words: Callable[[int], str]) -> Value:
    return lambda _names, count: words(int(count)) % {"num": int(count)} if count else ""


ALWAYS: dict[str, Value] = {
    "fields": _listed,
    "changed": _listed,
    "options": _listed,
    "because": lambda _names, given: because(str(given)),
    "overruled": lambda _names, given: gettext("Whatever was measured") if given is True else "",
    "evaluation": lambda _names, number: gettext("Evaluation %(number)s") % {"number": int(number)},
    "role": lambda _names, given: role_name(Role(given)),
    "name": lambda _names, given: gettext("“%(name)s”") % {"name": given},
    "number": lambda names, given: f"{names.prefix}{given}",
    "confidence": lambda _names, given: gettext("%(sure)s sure") % {"sure": percent(given)},
    "what": lambda _names, given: parts(str(given)),
    "which": lambda _names, given: parts(str(given)),
    "vendor": lambda _names, given: str(given).capitalize(),
    "dry": lambda _names, given: gettext("A trial, which changes nothing") if given else "",
    "again": lambda _names, given: gettext("Once more") if given else "",
    "failed": lambda _names, given: gettext("It failed too often") if given else "",
    "secrets": lambda _names, given: gettext("With sealed passwords") if given else "",
    "days": lambda _names, given: ngettext("%(num)s day", "%(num)s days", int(given)) % {"num": given},
    "bytes": lambda _names, given: size(int(given)),
    "active": _onoff,
    "tickets": _counted(lambda n: ngettext("%(num)s ticket", "%(num)s tickets", n)),
    "messages": _counted(lambda n: ngettext("%(num)s message", "%(num)s messages", n)),
    "deliveries": _counted(lambda n: ngettext("%(num)s call", "%(num)s calls", n)),
    "count": _counted(lambda n: ngettext("%(num)s session", "%(num)s sessions", n)),
}
