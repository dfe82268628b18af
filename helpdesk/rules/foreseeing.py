"""A dry run: which tickets a rule would have changed over the last days, had it been there.

Each moment of the time is asked in turn, with its ticket as it was then (`past.py`); the rule stands alone, so what
other rules would have done before it or after it is not played. Everything is taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import is_visible
from helpdesk.changes import Change, Verb
from helpdesk.clock import now
from helpdesk.conditions import Where
from helpdesk.errors import HelpdeskError
from helpdesk.events import UNDONE, Event, Kind
from helpdesk.labels import Tag
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.rules.asking import holds_for
from helpdesk.rules.doing import Step, steps_of
from helpdesk.rules.happenings import CHANGES, OCCASIONS, Happening, hears
from helpdesk.rules.judging import Judge
from helpdesk.rules.occasions import Occasion, Trigger
from helpdesk.rules.past import State, histories
from helpdesk.rules.reading import BadRule, Reading, asked_of, reading
from helpdesk.rules.rows import Rule
from helpdesk.rules.shadows import Shadow
from helpdesk.rules.silences import silences
from helpdesk.tickets import Ticket

MOST = 20_000
"""Moments that are looked at, newest first."""
PAGE = 1_000
SHOWN = 200


@dataclass(frozen=True)
class Moment:
    """Something after which the rule would have been asked about a ticket."""

    ticket_id: int
    at: datetime
    restless: bool = False
    """Of a silence or a round: what sleeps or is settled is not asked then, unless the condition speaks of it."""
    event_id: int | None = None


@dataclass
class Hit:
    """One ticket that would have been changed, at the newest time that it would have been."""

    ticket_id: int
    number: int
    subject: str
    moment: Moment
    done: list[dict[str, Any]]
    """`[{"verb", "given", "before", "after"}, …]` as a run has it."""
    times: int = 1


@dataclass
class Foreseen:
    since: datetime
    moments: int = 0
    matched: int = 0
    """Moments at which its condition held."""
    tickets: int = 0
    """Tickets that would have become different, or whose people would have been written to."""
    hits: list[Hit] = field(default_factory=list)
    """The newest of them."""
    by_today: list[Where] = field(default_factory=list)
    """Statements that were judged by what tickets are now: nothing tells what they were."""
    cut: bool = False
    """There was more than was looked at: this is the newest part of the time."""


async def foresee(session: AsyncSession, rule: Rule, *, agent: Agent, days: int = 30) -> Foreseen:
    """Over the tickets that `agent` may know of. `rule` need not be kept. Raises BadRule where it cannot be asked."""
    found = reading(rule)
    if found.trouble:
        raise BadRule("", found.trouble)
    savepoint = await session.begin_nested()
    try:
        return await _foreseen(session, found, agent, now() - timedelta(days=days))
    finally:
        await savepoint.rollback()  # of tags that the rule would make


async def _foreseen(session: AsyncSession, rule: Reading, agent: Agent, since: datetime) -> Foreseen:
    found = Foreseen(since)
    try:
        steps = await steps_of(session, rule)
    except HelpdeskError as error:
        raise BadRule("actions", error) from None
    moments = await _moments(session, rule, agent, since)
    found.cut = len(moments) > MOST
    moments = moments[:MOST]
    found.moments = len(moments)
    by_ticket: dict[int, list[Moment]] = defaultdict(list)
    for moment in moments:
        by_ticket[moment.ticket_id].append(moment)
    judges = {
        restless: Judge(session, asked_of(rule.condition, at_rest=not restless)) for restless in (True, False)
    }
    found.by_today = Judge(session, rule.condition).by_today
    ids = list(by_ticket)
    hits: list[Hit] = []
    for page in (ids[start : start + PAGE] for start in range(0, len(ids), PAGE)):
        for judge in judges.values():
            await judge.load(page)
        hits += await _hits(session, judges, steps, {number: by_ticket[number] for number in page}, found)
    found.tickets = len(hits)
    found.hits = sorted(hits, key=lambda hit: hit.moment.at, reverse=True)[:SHOWN]
    return found


async def _moments(session: AsyncSession, rule: Reading, agent: Agent, since: datetime) -> list[Moment]:
    """Newest first, at most one more than MOST."""
    until, visible = now(), is_visible(agent)
    found = [
        Moment(event.ticket_id, at, event_id=event.id)
        for event, at in await _happened(session, rule.triggers, since, visible)
        if any(hears(trigger, event) for trigger in rule.triggers)
    ]
    for trigger in rule.triggers:
        if trigger.on is Occasion.idle:
            rows = await session.execute(silences(trigger, agent, since, until).limit(MOST + 1))
            found += [Moment(ticket_id, at, restless=True) for ticket_id, at in rows]
        elif trigger.on is Occasion.schedule:
            holds = holds_for(rule, at_rest=False)
            ids = await session.scalars(select(Ticket.id).where(holds, visible).limit(MOST + 1))
            found += [Moment(ticket_id, until, restless=True) for ticket_id in ids]
    return sorted(found, key=lambda moment: moment.at, reverse=True)[: MOST + 1]


async def _happened(
    session: AsyncSession, triggers: Sequence[Trigger], since: datetime, visible: ColumnElement[bool]
) -> list[tuple[Happening, datetime]]:
    """Events of the kinds that any of the triggers may hear."""
    occasions = {trigger.on for trigger in triggers}
    fields = {trigger.field for trigger in triggers if trigger.on is Occasion.changed}
    kinds = {kind for kind, occasion in OCCASIONS.items() if occasion in occasions}
    kinds |= {kind for kind, about in CHANGES.items() if fields & set(about)}
    if any("." in name for name in fields):
        kinds.add(Kind.field_changed)
    if not kinds:
        return []
    rows = await session.execute(
        select(
            Event.id, Event.kind, Event.ticket_id, Event.actor, Event.data, Message.before, Event.created_at
        )
        .join(Ticket, Ticket.id == Event.ticket_id)
        .outerjoin(Message, Message.id == Event.message_id)
        .where(Event.created_at > since, Event.kind.in_(kinds), ~Event.data.has_key(UNDONE), visible)
        .order_by(Event.created_at.desc(), Event.id.desc())
        .limit(MOST + 1)
    )
    return [(Happening(*row[:-1]), row[-1]) for row in rows]


async def _hits(
    session: AsyncSession,
    judges: Mapping[bool, Judge],
    steps: Sequence[Step],
    moments: Mapping[int, Sequence[Moment]],
    found: Foreseen,
) -> list[Hit]:
    told = await histories(session, list(moments))
    rows = await session.execute(
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Ticket.fields,
            Ticket.policy_id,
            Ticket.policy_fixed,
        ).where(Ticket.id.in_(moments))
    )
    tags = {tag.id: tag for tag in await session.scalars(select(Tag))}
    hits: list[Hit] = []
    for present in rows:
        hit: Hit | None = None
        for moment in moments[present.id]:
            then = told[present.id].at(moment.at)
            if not judges[moment.restless].holds(present.id, then):
                continue
            found.matched += 1
            if hit:
                hit.times += 1
            elif done := _done(steps, then, tags, present):
                hit = Hit(present.id, present.number, present.subject, moment, done)
        hits += [hit] if hit else []
    return hits


def _done(steps: Iterable[Step], then: State, tags: Mapping[int, Tag], present: Any) -> list[dict[str, Any]]:
    """What would have become other than it was, each step on what the ones before it left."""
    shadow: Any = Shadow.of(then, tags, present)
    done = []
    for step in steps:
        before: Any = None
        after: Any = None
        if isinstance(step.doing, Change):
            if step.doing.is_so(shadow):
                continue
            before = step.doing.stands(shadow)
            if step.verb == Verb.policy:
                shadow.policy_id, shadow.policy_fixed = step.given["policy"], bool(step.given["policy"])
            else:
                step.doing.apply(shadow, by=None)  # type: ignore[arg-type]
            after = step.doing.stands(shadow)
        done.append({"verb": str(step.verb), "given": dict(step.given), "before": before, "after": after})
    return done
