"""What rules name, and whether it is there: a deleted tag must not make a rule do half of what it says."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Text, cast, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.changes import Verb
from helpdesk.conditions import FIELDS
from helpdesk.fields import CustomField, Subject
from helpdesk.i18n import Text as Words
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Company, Contact, Team
from helpdesk.rules.effects import Deed
from helpdesk.rules.occasions import Occasion
from helpdesk.rules.reading import Reading
from helpdesk.sla import Policy
from helpdesk.statuses import Status
from helpdesk.webhooks import Webhook

Name = tuple[str, str]
"""Of what, and which: `("tag", "5")`. With `!` it must be usable, too: `("agent!", "7")`."""

WHAT: Mapping[str, Words] = {
    "agent": _("a colleague"),
    "company": _("a company"),
    "contact": _("a contact"),
    "field": _("a custom field"),
    "inbox": _("an inbox"),
    "policy": _("a policy"),
    "status": _("a status"),
    "tag": _("a tag"),
    "tag name": _("a tag"),
    "team": _("a team"),
    "type": _("a type"),
    "webhook": _("a webhook"),
}
_THERE: dict[str, Any] = {
    "agent": (Agent.id, None),
    "agent!": (Agent.id, Agent.active),
    "company": (Company.id, None),
    "contact": (Contact.id, None),
    "inbox": (Inbox.id, None),
    "policy!": (Policy.id, Policy.active),
    "status": (Status.id, None),
    "status!": (Status.id, ~Status.archived),
    "tag": (Tag.id, None),
    "team": (Team.id, None),
    "team!": (Team.id, None),
    "type": (TicketType.id, None),
    "type!": (TicketType.id, ~TicketType.archived),
    "webhook!": (Webhook.id, Webhook.active),
}
_CHANGING = {"assignee": "agent", "team": "team", "status": "status", "type": "type", "tags": "tag"}


async def troubles(session: AsyncSession, found: Iterable[Reading]) -> dict[int, str]:
    """Rule → what is wrong with it, in words, for those with which something is."""
    readings = list(found)
    wanted = {each.rule.id: _named_by(each) for each in readings}
    there = await _there(session, set().union(*wanted.values()) if wanted else set())
    words: dict[int, str] = {}
    for each in readings:
        if each.trouble:
            words[each.rule.id] = each.trouble
        elif gone := sorted(wanted[each.rule.id] - there):
            words[each.rule.id] = _in_words(gone)
    return words


_names: dict[int, set[Name]] = {}


def _named_by(found: Reading) -> set[Name]:
    """Looked up once for what it says; see `Reading.version`."""
    if not found.version:
        return named(found)
    if found.version not in _names:
        if len(_names) > 1_000:
            _names.clear()
        _names[found.version] = named(found)
    return _names[found.version]


async def missing(session: AsyncSession, found: Reading) -> str:
    """What one names that is not there, in words; empty where everything is."""
    gone = sorted((names := named(found)) - await _there(session, names))
    return _in_words(gone) if gone else ""


def _in_words(gone: list[Name]) -> str:
    whats = dict.fromkeys(str(WHAT[of.rstrip("!")]) for of, _which in gone)
    words = gettext("It names %(what)s that is not there any more. Choose another one.")
    return words % {"what": ", ".join(whats)}


def named(found: Reading) -> set[Name]:
    names: set[Name] = set()
    for where in conditions.statements(found.condition):
        field = FIELDS.get(where.field)
        values = where.value if isinstance(where.value, list) else [where.value]
        if field is None:
            names.add(("field", where.field))
        elif field.of in _THERE:
            names |= {(field.of, str(each)) for each in values if isinstance(each, int)}
    for trigger in found.triggers:
        if trigger.on is Occasion.changed and trigger.field.startswith("fields."):
            names.add(("field", trigger.field))
        elif of := _CHANGING.get(trigger.field):
            names |= {(of, str(each)) for each in (*trigger.was, *trigger.now) if each != ""}
    for action in found.actions:
        names |= set(_of_action(action))
    return names


def _of_action(action: Mapping[str, Any]) -> Iterable[Name]:
    verb = action["verb"]
    match verb:
        case Verb.assign if action["agent"]:
            yield "agent!", str(action["agent"])
        case Verb.team | Verb.status | Verb.type | Verb.policy | Deed.webhook if action[verb]:
            yield f"{verb}!", str(action[verb])
        case Verb.tag | Verb.untag:
            yield from (("tag name", name.lower()) for name in action["tags"])
        case Verb.field:
            yield "field", f"fields.{action['key']}"
        case Deed.notify:
            yield from (("agent!", str(each)) for each in action["agents"])
            yield from (("team!", str(each)) for each in action["teams"])


async def _there(session: AsyncSession, names: set[Name]) -> set[Name]:
    """Those of them that are there, in one statement."""
    wanted: dict[str, set[str]] = {}
    for of, which in names:
        wanted.setdefault(of, set()).add(which)
    asked: list[Any] = []
    for of, (column, usable) in _THERE.items():
        ids = [int(each) for each in wanted.get(of, ()) if each.isdigit() and len(each) < 19]
        if ids:
            query = select(literal(of), cast(column, Text)).where(column.in_(ids))
            asked.append(query if usable is None else query.where(usable))
    if tags := wanted.get("tag name"):
        name = func.lower(Tag.name)
        asked.append(select(literal("tag name"), name).where(name.in_(tags)))
    if fields := wanted.get("field"):
        place = {Subject.ticket: "fields", Subject.contact: "contact", Subject.company: "company"}
        for subject, before in place.items():
            key = literal(f"{before}.") + CustomField.key
            query = select(literal("field"), key).where(CustomField.subject == subject, key.in_(fields))
            asked.append(query.where(~CustomField.archived))
    if not asked:
        return set()
    return {(of, which) for of, which in await session.execute(union_all(*asked))}
