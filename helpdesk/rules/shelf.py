"""Keeping rules: which there are, in which order, and which of them work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.changes import Verb, change_of
from helpdesk.clock import now
from helpdesk.conditions import BadCondition, Kinds
from helpdesk.errors import Conflict, HelpdeskError, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.fields import CustomField, Subject
from helpdesk.i18n import _, gettext
from helpdesk.rules.named import missing
from helpdesk.rules.occasions import Occasion, Trigger
from helpdesk.rules.reading import BadRule, Reading, actions_of, condition_of, triggers_of
from helpdesk.rules.rows import MOST_RULES, Rule
from helpdesk.texts import clean, written

LONGEST_NAME = 80
LONGEST_DESCRIPTION = 1_000
TAGGING = frozenset({Verb.tag, Verb.untag})
PLACES = {Subject.ticket: "fields", Subject.contact: "contact", Subject.company: "company"}


@dataclass(frozen=True)
class Given:
    """A rule as somebody writes it. `triggers` as `Trigger`s or the JSON of such; the rest as in `Rule`."""

    name: str
    triggers: Sequence[Trigger | Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]
    condition: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    stops: bool = False
    active: bool | None = None
    """None: as it is; a new one is off."""


async def all_rules(session: AsyncSession) -> Sequence[Rule]:
    """In the order in which they are asked."""
    return (await session.scalars(select(Rule).order_by(Rule.position, Rule.id))).all()


async def one(session: AsyncSession, rule_id: int, *, lock: bool = False) -> Rule:
    """Raises NotFound."""
    query = select(Rule).where(Rule.id == rule_id)
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound
    return found


async def kinds(session: AsyncSession) -> Kinds:
    """The custom fields that a condition may name."""
    rows = await session.execute(
        select(CustomField.subject, CustomField.key, CustomField.kind).where(~CustomField.archived)
    )
    return {f"{PLACES[subject]}.{key}": kind for subject, key, kind in rows}


async def checked(session: AsyncSession, given: Given, *, by: Actor, for_good: bool = False) -> Rule:
    """A rule of it that nobody keeps, as a dry run takes it. Raises BadRule, which says where it is wrong.

    `for_good`: tags that are new are made, as everywhere they are typed.
    """
    rule = Rule(stops=given.stops, active=False, position=0, trouble="")
    rule.name = " ".join(clean(given.name).split())
    rule.description = written(given.description)
    if not 0 < len(rule.name) <= LONGEST_NAME:
        raise BadRule("name", gettext("A rule has a name of up to %(n)s characters.") % {"n": LONGEST_NAME})
    if len(rule.description) > LONGEST_DESCRIPTION:
        raise BadRule(
            "description", gettext("This has at most %(n)s characters.") % {"n": LONGEST_DESCRIPTION}
        )
    triggers = triggers_of(list(given.triggers))
    try:
        condition = condition_of(given.condition, await kinds(session))
    except BadCondition as error:
        raise BadRule("condition", error) from None
    actions = actions_of(list(given.actions))
    for place, action in enumerate(actions):
        if for_good or action["verb"] not in TAGGING:
            await _load(session, action, f"actions.{place}", by)
    there = actions if for_good else [each for each in actions if each["verb"] not in TAGGING]
    if words := await missing(session, Reading(rule, triggers, condition, tuple(there))):
        raise BadRule("", words)
    rule.triggers = [msgspec.to_builtins(each) for each in triggers]
    rule.condition = {} if condition == conditions.EVERYTHING else conditions.as_json(condition)
    rule.actions = [dict(action) for action in actions]
    return rule


async def _load(session: AsyncSession, action: Mapping[str, Any], place: str, by: Actor) -> None:
    if action["verb"] not in set(Verb):
        return
    values = {name: value for name, value in action.items() if name != "verb"}
    try:
        await change_of(Verb(action["verb"]), values).load(session, by=by)
    except HelpdeskError as error:
        raise BadRule(place, error) from None


KEPT = ("name", "description", "triggers", "condition", "actions", "stops")


async def keep(session: AsyncSession, rule: Rule | None, given: Given, *, by: Actor) -> Rule:
    """A new one, asked last and off, or one as it is from now on. Raises BadRule, NameTaken, TooMany.

    Nothing is changed on `rule` before everything is known to be right.
    """
    new = await checked(session, given, by=by, for_good=True)
    taken = select(Rule.id).where(func.lower(Rule.name) == func.lower(new.name))
    if rule is not None:
        taken = taken.where(Rule.id != rule.id)
    if await session.scalar(taken):
        raise NameTaken
    fields = ["created"]
    if rule is None:
        rule = new
        rule.position = await _last(session)
        session.add(rule)
    else:
        fields = [name for name in KEPT if getattr(rule, name) != getattr(new, name)]
        for name in fields:
            setattr(rule, name, getattr(new, name))
    rule.trouble = ""
    if given.active is not None and given.active != rule.active:
        rule.active = given.active
        fields.append("switched_on" if given.active else "switched_off")
    if {"created", "triggers", "switched_on"} & set(fields):
        rule.next_at = next_round(triggers_of(rule.triggers), now())
    try:
        await session.flush()
    except IntegrityError:
        raise NameTaken from None
    if fields:
        session.add(Event(Kind.rule_edited, by=by, about=rule, name=rule.name, fields=fields))
    return rule


async def switch(session: AsyncSession, rule: Rule, on: bool, *, by: Actor) -> None:
    """What happened while it was off stays as it is. Raises BadRule where what it names is not there any more."""
    if rule.active == on:
        return
    if on:
        condition = condition_of(rule.condition)
        found = Reading(rule, triggers_of(rule.triggers), condition, tuple(actions_of(rule.actions)))
        if words := await missing(session, found):
            raise BadRule("", words)
        rule.next_at = next_round(found.triggers, now())
        rule.trouble = ""
    rule.active = on
    what = "switched_on" if on else "switched_off"
    session.add(Event(Kind.rule_edited, by=by, about=rule, name=rule.name, fields=[what]))


async def reorder(session: AsyncSession, ids: Sequence[int], *, by: Actor) -> None:
    """Rules are asked in this order; those that are not named come behind, as they stood."""
    found = {rule.id: rule for rule in await all_rules(session)}
    order = [found.pop(number) for number in dict.fromkeys(ids) if number in found]
    for place, rule in enumerate([*order, *found.values()]):
        if rule.position != place:
            rule.position = place
            session.add(Event(Kind.rule_edited, by=by, about=rule, name=rule.name, fields=["position"]))


async def remove(session: AsyncSession, rule: Rule, *, by: Actor) -> None:
    """For good, with the log of its runs: what it changed stays, and cannot be undone by it any more."""
    session.add(Event(Kind.rule_edited, by=by, about=rule, name=rule.name, fields=["removed"]))
    await session.flush()
    await session.delete(rule)


def next_round(triggers: Sequence[Trigger], after: datetime) -> datetime | None:
    """When the first of its schedules comes round."""
    times = [
        each.schedule.after(after) for each in triggers if each.on is Occasion.schedule and each.schedule
    ]
    return min(times, default=None)


async def _last(session: AsyncSession) -> int:
    count, last = (await session.execute(select(func.count(Rule.id), func.max(Rule.position)))).one()
    if count >= MOST_RULES:
        raise TooMany
    return 0 if last is None else int(last) + 1


class NameTaken(Conflict):
    message = _("There is a rule of this name already.")


class TooMany(Conflict):
    message = _("There are 200 rules. Remove some that are no longer used.")
