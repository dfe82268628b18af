"""DO: each action is a row of the form (`a.0.verb`, `a.0.value` …), done in the order of the rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpdesk import conditions
from helpdesk.changes import Verb
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import gettext
from helpdesk.search.values import Vocabulary
from web import actions as shared
from web.console import macro_words
from web.rules import triggers
from web.rules.effects import EFFECTS, Names, effect_in_words

MOST = 20
CUSTOM = "fields."


@dataclass
class Row:
    """One action as it stands in the form, however incomplete."""

    verb: str = Verb.priority.value
    values: list[str] = field(default_factory=list)
    key: str = ""
    """Of `field`: which custom field, as conditions call it."""
    length: str = ""
    """Of `snooze`: how long; empty until the customer writes."""
    unit: str = "d"
    text: str = ""
    """Of `notify`: what they are told."""
    problem: str = ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""


@dataclass(frozen=True)
class Offer:
    """What the inputs of a rule's actions offer: options by verb, fields, and names for sentences."""

    known: Vocabulary
    shared: Mapping[str, list[tuple[Any, str]]]
    policies: Sequence[tuple[int, str]]
    webhooks: Sequence[tuple[int, str]]

    def options(self, row: Row) -> list[tuple[str, str]]:
        if row.verb == "webhook":
            return [(str(number), name) for number, name in self.webhooks]
        if row.verb == Verb.field:
            return triggers.options(row.key, self.known)
        if row.verb not in set(Verb):
            return []
        return shared.options(Verb(row.verb), {**self.shared, "policies": [*self.policies]})

    def whom(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Who can be told."""
        named = self.known.named
        return [
            ("", [("assignee", gettext("Whoever it is assigned to"))]),
            (gettext("Teams"), [(f"team:{n}", name) for n, name in named.get("team", {}).items()]),
            (gettext("Colleagues"), [(f"agent:{n}", name) for n, name in named.get("agent", {}).items()]),
        ]

    def fields(self) -> list[tuple[str, str]]:
        return [(name, each.name) for name, each in self.known.custom.items() if name.startswith(CUSTOM)]

    def names(self, of: str, number: int) -> str | None:
        found = {"policy": self.policies, "webhook": self.webhooks}.get(of)
        return dict(found).get(number) if found is not None else self.known.name(of, number)


def of(kept: Sequence[Mapping[str, Any]]) -> list[Row]:
    return [_row(each) for each in kept] or [Row()]


def _row(kept: Mapping[str, Any]) -> Row:
    verb = str(kept.get("verb", ""))
    if effect := EFFECTS.get(verb):
        return Row(verb, values=effect.typed(kept), text=str(kept.get("text", "")))
    match verb:
        case Verb.field:
            value = kept.get("value")
            listed = value if isinstance(value, list) else [] if value is None else [value]
            return Row(verb, [triggers.typed(each) for each in listed], key=f"{CUSTOM}{kept.get('key', '')}")
        case Verb.snooze if minutes := kept.get("minutes"):
            length, unit = triggers.span(minutes)
            return Row(verb, length=length, unit=unit)
    return Row(verb, [shared.typed(kept)])


def read(form: Any) -> list[Row]:
    """What was sent. `form` is a multi-dict."""
    return [_sent(form, f"a.{place}.") for place in triggers.places(form, "a")][:MOST]


def _sent(form: Any, at: str) -> Row:
    """What was given to another verb or field means nothing to this one."""
    verb, unit = str(form.get(f"{at}verb", "")), str(form.get(f"{at}unit", ""))
    key, before = str(form.get(f"{at}key", ""))[:80], str(form.get(f"{at}before", ""))
    same = not before or before == f"{verb} {key}".strip() or {verb, before.strip()} <= {"reply", "note"}
    return Row(
        verb=verb if verb in dict(verbs()) else Row.verb,
        values=[] if not same else [str(each)[:20_000] for each in form.getall(f"{at}value", [])][:100],
        key=key,
        length=str(form.get(f"{at}length", "")).strip()[:10],
        unit=unit if unit in triggers.UNITS else Row.unit,
        text=str(form.get(f"{at}text", ""))[:1_000],
    )


def given(rows: Sequence[Row], known: Vocabulary) -> list[dict[str, Any]]:
    """As a rule keeps them; raises Invalid, and the row it is about says so as well."""
    found = []
    for row in rows:
        try:
            found.append(_given(row, known))
        except HelpdeskError as error:
            row.problem = str(error)
            raise
    return found


def _given(row: Row, known: Vocabulary) -> dict[str, Any]:
    if effect := EFFECTS.get(row.verb):
        said = {"text": row.text.strip()} if row.verb == "notify" and row.text.strip() else {}
        return {"verb": row.verb, **effect.given(row.values), **said}
    match Verb(row.verb):
        case Verb.field:
            return {"verb": row.verb, "key": row.key.removeprefix(CUSTOM), "value": _value(row, known)}
        case Verb.snooze if row.length:
            return {"verb": row.verb, "minutes": triggers.minutes(row.length, row.unit)}
        case Verb.tag | Verb.untag if not row.value.strip(" ,;"):
            raise Invalid(gettext("Name at least one tag."))
    return shared.action(Verb(row.verb), row.value)


def _value(row: Row, known: Vocabulary) -> Any:
    if row.key not in known.custom:
        raise Invalid(gettext("Choose a field."))
    typed = [each for each in row.values if each.strip()]
    if not typed:
        return None
    sort = conditions.sort_of(row.key, known.kinds)[0]
    return typed if sort is conditions.Sort.names else typed[0]


def verbs() -> list[tuple[str, str]]:
    """Every action with its name, to choose from."""
    own = [(effect, each.name()) for effect, each in EFFECTS.items()]
    return [(verb.value, name()) for verb, name in NAMES.items()] + own


NAMES: dict[Verb, Callable[[], str]] = {
    **macro_words.NAMES,
    Verb.snooze: lambda: gettext("Snooze"),
    Verb.field: lambda: gettext("Fill in a field"),
    Verb.policy: lambda: gettext("Choose the SLA policy"),
}


def in_words(kept: Mapping[str, Any], known: Vocabulary, names: Names) -> str:
    """`{"verb": "tag", "tags": ["refund"]}` → Add tags: refund."""
    if not kept:
        return "…"
    verb = str(kept.get("verb", ""))
    if verb in EFFECTS:
        return effect_in_words(kept, names)
    match verb:
        case Verb.field:
            name = f"{CUSTOM}{kept.get('key', '')}"
            field = known.custom.get(name)
            told = {"field": known.custom_names.get(name, kept.get("key", ""))}
            if kept.get("value") in (None, "", []):
                return gettext("Empty %(field)s") % told
            value = field.show(kept["value"]) if field else str(kept["value"])
            return gettext("Set %(field)s to %(value)s") % {**told, "value": value}
        case Verb.snooze if minutes := kept.get("minutes"):
            return gettext("Snooze for %(time)s") % {"time": triggers.span_words(minutes)}
        case Verb.policy:
            return _policy(kept.get("policy"), names)
    if verb not in set(Verb):
        return gettext("Something that is not known any more")
    return macro_words.in_words(kept, names)


def _policy(number: int | None, names: Names) -> str:
    if number is None:
        return gettext("Leave the SLA policy to its conditions")
    return gettext("Choose the SLA policy %(name)s") % {"name": names("policy", number) or gettext("(gone)")}
