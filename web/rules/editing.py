"""The editor of a rule: what its form offers, and the rule as a sentence while it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.conditions.impersonal import PERSONAL, WHO_LOOKS
from helpdesk.errors import HelpdeskError
from helpdesk.fields import Subject
from helpdesk.macros import placeholders
from helpdesk.people import Agent
from helpdesk.rules import Rule
from helpdesk.rules.reading import condition_of
from helpdesk.rules.words import ALWAYS_KNOWN
from helpdesk.search.values import Vocabulary, vocabulary
from helpdesk.sla import Metric, Policy
from helpdesk.webhooks import Webhook
from web import actions as shared
from web import schedules
from web.console import view_counts
from web.console.builder import Choices, Node
from web.people.choices import zones
from web.rules import actions, drafts, triggers, words
from web.rules.actions import Offer
from web.rules.drafts import Draft
from web.rules.effects import EFFECTS
from web.rules.stories import Narrator

INPUTS = {"tag": "tags", "untag": "tags", "snooze": "snooze", "field": "field", "spam": "", "trash": ""}
INSTEAD = {"contact.first_name": "there", "contact.name": "there"}
"""What stands where a name is not known."""


@dataclass(frozen=True)
class RuleChoices(Choices):
    """Without what depends on who looks: nobody does."""

    def fields(self, chosen: str) -> Sequence[tuple[str, str]]:
        return [each for each in super().fields(chosen) if each[0] not in PERSONAL]

    def values(self, node: Node) -> Sequence[tuple[str, str]]:
        return [each for each in super().values(node) if each[0] not in WHO_LOOKS]


@dataclass(frozen=True)
class Editor:
    session: AsyncSession
    agent: Agent
    known: Vocabulary
    offer: Offer
    custom: Sequence[tuple[str, str]]
    """Placeholders of custom fields."""

    @classmethod
    async def load(cls, session: AsyncSession, agent: Agent) -> "Editor":
        known = await vocabulary(session)
        policies = select(Policy.id, Policy.name).order_by(Policy.position, Policy.id)
        webhooks = select(Webhook.id, Webhook.name).where(Webhook.active).order_by(Webhook.name)
        offer = Offer(
            known=known,
            shared=await shared.choices(session),
            policies=[(number, name) for number, name in await session.execute(policies)],
            webhooks=[(number, name) for number, name in await session.execute(webhooks)],
        )
        custom = [
            (f"{subject.value}.fields.{field.key}", field.name)
            for subject in Subject
            for field in await fields.load(session, subject)
        ]
        return cls(session, agent, known, offer, custom)

    def empty(self) -> Draft:
        return Draft(triggers=[triggers.Row(zone=self.agent.time_zone)], actions=[actions.Row()])

    def sentence(self, rule: Any) -> words.Sentence:
        return words.sentence(rule, self.known, self.offer.names, self.agent.locale)

    @property
    def narrator(self) -> Narrator:
        return Narrator(self.known, self.offer.names)

    async def page(self, rule: Rule, draft: Draft, *, tried: bool = False) -> dict[str, Any]:
        """For settings/rules/edit.html. `tried`: whether what is missing is said."""
        return {
            "rule": rule,
            "placeholders": self.placeholders(),
            "foreseen": None,
            **await self.part(draft, tried=tried),
        }

    async def part(self, draft: Draft, *, tried: bool = False) -> dict[str, Any]:
        """Every part of the form and the sentence. What is not filled in yet is no mistake before it is sent."""
        before = draft.problems
        whole = drafts.given(draft, self.known)
        sentence = self.sentence(
            whole or drafts.so_far(draft, self.known)
        )  # reading a row says what is wrong with it
        draft.problems = {**draft.problems, **before} if tried else before
        if not tried:
            for trigger in draft.triggers:
                trigger.problem = ""
            for action in draft.actions:
                action.problem = ""
        return {
            "draft": draft,
            "sentence": sentence,
            "occasions": words.occasions(),
            "silences": words.silences(),
            "trigger_fields": triggers.fields(self.known),
            "options_of": lambda name: triggers.options(name, self.known),
            "metrics": list(Metric),
            "everies": schedules.everies(),
            "zones": _zones(draft),
            "week_days": [
                (str(n), day) for n, day in enumerate(schedules.day_names(self.agent.locale, short=True))
            ],
            "month_days": [(str(day), str(day)) for day in range(1, 32)],
            "verbs": actions.verbs(),
            "offer": self.offer,
            "input_of": input_of,
            **await self._built(draft.root, tried=tried),
        }

    async def _built(self, root: Node, *, tried: bool) -> dict[str, Any]:
        """The conditions with the number of tickets they mean, once they hold together."""
        context: dict[str, Any] = {
            "root": root,
            "choices": RuleChoices(self.known),
            "number": "",
            "words": "",
            "builder_at": "/settings/rules/form",
        }
        try:
            wanted = condition_of(drafts.condition(root, self.known), self.known.kinds)
        except HelpdeskError:
            for node in root.walk():
                filled = tried or any(each.strip() for each in node.values)
                node.problem = node.problem if filled else ""
            return context
        return context | {"number": await view_counts.number(self.session, self.agent, wanted)}

    def placeholders(self) -> list[tuple[str, str]]:
        """As they are copied: whatever may not be known with what stands there instead."""
        offered = placeholders.offered(self.custom)
        return [
            (name if name in ALWAYS_KNOWN else f"{name}|{INSTEAD.get(name, '–')}", said)
            for name, said in offered
            if not name.startswith("agent.")
        ]


def input_of(row: actions.Row) -> str:
    """Which input the value of an action takes."""
    if effect := EFFECTS.get(row.verb):
        return effect.input
    return INPUTS.get(row.verb, "one")


def _zones(draft: Draft) -> list[str]:
    chosen = {row.zone for row in draft.triggers}
    return sorted({*zones(), *chosen, "UTC"})
