"""Rules in words: when they are asked, what they do, and both with the condition as one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from helpdesk import conditions
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.rules import Occasion, Silence, Trigger
from helpdesk.rules.happenings import MISSING
from helpdesk.search.values import Vocabulary
from helpdesk.sla import Metric
from web import schedules
from web.promises import metric_name
from web.rules import actions, triggers
from web.rules.effects import Names

OCCASIONS: list[tuple[str, list[Occasion]]] = [
    ("said", [Occasion.created, Occasion.received, Occasion.replied, Occasion.noted]),
    ("changed", [Occasion.changed, Occasion.triaged, Occasion.rated]),
    ("time", [Occasion.warned, Occasion.breached, Occasion.idle, Occasion.schedule]),
]


def occasions() -> list[tuple[str, list[tuple[str, str]]]]:
    """To choose from, in groups."""
    groups = {
        "said": gettext("What is said"),
        "changed": gettext("What changes"),
        "time": gettext("Time"),
    }
    return [(groups[key], [(on.value, occasion(on)) for on in inside]) for key, inside in OCCASIONS]


def occasion(on: Occasion) -> str:
    return {
        Occasion.created: gettext("A ticket is opened"),
        Occasion.received: gettext("The customer writes"),
        Occasion.replied: gettext("One of us answers"),
        Occasion.noted: gettext("A note is left"),
        Occasion.changed: gettext("A field changes"),
        Occasion.triaged: gettext("The assistant has read it: mood, language, what it is about"),
        Occasion.warned: gettext("A promise is due soon"),
        Occasion.breached: gettext("A promise was not kept"),
        Occasion.rated: gettext("The customer rates our work"),
        Occasion.idle: gettext("Nothing happens for a while"),
        Occasion.schedule: gettext("A time comes round"),
    }[on]


def became(field: str) -> str:
    """Of an event that changed this."""
    return gettext("%(field)s changed") % {"field": conditions.label(field)}


def silences() -> list[tuple[str, str]]:
    return [
        (Silence.customer.value, gettext("we answered, and the customer is silent")),
        (Silence.us.value, gettext("the customer wrote, and we are silent")),
        (Silence.anybody.value, gettext("nothing is said or changed")),
    ]


@dataclass(frozen=True)
class Sentence:
    """`When the customer writes` · `Mood is Angry` · `set the priority: Urgent`, …"""

    when: str
    condition: str
    does: tuple[str, ...]

    def __str__(self) -> str:
        parts = {"when": self.when, "does": ", ".join(self.does) or gettext("nothing yet")}
        if not self.condition:
            return gettext("When %(when)s: %(does)s.") % parts
        return gettext("When %(when)s, and %(condition)s: %(does)s.") % {
            **parts,
            "condition": self.condition,
        }


def sentence(rule: Any, known: Vocabulary, names: Names, locale: str = "en") -> Sentence:
    """`rule` has triggers, condition and actions as they are kept."""
    return Sentence(
        when=gettext(", or ").join(when(each, known, locale) for each in rule.triggers) or gettext("never"),
        condition=condition(rule.condition, known),
        does=tuple(_lowered(actions.in_words(each, known, names)) for each in rule.actions),
    )


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


def condition(kept: Mapping[str, Any], known: Vocabulary) -> str:
    if not kept:
        return ""
    try:
        wanted = conditions.parse(kept, known.kinds)
    except HelpdeskError as error:
        return str(error)
    return "" if wanted == conditions.EVERYTHING else known.describe(wanted)


def when(given: Any, known: Vocabulary, locale: str = "en") -> str:
    """In the middle of a sentence."""
    if not given:
        return "…"
    try:
        trigger = msgspec.convert(given, Trigger)
    except msgspec.ValidationError:
        return gettext("something that is not known any more")
    match trigger.on:
        case Occasion.changed:
            return _changed(trigger, known)
        case Occasion.warned | Occasion.breached:
            return _promise(trigger)
        case Occasion.idle:
            return _idle(trigger)
        case Occasion.schedule if trigger.schedule:
            words = schedules.in_words(trigger.schedule, locale)
            return gettext("it is %(schedule)s") % {"schedule": words}
        case Occasion.triaged:
            return gettext("the assistant has read it")
    return _lowered(occasion(trigger.on))


def _changed(trigger: Trigger, known: Vocabulary) -> str:
    name = known.custom_names.get(trigger.field) or conditions.label(trigger.field)
    was, now = (values(trigger.field, each, known) for each in (trigger.was, trigger.now))
    if trigger.field == "tags":
        told = [gettext("the tag %(name)s is put on") % {"name": now}] if now else []
        told += [gettext("the tag %(name)s is taken off") % {"name": was}] if was else []
        return gettext(" or ").join(told) or gettext("tags change")
    parts = {"field": name, "was": was, "now": now}
    if was and now:
        return gettext("%(field)s changes from %(was)s to %(now)s") % parts
    if now:
        return gettext("%(field)s becomes %(now)s") % parts
    if was:
        return gettext("%(field)s is no longer %(was)s") % parts
    return gettext("%(field)s changes") % parts


def values(field: str, given: Sequence[Any], known: Vocabulary) -> str:
    """Any of them, by name."""
    of = {"assignee": "agent", "tags": "tag"}.get(field, field)
    named = (triggers.nobody(field) if each == MISSING else value(of, each, known) for each in given)
    return gettext(" or ").join(named)


def value(of: str, given: Any, known: Vocabulary) -> str:
    if isinstance(given, bool):
        return gettext("Yes") if given else gettext("No")
    if found := known.name(of, given):
        return found
    return gettext("(gone)") if isinstance(given, int) and of in known.named else str(given)


def _promise(trigger: Trigger) -> str:
    named = metric_name(trigger.metric) if trigger.metric in set(Metric) else gettext("a promise")
    if trigger.on is Occasion.warned:
        return gettext("%(promise)s is due soon") % {"promise": named}
    return gettext("%(promise)s was not kept in time") % {"promise": named}


def _idle(trigger: Trigger) -> str:
    words = {
        Silence.anybody: gettext("nothing happens for %(time)s"),
        Silence.customer: gettext("the customer is silent for %(time)s after our answer"),
        Silence.us: gettext("the customer waits for %(time)s"),
    }[trigger.silence]
    return words % {"time": triggers.span_words(trigger.minutes)}
