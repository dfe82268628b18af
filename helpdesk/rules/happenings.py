"""Events as triggers hear them, and which of them wait for rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.events import UNDONE, ActorKind, Event, Kind
from helpdesk.messages import Message
from helpdesk.rules.occasions import Occasion, Trigger
from helpdesk.rules.rows import RuleWaiting
from helpdesk.statuses import BUILT_IN, Category

OCCASIONS: Mapping[Kind, Occasion] = {
    Kind.ticket_created: Occasion.created,
    Kind.message_received: Occasion.received,
    Kind.replied: Occasion.replied,
    Kind.noted: Occasion.noted,
    Kind.triaged: Occasion.triaged,
    Kind.sla_warned: Occasion.warned,
    Kind.sla_breached: Occasion.breached,
    Kind.rated: Occasion.rated,
}
STANDING = ("category", "status")
CHANGES: Mapping[Kind, tuple[str, ...]] = {
    Kind.assigned: ("assignee", *STANDING),
    Kind.team_changed: ("team",),
    Kind.priority_changed: ("priority",),
    Kind.type_changed: ("type",),
    Kind.tagged: ("tags",),
    Kind.untagged: ("tags",),
    Kind.status_changed: STANDING,
    Kind.resolved: STANDING,
    Kind.reopened: STANDING,
    Kind.replied: STANDING,
    Kind.reply_withdrawn: STANDING,
    Kind.field_changed: (),
}
"""What an event of this kind may have changed, in the words of triggers."""
PEOPLE = (ActorKind.agent, ActorKind.contact)
MISSING = ""
"""In a trigger: nobody, none, empty."""


@dataclass(frozen=True)
class Happening:
    """An event as far as triggers need to know it."""

    id: int
    kind: Kind
    ticket_id: int
    actor: ActorKind
    data: Mapping[str, Any]
    before: Mapping[str, Any] | None = None
    """How the ticket stood before the reply that it is about."""

    @property
    def run_id(self) -> int | None:
        """The run of a rule that it comes from."""
        found = self.data.get("run")
        return found if isinstance(found, int) else None


def by_people() -> ColumnElement[bool]:
    """On Event: what rules and the desk do breaks no silence, or a rule about silence would break it itself."""
    return and_(Event.actor.in_(PEOPLE), ~Event.data.has_key(UNDONE))


def hears(trigger: Trigger, event: Happening) -> bool:
    """Whether this is what the trigger waits for."""
    if trigger.on is Occasion.changed:
        return any(_fits(trigger, was, now) for was, now in _changes(trigger.field, event))
    if OCCASIONS.get(event.kind) is not trigger.on:
        return False
    return not trigger.metric or trigger.metric == event.data.get("metric")


def _fits(trigger: Trigger, was: set[Any], now: set[Any]) -> bool:
    if trigger.field == "tags":  # put on, or taken off: one event is only ever one of the two
        if not (trigger.was or trigger.now):
            return True
        return bool(now & set(trigger.now)) or bool(was & set(trigger.was))
    return (not trigger.was or bool(was & set(trigger.was))) and (
        not trigger.now or bool(now & set(trigger.now))
    )


def _changes(field: str, event: Happening) -> Iterator[tuple[set[Any], set[Any]]]:
    """What it was and what it is, where the event is about this field."""
    data = event.data
    if event.kind is Kind.field_changed:
        if field == f"fields.{data.get('field')}":
            yield _values(data, "was"), _values(data, "now")
    elif field not in CHANGES.get(event.kind, ()):
        return
    elif field == "tags":
        tag = {data.get("tag")}
        yield (set(), tag) if event.kind is Kind.tagged else (tag, set())
    elif field in STANDING:
        was, now = _stood(event)
        if was and now and was[field] is not None and was[field] == now[field]:
            return
        if now:
            yield {was[field]} if was else set(), {now[field]}
    else:
        yield _values(data, "was"), _values(data, "now")


def _values(data: Mapping[str, Any], name: str) -> set[Any]:
    """Of a text nothing is told but whether it was emptied."""
    if name not in data:
        return {MISSING} if name == "now" and data.get("emptied") else set()
    value = data[name]
    if value is None or value == []:
        return {MISSING}
    return set(value) if isinstance(value, list) else {value}


_Stood = dict[str, Any] | None


def _stood(event: Happening) -> tuple[_Stood, _Stood]:
    """Category and status before and after; None where the event changed neither, or does not say."""
    data, before = event.data, event.before
    match event.kind:
        case Kind.status_changed:
            was = {"category": data.get("was"), "status": data.get("was_status")}
            return was, {"category": data.get("now"), "status": data.get("status")}
        case Kind.resolved | Kind.reopened:
            became = Category.resolved if event.kind is Kind.resolved else Category.open
            was_or_none = (
                {"category": data["was"], "status": data.get("was_status")} if "was" in data else None
            )
            return was_or_none, _usual(became)
        case Kind.replied if before:
            return {"category": before["status"], "status": before.get("status_id")}, _usual(Category.waiting)
        case Kind.reply_withdrawn if before and "status" in before:
            return _usual(Category.waiting), {
                "category": before["status"],
                "status": before.get("status_id"),
            }
        case Kind.assigned if data.get("opened"):
            return _usual(Category.new), _usual(Category.open)
    return None, None


def _usual(category: Category) -> dict[str, Any]:
    return {"category": category.value, "status": BUILT_IN[category]}


_PROBES = [
    *[(kind, {"on": occasion}) for kind, occasion in OCCASIONS.items()],
    *[
        (kind, {"on": Occasion.changed, "field": field})
        for kind, fields in CHANGES.items()
        for field in fields
    ],
    (Kind.field_changed, {"on": Occasion.changed}),
]
_parts = ", ".join(f"('{kind}', '{msgspec.json.encode([part]).decode()}')" for kind, part in _PROBES)
_enlist = text(f"""
    INSERT INTO rule_waiting (event_id, ticket_id)
    SELECT event.id, event.ticket_id FROM event
    WHERE event.id = ANY(:ids) AND event.ticket_id IS NOT NULL AND NOT event.data ? '{UNDONE}' AND EXISTS (
      SELECT FROM rule JOIN (VALUES {_parts}) AS probe (kind, part) ON rule.triggers @> CAST(part AS jsonb)
      WHERE rule.active AND probe.kind = event.kind)
    ON CONFLICT DO NOTHING RETURNING event_id
""")  # noqa: S608 - made of this file's own names


async def enlist(session: AsyncSession, event_ids: Sequence[int]) -> bool:
    """In the transaction that dispatches these events: those that an active rule may hear wait for it.

    One statement, the same words each time. Returns whether any does.
    """
    return (await session.execute(_enlist, {"ids": list(event_ids)})).first() is not None


async def waiting(session: AsyncSession, limit: int, *, besides: Sequence[int] = ()) -> list[Happening]:
    """The oldest events that wait, but for those of the tickets in `besides`."""
    ids = select(RuleWaiting.event_id).where(RuleWaiting.ticket_id.not_in(besides))
    return await _happened(session, ids.order_by(RuleWaiting.event_id).limit(limit))


async def claimed(session: AsyncSession, ticket_id: int) -> list[Happening]:
    """Everything that waits about a ticket, in its order; with this transaction it waits no more."""
    ids = await session.scalars(
        delete(RuleWaiting).where(RuleWaiting.ticket_id == ticket_id).returning(RuleWaiting.event_id)
    )
    return await _happened(session, ids.all())


async def _happened(session: AsyncSession, ids: Any) -> list[Happening]:
    found = await session.execute(
        select(Event.id, Event.kind, Event.ticket_id, Event.actor, Event.data, Message.before)
        .outerjoin(Message, Message.id == Event.message_id)
        .where(Event.id.in_(ids))
        .order_by(Event.id)
    )
    return [Happening(*row) for row in found]


async def forget(session: AsyncSession, event_ids: Sequence[int]) -> None:
    """They wait no more: no rule wants to hear of them."""
    if event_ids:
        await session.execute(
            delete(RuleWaiting)
            .where(RuleWaiting.event_id.in_(event_ids))
            .execution_options(synchronize_session=False)
        )


async def left(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(RuleWaiting)) or 0
