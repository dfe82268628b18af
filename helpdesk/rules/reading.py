"""A rule as it is written: triggers, a condition, actions; what is wrong with it, and where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from helpdesk import changes, conditions, schedules
from helpdesk.changes import Verb
from helpdesk.conditions import BadCondition, Condition, Kinds, Operator, Where
from helpdesk.conditions.impersonal import impersonal
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import gettext
from helpdesk.rules.effects import EFFECTS, Deed
from helpdesk.rules.occasions import CHANGING, Occasion, Trigger
from helpdesk.rules.rows import MOST_ACTIONS, Rule
from helpdesk.sla import Metric

O = Operator  # noqa: E741 - as in helpdesk/conditions
MOST_TRIGGERS = 10
VERBS = tuple(verb for verb in Verb if verb is not Verb.merge)
"""What a rule changes so that it can be taken back; what can't be is a `Deed`."""
ACTIONS: tuple[Verb | Deed, ...] = (*VERBS, *Deed)


class BadRule(Invalid):
    """`field` says where: `name`, `triggers.0.minutes`, `condition`, `actions.2.tags`."""

    def __init__(self, field: str, why: object) -> None:
        super().__init__(str(why))
        self.field = field


@dataclass(frozen=True)
class Reading:
    """A rule as far as it can be read; with `trouble` it is not asked."""

    rule: Rule
    triggers: tuple[Trigger, ...] = ()
    condition: Condition = conditions.EVERYTHING
    actions: tuple[Mapping[str, Any], ...] = ()
    trouble: str = ""
    version: int = 0
    """Of what it says: the same number, the same words."""

    @property
    def is_timely(self) -> bool:
        """Its condition asks for so long ago, so it is another one every moment."""
        return any(each.operator.takes_span for each in conditions.statements(self.condition))

    @property
    def asks_for_words(self) -> bool:
        """Its condition asks what was said."""
        return any(each.field == "text" for each in conditions.statements(self.condition))


def reading(rule: Rule, custom: Kinds | None = None) -> Reading:
    """Never raises: what cannot be read is trouble, in words."""
    try:
        return Reading(
            rule,
            triggers_of(rule.triggers),
            condition_of(rule.condition, custom),
            tuple(action_of(each) for each in rule.actions),
        )
    except HelpdeskError as error:
        return Reading(rule, trouble=str(error))


def triggers_of(given: object) -> tuple[Trigger, ...]:
    """Raises BadRule."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        raise BadRule("triggers", gettext("Say when the rule is asked."))
    if not 1 <= len(given) <= MOST_TRIGGERS:
        raise BadRule("triggers", gettext("A rule is asked on 1 to %(n)s occasions.") % {"n": MOST_TRIGGERS})
    return tuple(_trigger(each, f"triggers.{place}") for place, each in enumerate(given))


def _trigger(given: object, place: str) -> Trigger:
    plain = msgspec.to_builtins(given)
    try:
        found = msgspec.convert(plain, Trigger)
    except msgspec.ValidationError as error:
        raise BadRule(place, gettext("This occasion cannot be read: %(why)s.") % {"why": error}) from None
    match found.on:
        case Occasion.changed if found.field not in CHANGING and not found.field.startswith("fields."):
            raise BadRule(f"{place}.field", gettext("Choose what has to change."))
        case Occasion.idle if found.minutes < 1:
            raise BadRule(f"{place}.minutes", gettext("Say for how long nothing has to happen."))
        case Occasion.schedule:
            if found.schedule is None:
                raise BadRule(f"{place}.schedule", gettext("Say when it comes round."))
            try:
                timed = schedules.read(msgspec.to_builtins(found.schedule))
            except schedules.BadSchedule as error:
                raise BadRule(f"{place}.schedule", error) from None
            return Trigger(Occasion.schedule, schedule=timed)
        case Occasion.warned | Occasion.breached if found.metric and found.metric not in set(Metric):
            raise BadRule(f"{place}.metric", gettext("There is no promise of this name."))
    return _only(found)


_KEEPS = {
    Occasion.changed: ("field", "was", "now"),
    Occasion.warned: ("metric",),
    Occasion.breached: ("metric",),
    Occasion.idle: ("minutes", "silence"),
}


def _only(found: Trigger) -> Trigger:
    """What says nothing of this occasion is left out, so that equal rules look equal."""
    return Trigger(found.on, **{name: getattr(found, name) for name in _KEEPS.get(found.on, ())})


def condition_of(given: object, custom: Kinds | None = None) -> Condition:
    """May be empty. Raises BadCondition, which names the field."""
    if not given:
        return conditions.EVERYTHING
    words = gettext("A rule acts when nobody looks, so it cannot depend on who does: choose a name.")
    return impersonal(conditions.parse(given, custom), words)


REMOVED = frozenset({"removed", "active"})
ASLEEP = frozenset({"snoozed", "snoozed_until", "active"})
SETTLED = frozenset({"settled", "category", "status", "resolved", "active"})
ALL_REST = REMOVED | ASLEEP | SETTLED
"""What a condition names that speaks of tickets which are put away, asleep or settled."""


def asked_of(condition: Condition, *, at_rest: bool = True) -> Condition:
    """As it is asked: without spam and trash unless it speaks of them, and never of what was merged away.

    Without `at_rest` also without what sleeps or is settled, unless it speaks of that.
    """
    named = {each.field for each in conditions.statements(condition)}
    if not at_rest and not named & ALL_REST:
        return conditions.both(condition, Where("active", O.is_, True))  # as partial indexes say it
    found = [condition]
    if not named & REMOVED:
        found.append(Where("removed", O.is_empty))
    if not at_rest and not named & ASLEEP:
        found.append(Where("snoozed", O.is_, False))
    if not at_rest and not named & SETTLED:
        found.append(Where("settled", O.is_, False))
    found.append(Where("removed", O.is_not, "merged"))
    return conditions.both(*found)


def actions_of(given: object) -> list[dict[str, Any]]:
    """Of the right kind each; whether what they name is there is asked elsewhere. Raises BadRule."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes) or not given:
        raise BadRule("actions", gettext("Choose at least one thing that the rule does."))
    if len(given) > MOST_ACTIONS:
        raise BadRule("actions", gettext("A rule does at most %(n)s things.") % {"n": MOST_ACTIONS})
    return [_placed(each, f"actions.{place}") for place, each in enumerate(given)]


def _placed(given: object, place: str) -> dict[str, Any]:
    try:
        return action_of(given)
    except changes.BadValue as error:
        raise BadRule(f"{place}.{error.name}", error) from None
    except BadRule as error:
        raise BadRule(f"{place}.{error.field}".rstrip("."), error) from None
    except HelpdeskError as error:
        raise BadRule(place, error) from None


def action_of(given: object) -> dict[str, Any]:
    """`{"verb": …, …}` as it is kept; raises BadRule or another Invalid."""
    if not isinstance(given, Mapping) or given.get("verb") not in set(ACTIONS):
        raise BadRule("verb", gettext("A rule cannot do this."))
    values = {str(name): value for name, value in given.items() if name != "verb"}
    if given["verb"] in set(Deed):
        deed = Deed(given["verb"])
        return {"verb": deed.value, **EFFECTS[deed].checked(values)}
    verb = Verb(given["verb"])
    return {"verb": verb.value, **changes.checked(verb, values)}


__all__ = [
    "ACTIONS",
    "BadCondition",
    "BadRule",
    "Reading",
    "action_of",
    "actions_of",
    "asked_of",
    "condition_of",
    "reading",
    "triggers_of",
]
