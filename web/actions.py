"""Actions of macros and rules as their forms hold them: a verb, and one value as it was typed or chosen."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import registers
from helpdesk.changes import TAKES, Verb
from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.tickets import Priority
from web.console.starting import form_choices
from web.forms import typed_list

NOBODY = "none"
"""What a choice says for nobody, no team, no type."""
IDS = frozenset({Verb.assign, Verb.team, Verb.status, Verb.type, Verb.policy})
EMPTY = {
    Verb.assign: lambda: gettext("Nobody"),
    Verb.team: lambda: gettext("No team"),
    Verb.type: lambda: gettext("No type"),
    Verb.policy: lambda: gettext("The first whose conditions fit"),
}
"""Where nothing is a value, and what it is called."""


def action(verb: Verb, typed: str) -> dict[str, Any]:
    """`action(Verb.team, "3")` → `{"verb": "team", "team": 3}`; raises Invalid."""
    key = next(iter(TAKES.get(verb, ())), "")
    if verb in IDS:
        return {"verb": verb.value, key: _id(verb, typed)}
    if verb in {Verb.tag, Verb.untag}:
        return {"verb": verb.value, key: typed_list(typed)}
    if verb is Verb.priority and typed not in set(Priority):
        raise Unchosen
    if verb is Verb.snooze:
        return {"verb": verb.value, key: None}
    return {"verb": verb.value, **({key: typed} if key else {})}


def _id(verb: Verb, typed: str) -> int | None:
    if typed == NOBODY and verb in EMPTY:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise Unchosen
    return int(typed)


def typed(action: Mapping[str, Any]) -> str:
    """What stands in the form for a kept one."""
    verb = Verb(action["verb"])
    value = action.get(next(iter(TAKES.get(verb, ())), ""))
    if verb in {Verb.tag, Verb.untag}:
        return ", ".join(value or [])
    if verb in EMPTY and value is None:
        return NOBODY
    return "" if value is None else str(value)


class Unchosen(Invalid):
    message = _("Choose one from the list.")


async def choices(session: AsyncSession) -> dict[str, list[tuple[Any, str]]]:
    """For `options`."""
    offered = (await registers.load(session)).offered()
    return {**await form_choices(session), "statuses": [(status.id, status.name) for status in offered]}


def options(verb: Verb, choices: Mapping[str, list[tuple[Any, str]]]) -> list[tuple[str, str]]:
    """What can be chosen; nothing where it is typed."""
    offered = {
        Verb.assign: "agents",
        Verb.team: "teams",
        Verb.status: "statuses",
        Verb.type: "types",
        Verb.priority: "priorities",
        Verb.policy: "policies",
    }
    found = [(str(value), words) for value, words in choices.get(offered.get(verb, ""), [])]
    return [*([(NOBODY, EMPTY[verb]())] if verb in EMPTY else []), *found]
