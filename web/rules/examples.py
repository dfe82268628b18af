"""Rules to begin with: each opens as a draft in the editor, and what only its desk can know is left to fill in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from helpdesk import conditions
from helpdesk.conditions import All, Condition, Either, Operator, Where
from helpdesk.errors import NotFound
from helpdesk.i18n import Text, _, gettext
from helpdesk.rules import Rule
from helpdesk.statuses import BUILT_IN, Category
from web.rules import actions, drafts
from web.rules.drafts import Draft
from web.rules.editing import Editor


@dataclass(frozen=True)
class Example:
    key: str
    icon: str
    title: Text
    words: Text
    make: Callable[[str], Rule]
    """For who lives in this time zone."""
    unfilled: tuple[actions.Row, ...] = ()
    """Actions whose value the desk's people choose."""


@dataclass(frozen=True)
class Tile:
    key: str
    icon: str
    title: str
    words: str


def tiles() -> list[Tile]:
    return [Tile(each.key, each.icon, str(each.title), str(each.words)) for each in EXAMPLES]


def draft(key: str, editor: Editor) -> Draft:
    """Raises NotFound."""
    example = next((each for each in EXAMPLES if each.key == key), None)
    if example is None:
        raise NotFound
    rule = example.make(editor.agent.time_zone)
    rule.name, rule.description = str(example.title), ""
    made = drafts.of(rule, editor.agent.time_zone)
    unfilled = [actions.Row(row.verb) for row in example.unfilled]
    made.actions = [*unfilled, *(made.actions if rule.actions else [])]
    return made


def _rule(when: list[dict[str, Any]], condition: Condition, does: list[dict[str, Any]]) -> Rule:
    return Rule(
        name="",
        description="",
        stops=False,
        trouble="",
        triggers=when,
        condition=conditions.as_json(condition),
        actions=does,
    )


def _where(field: str, operator: Operator, value: conditions.Value = None) -> Where:
    return Where(field, operator, value)


def _absent(_zone: str) -> Rule:
    words = gettext(
        "Hello {{contact.first_name|there}},\n\nthank you for your message. We have it as {{ticket.number}}, and "
        "somebody answers as soon as we are back.\n\n{{desk.name}}"
    )
    return _rule(
        [{"on": "created"}],
        All((_where("within_hours", Operator.is_, False),)),
        [{"verb": "reply", "text": words}],
    )


def _angry(_zone: str) -> Rule:
    return _rule(
        [{"on": "triaged"}],
        All(
            (
                _where("sentiment", Operator.any_of, ["very_negative", "frustrated"]),
                _where("priority", Operator.none_of, ["high", "urgent"]),
            )
        ),
        [{"verb": "priority", "priority": "high"}, {"verb": "tag", "tags": ["angry"]}],
    )


def _due(_zone: str) -> Rule:
    told = {"assignee": True, "text": gettext("A promise is due soon")}
    return _rule([{"on": "warned"}], All(), [{"verb": "notify", **told}])


def _important(_zone: str) -> Rule:
    return _rule(
        [{"on": "created"}],
        All((_where("company_name", Operator.is_, ""),)),
        [{"verb": "tag", "tags": ["vip"]}],
    )


def _silent(_zone: str) -> Rule:
    return _rule(
        [{"on": "idle", "minutes": 7 * 1440, "silence": "customer"}],
        All((_where("category", Operator.is_, "waiting"),)),
        [{"verb": "status", "status": BUILT_IN[Category.resolved]}, {"verb": "tag", "tags": ["no answer"]}],
    )


def _words(_zone: str) -> Rule:
    named = [
        _where("subject", Operator.contains, gettext("invoice")),
        _where("text", Operator.contains, gettext("refund")),
    ]
    return _rule(
        [{"on": "created"}], All((Either(tuple(named)),)), [{"verb": "tag", "tags": [gettext("billing")]}]
    )


def _weekend(zone: str) -> Rule:
    return _rule(
        [{"on": "schedule", "schedule": {"every": "week", "days": [0], "at": "08:00", "zone": zone}}],
        All((_where("created", Operator.within_last, "3d"), _where("unattended", Operator.is_, True))),
        [{"verb": "tag", "tags": [gettext("weekend")]}, {"verb": "priority", "priority": "high"}],
    )


def _again(_zone: str) -> Rule:
    words = gettext("The customer has answered what we were waiting for.")
    return _rule(
        [{"on": "changed", "field": "category", "was": ["waiting", "on_hold"], "now": ["open"]}],
        All((_where("assignee", Operator.is_not_empty),)),
        [{"verb": "note", "text": words}, {"verb": "notify", "assignee": True}],
    )


EXAMPLES = (
    Example(
        "absent",
        "mail",
        _("Say that nobody is there"),
        _("Who writes outside working hours hears at once that it has arrived."),
        _absent,
    ),
    Example(
        "angry",
        "flag",
        _("Angry customers first"),
        _("What sounds angry or frustrated gets a high priority and a tag."),
        _angry,
    ),
    Example(
        "due",
        "clock",
        _("Tell the lead before it is late"),
        _("When a promise is due soon, whoever has it hears of it, and whom you choose."),
        _due,
    ),
    Example(
        "important",
        "building-2",
        _("An important company"),
        _("Their tickets get an SLA policy of their own, and a tag."),
        _important,
        (actions.Row("policy"),),
    ),
    Example(
        "silent",
        "timer",
        _("Close what stays silent"),
        _("Seven days after our answer without a word, the ticket is resolved."),
        _silent,
    ),
    Example(
        "words",
        "route",
        _("Route by words"),
        _("What speaks of invoices or refunds goes to the team that knows them."),
        _words,
        (actions.Row("team"),),
    ),
    Example(
        "weekend",
        "calendar",
        _("Mail of the weekend"),
        _("On Monday at eight, what nobody has looked at yet is marked and comes first."),
        _weekend,
    ),
    Example(
        "again",
        "message-square-text",
        _("The answer has come"),
        _("When a ticket that waited for its customer opens again, whoever has it is told."),
        _again,
    ),
)
