"""What can be done to a ticket from afar: how it is seen to be so already, how it is done, how it is taken back.

Bulk changes, macros and rules are made of these; an agent at the ticket itself uses its verbs.

verbs.py      names of verbs, and what they take
base.py       Change
partaking.py  assignee, team
sorting.py    priority, type, tags, custom fields
standing.py   status, sleep, policy, spam, trash
"""

from collections.abc import Mapping
from typing import Any

from helpdesk.access import Action
from helpdesk.changes.base import Change
from helpdesk.changes.partaking import Assign, MoveToTeam
from helpdesk.changes.sorting import AddTags, Classify, FillField, Prioritise, RemoveTags
from helpdesk.changes.standing import CallSpam, FixPolicy, SetStatus, Snooze, Trash
from helpdesk.changes.verbs import TAKES, UNDO_FOR, BadValue, Json, NotThere, TooLate, Verb, checked

__all__ = [
    "CHANGES",
    "TAKES",
    "UNDO_FOR",
    "BadValue",
    "Change",
    "Json",
    "NotThere",
    "TooLate",
    "Verb",
    "action_of",
    "change_of",
    "checked",
]

CHANGES: dict[Verb, type[Change]] = {
    change.verb: change
    for change in (
        Assign,
        MoveToTeam,
        SetStatus,
        Prioritise,
        Classify,
        AddTags,
        RemoveTags,
        FillField,
        Snooze,
        FixPolicy,
        CallSpam,
        Trash,
    )
}
"""Each verb but `merge`, which concerns two tickets at a time: helpdesk/bulk/working.py."""


def change_of(verb: Verb, given: Mapping[str, Any]) -> Change:
    return CHANGES[verb](given)


def action_of(verb: Verb) -> Action:
    return Action.merge if verb is Verb.merge else CHANGES[verb].action
