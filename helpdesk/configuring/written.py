"""Conditions, actions and triggers as people write them in YAML, with names in place of ids, and back.

all:                                      - priority: high
- status: {is: Open}                      - tag: [refund]
- any: [tags: {any_of: [vip]}]            - notify: {teams: [Leads], assignee: true}
"""

from collections.abc import Awaitable, Callable
from typing import Any

from helpdesk import conditions
from helpdesk.configuring.names import COLUMNS, Names
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext

Json = dict[str, Any]
Swap = Callable[[str, Any], Awaitable[Any]]
GROUPS = ("all", "any", "not")
SPECIAL = ("me", "mine")
PARAMETERS = {
    "agent": "agent",
    "agents": "agent",
    "team": "team",
    "teams": "team",
    "status": "status",
    "type": "type",
    "policy": "policy",
    "webhook": "webhook",
}
"""What an action's parameters are ids of."""
CHANGING = {"assignee": "agent", "team": "team", "status": "status", "type": "type", "tags": "tag"}


class Unreadable(Invalid):
    def __init__(self, what: object) -> None:
        super().__init__(gettext("This cannot be read: %(what)s") % {"what": str(what)[:120]})


async def _swapped(of: str | None, value: Any, swap: Swap) -> Any:
    """One value or a list of them; what is no id of anything stays."""
    if of is None or of not in COLUMNS or value is None:
        return value
    if isinstance(value, list | tuple):
        return [await _swapped(of, each, swap) for each in value]
    return value if value in SPECIAL else await swap(of, value)


def _of(field: str) -> str | None:
    known = conditions.FIELDS.get(field)
    return known.of if known else None


async def condition_out(kept: Json, names: Names) -> Json:
    """From the tree as it is kept; empty for every ticket."""
    if not kept:
        return {}
    kind = kept["kind"]
    if kind == "where":
        value = await _swapped(_of(kept["field"]), kept.get("value"), names.name)
        said = {kept["operator"]: value} if "value" in kept else kept["operator"]
        return {kept["field"]: said}
    if kind == "not":
        return {"not": await condition_out(kept["of"], names)}
    return {kind: [await condition_out(each, names) for each in kept["of"]]}


async def condition_in(written: Any, names: Names) -> Json:
    """Raises Unreadable, Unknown; what the statements say is checked by whoever keeps it."""
    if written in ({}, None):
        return {}
    if not isinstance(written, dict) or len(written) != 1:
        raise Unreadable(written)
    ((word, said),) = written.items()
    if word == "not":
        return {"kind": "not", "of": await condition_in(said, names)}
    if word in GROUPS:
        if not isinstance(said, list):
            raise Unreadable(written)
        return {"kind": word, "of": [await condition_in(each, names) for each in said]}
    if isinstance(said, str):
        return {"kind": "where", "field": word, "operator": said}
    if not isinstance(said, dict) or len(said) != 1:
        raise Unreadable(written)
    ((operator, value),) = said.items()
    swapped = await _swapped(_of(word), value, names.id)
    return {"kind": "where", "field": word, "operator": operator, "value": swapped}


async def action_out(kept: Json, names: Names) -> Any:
    given = {
        name: await _swapped(PARAMETERS.get(name), value, names.name)
        for name, value in kept.items()
        if name != "verb" and (kept["verb"] != "notify" or value)  # nobody, no words: not worth a line
    }
    if not given:
        return kept["verb"]
    if len(given) == 1 and not isinstance(next(iter(given.values())), dict):
        return {kept["verb"]: next(iter(given.values()))}
    return {kept["verb"]: given}


async def action_in(written: Any, names: Names, takes: Callable[[str], str | None]) -> Json:
    """`takes` says what the one parameter of a verb is called, where it has one."""
    if isinstance(written, str):
        return {"verb": written}
    if not isinstance(written, dict) or len(written) != 1:
        raise Unreadable(written)
    ((verb, said),) = written.items()
    only = takes(str(verb))
    given = said if isinstance(said, dict) else {only: said} if only else None
    if given is None:
        raise Unreadable(written)
    swapped = {
        str(name): await _swapped(PARAMETERS.get(name), value, names.id) for name, value in given.items()
    }
    return {"verb": str(verb), **swapped}


async def trigger_out(kept: Json, names: Names) -> Any:
    of = CHANGING.get(kept.get("field", ""))
    given = {
        name: await _swapped(of, value, names.name) if name in {"was", "now"} else value
        for name, value in kept.items()
    }
    return given["on"] if len(given) == 1 else given


async def trigger_in(written: Any, names: Names) -> Json:
    if isinstance(written, str):
        return {"on": written}
    if not isinstance(written, dict):
        raise Unreadable(written)
    written = {
        "on" if name is True else name: value for name, value in written.items()
    }  # as YAML 1.1 reads on
    of = CHANGING.get(str(written.get("field", "")))
    return {
        str(name): await _swapped(of, value, names.id) if name in {"was", "now"} else value
        for name, value in written.items()
    }
