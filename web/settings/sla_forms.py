"""What the form of a policy brings, and what stands in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.sla import SNOOZED, Metric, Policy, matching
from helpdesk.sla.arranging import MOST_ESCALATIONS, RESTFUL, Given
from helpdesk.tickets import Priority
from web.console.builder import Choices, Node
from web.console.shell import Directory
from web.forms import Fields
from web.promises import duration, metric_name, minutes_of
from web.words import priority_name, status_name

LAST = 2**31 - 1
"""Where a policy stands that is not kept yet: it is asked after all others."""
PRIORITIES = tuple(reversed(Priority))


class PolicyForm(Fields):
    name: Annotated[str, Meta(max_length=400)] = ""
    calendar: Annotated[str, Meta(pattern=r"^\d{0,18}$")] = ""
    warn: Annotated[str, Meta(max_length=40)] = ""
    active: bool = False


@dataclass(frozen=True)
class PolicyChoices(Choices):
    """Fields that say what a ticket is; not how it stands, nor who looks."""

    def fields(self, chosen: str) -> Sequence[tuple[str, str]]:
        offered = super().fields(chosen)
        return [(name, words) for name, words in offered if may_name(name) or name == chosen]

    def values(self, node: Node) -> Sequence[tuple[str, str]]:
        return [(value, words) for value, words in super().values(node) if value not in ("me", "mine")]


def may_name(field: str) -> bool:
    return field in matching.FIELDS or "." in field


def given(form: PolicyForm, sent: Any) -> Given:
    """Without the condition. `sent` is the form's multi-dict. Raises Invalid."""
    targets: dict[str, dict[str, int]] = {}
    for priority in Priority:
        for metric in Metric:
            if minutes := minutes_of(str(sent.get(f"target-{priority}-{metric}", ""))):
                targets.setdefault(priority.value, {})[metric.value] = minutes
    pauses = {
        metric.value: [rest for rest in _rests() if f"pause-{metric}-{rest}" in sent] for metric in Metric
    }
    return Given(
        name=form.name,
        calendar_id=int(form.calendar or 0),
        targets=targets,
        pauses=pauses,
        warn_minutes=minutes_of(form.warn),
        escalations=[one for number in range(MOST_ESCALATIONS) if (one := _escalation(sent, number))],
        active=form.active,
    )


def _escalation(sent: Any, number: int) -> dict[str, int] | None:
    whom = str(sent.get(f"escalation-{number}-whom", ""))
    after = minutes_of(str(sent.get(f"escalation-{number}-after", "")))
    if not whom:
        return None
    kind, _, of = whom.partition(":")
    if kind not in ("agent", "team") or not (of.isascii() and of.isdigit()) or len(of) > 18:
        raise Invalid(gettext("Choose who is told when a promise stays late."))
    return {"after": after or 0, kind: int(of)}


def grid(policy: Policy) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """A row a priority, most urgent first: its name, then each metric with its field and its time in words."""
    targets: Mapping[str, Mapping[str, int]] = policy.targets or {}
    return [
        (
            priority.value,
            priority_name(priority),
            [
                (
                    f"target-{priority}-{metric}",
                    metric_name(metric),
                    duration(targets.get(priority, {}).get(metric)),
                )
                for metric in Metric
            ],
        )
        for priority in PRIORITIES
    ]


def rests(policy: Policy) -> list[tuple[str, list[tuple[str, str, bool]]]]:
    """A row a metric: its name, then each category with its field and whether it rests there."""
    pauses: Mapping[str, Sequence[str]] = policy.pauses or {}
    return [
        (
            metric_name(metric),
            [
                (f"pause-{metric}-{rest}", words, rest in pauses.get(metric, ()))
                for rest, words in _rests().items()
            ],
        )
        for metric in Metric
    ]


def _rests() -> dict[str, str]:
    return {**{each.value: status_name(each) for each in RESTFUL}, SNOOZED: gettext("Snoozed")}


def escalations(policy: Policy) -> list[tuple[str, str]]:
    """After how long and whom; the rest is empty rows to fill in."""
    rows = [
        (
            duration(one.get("after") or None),
            f"agent:{one['agent']}" if one.get("agent") else f"team:{one.get('team')}",
        )
        for one in policy.escalations or []
    ]
    return [*rows, *[("", "")] * (MOST_ESCALATIONS - len(rows))]


def whom(directory: Directory) -> list[tuple[str, list[tuple[str, str]]]]:
    people = [(f"agent:{agent.id}", agent.name) for agent in directory.colleagues]
    teams = [(f"team:{number}", team.name) for number, team in directory.teams.items()]
    return [(gettext("Teams"), teams), (gettext("Colleagues"), people)]
