"""What a rule did to a ticket, or would have done: each thing with how it was before and how it is after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helpdesk.changes import Verb
from helpdesk.i18n import gettext
from helpdesk.search.values import Vocabulary
from helpdesk.tickets import NEXT_REPLY, Priority
from web.rules import actions
from web.rules.effects import EFFECTS, Names
from web.words import priority_name


@dataclass(frozen=True)
class Line:
    """`Priority`: `Normal` → `Urgent`; or one sentence where nothing can be compared."""

    words: str
    was: str = ""
    now: str = ""
    why: str = ""
    """Why it was refused."""
    at: datetime | None = None
    """Until when, where `now` is an instant."""


@dataclass(frozen=True)
class Narrator:
    known: Vocabulary
    names: Names

    def lines(self, done: Sequence[Mapping[str, Any]]) -> list[Line]:
        return [self.line(each) for each in done]

    def refused(self, failed: Sequence[Mapping[str, Any]]) -> list[Line]:
        return [Line(self._said(each), why=str(each.get("why", ""))) for each in failed]

    def line(self, done: Mapping[str, Any]) -> Line:
        verb, before, after = str(done.get("verb", "")), done.get("before"), done.get("after") or {}
        if verb in EFFECTS or verb not in set(Verb) or not before:
            return Line(self._said(done))
        match verb:
            case Verb.assign:
                return self._named(gettext("Assignee"), "agent", before, after)
            case Verb.team:
                return self._named(gettext("Team"), "team", before, after)
            case Verb.type:
                return self._named(gettext("Type"), "type", before, after)
            case Verb.status:
                return self._named(gettext("Status"), "status", before, after)
            case Verb.policy:
                return self._named(gettext("SLA policy"), "policy", before, after)
            case Verb.priority:
                was, now = (
                    priority_name(Priority(each.get("priority", "normal"))) for each in (before, after)
                )
                return Line(gettext("Priority"), was, now)
            case Verb.field:
                return self._field(done.get("given") or {}, before, after)
            case Verb.snooze:
                return self._snoozed(after)
        return Line(self._said(done))

    def _said(self, done: Mapping[str, Any]) -> str:
        return actions.in_words(
            {"verb": done.get("verb", ""), **(done.get("given") or {})}, self.known, self.names
        )

    def _named(self, words: str, of: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Line:
        return Line(words, self._name(of, before.get(of)), self._name(of, after.get(of)))

    def _name(self, of: str, number: Any) -> str:
        if not isinstance(number, int):
            return gettext("nobody") if of == "agent" else gettext("none")
        return self.names(of, number) or gettext("(gone)")

    def _snoozed(self, after: Mapping[str, Any]) -> Line:
        until = datetime.fromisoformat(after["until"]) if after.get("until") else None
        if until is None or until >= NEXT_REPLY:
            return Line(gettext("Snoozed until the customer writes"))
        return Line(gettext("Snoozed until"), at=until)

    def _field(self, given: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> Line:
        """Of a text nothing is kept but whether there was one."""
        name = f"{actions.CUSTOM}{given.get('key', '')}"
        field = self.known.custom.get(name)

        def shown(side: Mapping[str, Any]) -> str:
            if "filled" in side:
                return gettext("filled in") if side["filled"] else gettext("empty")
            if side.get("value") in (None, "", []):
                return gettext("empty")
            return field.show(side["value"]) if field else str(side["value"])

        label = self.known.custom_names.get(name, str(given.get("key", "")))
        return Line(label, shown(before), shown(after))
