"""What can be done from afar, by name, and the value that each verb takes."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _, gettext

Json = dict[str, Any]
UNDO_FOR = timedelta(minutes=10)
"""How long what was done from afar can be taken back."""
LONGEST_SNOOZE = 60 * 24 * 365 * 3  # minutes


class Verb(StrEnum):
    assign = "assign"  # {"agent": id or null}
    team = "team"  # {"team": id or null}
    status = "status"  # {"status": id}
    priority = "priority"  # {"priority": "high"}
    type = "type"  # {"type": id or null}
    tag = "tag"  # {"tags": ["refund", …]}
    untag = "untag"  # {"tags": ["refund", …]}
    field = "field"  # {"key": "order", "value": as the field takes it, or null}
    snooze = "snooze"  # {"until": instant, or null for the next message} or {"minutes": from now on}
    policy = "policy"  # {"policy": id, or null for the one whose conditions fit}
    spam = "spam"
    trash = "trash"
    merge = "merge"  # {"into": number}


class TooLate(Conflict):
    message = _("This cannot be undone any more: ten minutes are over, or it was undone already.")


class NotThere(Invalid):
    message = _("What you chose is not there any more. Reload the page and choose again.")


class BadValue(Invalid):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


_ID, _NONE = int, type(None)
TAKES: dict[Verb, dict[str, type | tuple[type, ...]]] = {
    Verb.assign: {"agent": (_ID, _NONE)},
    Verb.team: {"team": (_ID, _NONE)},
    Verb.status: {"status": _ID},
    Verb.type: {"type": (_ID, _NONE)},
    Verb.priority: {"priority": str},
    Verb.tag: {"tags": list},
    Verb.untag: {"tags": list},
    Verb.field: {"key": str, "value": object},
    Verb.snooze: {"until": (str, _NONE)},
    Verb.policy: {"policy": (_ID, _NONE)},
    Verb.merge: {"into": _ID},
}
_FOR_A_WHILE: dict[str, type | tuple[type, ...]] = {"minutes": int}


def checked(verb: Verb, given: Mapping[str, Any]) -> Json:
    """The verb's own values, of their kind, and nothing else; raises BadValue."""
    takes = TAKES.get(verb, {})
    if verb is Verb.snooze and given.get("minutes") is not None:
        takes = _FOR_A_WHILE
    if unknown := sorted(set(given) - set(takes)):
        raise BadValue(unknown[0], gettext("This verb does not take it."))
    return {name: _of_its_kind(name, given.get(name), kind) for name, kind in takes.items()}


def _of_its_kind(name: str, value: Any, kind: type | tuple[type, ...]) -> Any:
    if kind is object:  # a custom field reads its own
        return value
    largest = LONGEST_SNOOZE if name == "minutes" else 2**63 - 1
    outside = isinstance(value, int) and not 0 < value <= largest
    not_words = name == "tags" and not (isinstance(value, list) and all(isinstance(t, str) for t in value))
    if isinstance(value, bool) or not isinstance(value, kind) or outside or not_words:
        raise BadValue(name, gettext("This is not what the verb takes."))
    return value
