"""What names in a search may mean, and what is offered while somebody types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.conditions import Scalar
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Team
from helpdesk.search.syntax import HAS, IS, KEYS
from helpdesk.statements import once
from helpdesk.statuses import Category, Status
from helpdesk.tickets import Priority
from helpdesk.topics import Topic

SHOWN = 8
PLACES = {Subject.ticket: "fields", Subject.contact: "contact", Subject.company: "company"}


WORDS: Mapping[str, Mapping[str, Text]] = {
    "category": {
        "new": _("New"),
        "open": _("Open"),
        "waiting": _("Waiting for customer"),
        "on_hold": _("On hold"),
        "resolved": _("Resolved"),
        "closed": _("Closed"),
    },
    "priority": {"low": _("Low"), "normal": _("Normal"), "high": _("High"), "urgent": _("Urgent")},
    "sentiment": {
        "very_negative": _("Angry"),
        "frustrated": _("Frustrated"),
        "negative": _("Unhappy"),
        "neutral": _("Calm"),
        "positive": _("Pleased"),
        "very_positive": _("Delighted"),
    },
    "urgency": {"can_wait": _("Can wait"), "soon": _("Soon"), "urgent": _("Urgent")},
    "removed": {"spam": _("Spam"), "trash": _("Trash"), "merged": _("Merged")},
}


@dataclass(frozen=True)
class Vocabulary:
    """Everything that conditions and searches name by a word: loaded once a request that needs it."""

    named: Mapping[str, Mapping[int, str]]
    """Of what → id → name."""
    custom: Mapping[str, CustomField] = field(default_factory=dict)
    """By their name in conditions."""
    channels: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, FieldKind]:
        return {name: each.kind for name, each in self.custom.items()}

    @property
    def custom_names(self) -> dict[str, str]:
        return {name: each.name for name, each in self.custom.items()}

    def find(self, of: str, name: str) -> list[int]:
        """By the whole name; else all that begin with it; case does not matter."""
        wanted, known = name.casefold(), self.named.get(of, {})
        if whole := [number for number, each in known.items() if each.casefold() == wanted]:
            return list(whole)
        return [number for number, each in known.items() if each.casefold().startswith(wanted)][:20]

    def name(self, of: str, value: Scalar) -> str | None:
        """For `conditions.describe`."""
        if of == "field":
            return self.custom_names.get(str(value))
        if isinstance(value, int) and not isinstance(value, bool):
            return self.named.get(of, {}).get(value)
        if of in WORDS:
            return str(WORDS[of].get(str(value), value))
        return None

    def describe(self, condition: conditions.Condition) -> str:
        return conditions.describe(condition, self.name)


async def vocabulary(session: AsyncSession) -> Vocabulary:
    named: dict[str, dict[int, str]] = {}
    for of, number, name in await session.execute(_named()):
        named.setdefault(of, {})[number] = name
    custom = {f"{PLACES[each.subject]}.{each.key}": each for each in await session.scalars(_custom())}
    channels = tuple(named.pop("channel", {}).values())
    return Vocabulary(named, custom, channels)


@once
def _named() -> Any:
    return union_all(
        select(literal("agent").label("of"), Agent.id, Agent.name).where(Agent.active),
        select(literal("team"), Team.id, Team.name),
        select(literal("tag"), Tag.id, Tag.name),
        select(literal("type"), TicketType.id, TicketType.name),
        select(literal("topic"), Topic.id, Topic.name),
        select(literal("inbox"), Inbox.id, Inbox.name),
        select(literal("status"), Status.id, Status.name),
        select(literal("channel"), func.min(Inbox.id), Inbox.channel).group_by(Inbox.channel),
    ).order_by("of", "name")


@once
def _custom() -> Any:
    places = case({subject.value: at for at, subject in enumerate(Subject)}, value=CustomField.subject)
    return (
        select(CustomField)
        .where(CustomField.archived.is_(False))
        .order_by(places, CustomField.position, CustomField.id)
    )


@dataclass(frozen=True)
class Suggestion:
    """What may be typed next: `text` takes the place of the last word."""

    text: str
    hint: str = ""


def suggestions(typed: str, known: Vocabulary) -> list[Suggestion]:
    """For the last word of what was typed: fields while it has no colon, values of the field after it."""
    last = typed.rsplit(" ", 1)[-1].lstrip("-(")
    minus = "-" if typed.rsplit(" ", 1)[-1].startswith("-") else ""
    key, colon, begun = last.partition(":")
    if not colon:
        if not last:
            return []
        fitting = [
            Suggestion(f"{minus}{name}:", str(KEYS[name].hint))
            for name in KEYS
            if name.startswith(last.lower())
        ]
        mine = [
            Suggestion(f"{minus}{name.partition('.')[2] if name.startswith('fields.') else name}:", each.name)
            for name, each in known.custom.items()
            if each.key.startswith(last.lower())
        ]
        return [*fitting, *mine][:SHOWN]
    wanted = begun.strip('"').casefold()
    found = [value for value in _values(key.lower(), known) if value.casefold().startswith(wanted)]
    return [Suggestion(f"{minus}{key}:{_quoted(value)}") for value in found[:SHOWN]]


def _values(key: str, known: Vocabulary) -> list[str]:
    fixed: dict[str, Any] = {
        "is": [name for name in IS if name != "anywhere"],
        "in": ["spam", "trash", "anywhere"],
        "has": list(HAS),
        "priority": list(Priority),
        "channel": list(known.channels),
        "status": [*Category, *known.named.get("status", {}).values()],
        "assignee": ["me", "nobody", *known.named.get("agent", {}).values()],
        "team": ["mine", "none", *known.named.get("team", {}).values()],
        "updated": ["12h", "1d", "7d", "4w"],
        "due": ["1h", "4h", "1d"],
    }
    if key in fixed:
        return list(dict.fromkeys(fixed[key]))
    custom = known.custom.get(key) or known.custom.get(f"fields.{key}")
    if custom:
        return custom.choices
    return list(known.named.get({"tag": "tag", "type": "type", "inbox": "inbox"}.get(key, ""), {}).values())


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
