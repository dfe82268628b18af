"""Rules, as they are written down."""

from typing import Any

import msgspec

from helpdesk.access import Action
from helpdesk.configuring.said import parameter
from helpdesk.configuring.sections import Entry, Section
from helpdesk.configuring.written import (
    action_in,
    action_out,
    condition_in,
    condition_out,
    trigger_in,
    trigger_out,
)
from helpdesk.rules import Rule, shelf

DEEDS = {"reply": "text", "note": "text", "webhook": "webhook"}
"""What the one value of a deed is called."""


class RuleEntry(Entry, kw_only=True):
    description: str = ""
    when: list[Any]
    condition: Any = msgspec.field(default_factory=dict, name="if")
    actions: list[Any] = msgspec.field(name="do")
    stops: bool = False
    active: bool = False


class Rules(Section):
    name, entry, needs, ordered = "rules", RuleEntry, Action.manage_rules, True

    async def read(self) -> list[RuleEntry]:
        return [await self._written(rule) for rule in await shelf.all_rules(self.session)]

    async def _written(self, rule: Rule) -> RuleEntry:
        return RuleEntry(
            name=rule.name,
            description=rule.description,
            when=[await trigger_out(each, self.names) for each in rule.triggers],
            condition=await condition_out(rule.condition, self.names),
            actions=[await action_out(each, self.names) for each in rule.actions],
            stops=rule.stops,
            active=rule.active,
        )

    async def put(self, entry: RuleEntry) -> None:
        given = shelf.Given(
            name=entry.name,
            description=entry.description,
            triggers=[await trigger_in(each, self.names) for each in entry.when],
            condition=await condition_in(entry.condition, self.names),
            actions=[await action_in(each, self.names, _parameter) for each in entry.actions],
            stops=entry.stops,
            active=entry.active,
        )
        await shelf.keep(self.session, await self.called(Rule, entry.name), given, by=self.by)

    async def drop(self, entry: RuleEntry) -> None:
        await shelf.remove(self.session, await self.called(Rule, entry.name), by=self.by)

    async def arrange(self, names: list[str]) -> None:
        found = [await self.called(Rule, name) for name in names]
        await shelf.reorder(self.session, [rule.id for rule in found if rule], by=self.by)


def _parameter(verb: str) -> str | None:
    return DEEDS.get(verb) or parameter(verb)
