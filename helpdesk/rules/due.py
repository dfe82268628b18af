"""Rules that time itself asks: after a silence, and when something comes round."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal_column, not_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.events import Event, Kind
from helpdesk.messages import Direction
from helpdesk.rules.asking import Book, book, holds_for
from helpdesk.rules.doing import do, locked
from helpdesk.rules.happenings import by_people
from helpdesk.rules.occasions import Occasion, Silence, Trigger
from helpdesk.rules.reading import Reading
from helpdesk.rules.rows import Rule, RuleRun
from helpdesk.rules.running import Budget
from helpdesk.rules.shelf import next_round
from helpdesk.tickets import Ticket

MOST = 2_000
"""Tickets of one rule that are done in a row; the others come with the next look."""


@dataclass(frozen=True)
class Due:
    """Tickets that one trigger of a rule is due for."""

    rule: Reading
    trigger: Trigger
    tickets: Sequence[int]
    round_at: datetime | None = None
    """Of a schedule: the time that came round."""
    since: datetime | None = None
    """Of a silence: since when the rule waits for some."""

    @property
    def ends(self) -> bool:
        return len(self.tickets) < MOST


async def timed(session: AsyncSession) -> Book:
    """The active rules that wait for time."""
    waiting = {Occasion.idle, Occasion.schedule}
    found = await book(session)
    return Book(tuple(each for each in found.rules if waiting & {trigger.on for trigger in each.triggers}))


async def next_at(session: AsyncSession) -> datetime | None:
    """When the next schedule comes round."""
    query = select(func.min(Rule.next_at)).where(Rule.active, Rule.next_at.is_not(None), Rule.trouble == "")
    found: datetime | None = await session.scalar(query)
    return found


async def due(session: AsyncSession, rule: Reading) -> list[Due]:
    """What one rule is due for now, oldest silence first."""
    idle = [each for each in rule.triggers if each.on is Occasion.idle]
    since = await _switched_on(session, rule.rule) if idle else None
    found = [
        Due(rule, trigger, await _silent(session, rule, trigger, since), since=since) for trigger in idle
    ]
    at = rule.rule.next_at
    if at is not None and at <= now():
        scheduled = next(each for each in rule.triggers if each.on is Occasion.schedule)
        found.append(Due(rule, scheduled, await _matching(session, rule, at), at))
    return found


async def work(session: AsyncSession, one: Due, ticket_id: int) -> None:
    """One of its tickets, if it is still so."""
    ticket = await locked(session, ticket_id)
    if ticket is None or (await Budget.of(session, ticket)).is_spent:
        return
    holds = holds_for(one.rule, at_rest=False)
    if one.round_at is not None:
        if await session.scalar(select(holds).where(Ticket.id == ticket_id)):
            await do(session, one.rule, ticket, once=_round(one.round_at), always=True)
        return
    is_silent = _is_silent(one.trigger, now(), one.since)
    query = select(_since(one.trigger.silence)).where(Ticket.id == ticket_id, is_silent, holds)
    since = await session.scalar(query.where(not_(_ran(one.rule.rule, one.trigger))))
    if since is not None:
        await do(session, one.rule, ticket, once=f"idle-{since.isoformat()}", always=True)


async def finish(session: AsyncSession, one: Due) -> None:
    """A round is over: the next one comes after now, however long the desk was away."""
    if one.round_at is None or not one.ends:
        return
    following = next_round(one.rule.triggers, now())
    same = (Rule.id == one.rule.rule.id, Rule.next_at == one.round_at)
    await session.execute(update(Rule).where(*same).values(next_at=following))


async def _switched_on(session: AsyncSession, rule: Rule) -> datetime:
    """Silences that were long enough before are left alone: nobody foresaw what it would do about them."""
    last = select(func.max(Event.created_at)).where(
        Event.about == Rule.__tablename__,
        Event.about_id == rule.id,
        Event.kind == Kind.rule_edited,
        Event.data["fields"].contains(["switched_on"]),
    )
    return await session.scalar(last) or rule.created_at


async def _silent(
    session: AsyncSession, rule: Reading, trigger: Trigger, since: datetime | None
) -> Sequence[int]:
    holds = holds_for(rule, at_rest=False)
    found = await session.scalars(
        select(Ticket.id)
        .where(_is_silent(trigger, now(), since), holds, not_(_ran(rule.rule, trigger)))
        .order_by(Ticket.last_message_at)
        .limit(MOST)
    )
    return found.all()


async def _matching(session: AsyncSession, rule: Reading, at: datetime) -> Sequence[int]:
    ran = select(RuleRun.id).where(
        RuleRun.rule_id == rule.rule.id, RuleRun.ticket_id == Ticket.id, RuleRun.once == _round(at)
    )
    found = await session.scalars(
        select(Ticket.id).where(holds_for(rule, at_rest=False), ~ran.exists()).order_by(Ticket.id).limit(MOST)
    )
    return found.all()


def _round(at: datetime) -> str:
    return f"round-{at.isoformat()}"


_NEVER: ColumnElement[datetime] = literal_column("'infinity'::timestamptz")


def _by_people() -> ColumnElement[bool]:
    return and_(Event.ticket_id == Ticket.id, by_people())


def _is_silent(trigger: Trigger, at: datetime, since: datetime | None) -> ColumnElement[bool]:
    """For so long, and not for so long already when the rule was switched on."""
    long = timedelta(minutes=trigger.minutes)
    until, begins = at - long, _since(trigger.silence)
    newer = begins > since - long if since else true()
    match trigger.silence:
        case Silence.us:
            return and_(func.coalesce(Ticket.waiting_since, _NEVER) <= until, newer)
        case Silence.customer:
            answered = and_(Ticket.last_direction == Direction.outbound, Ticket.waiting_since.is_(None))
            return and_(Ticket.last_message_at <= until, answered, newer)
    did = select(Event.id).where(_by_people(), Event.created_at > until).exists()
    return and_(Ticket.last_message_at <= until, ~did, newer)


def _since(silence: Silence) -> ColumnElement[Any]:
    """When it began."""
    match silence:
        case Silence.us:
            return Ticket.waiting_since.expression
        case Silence.customer:
            return Ticket.last_message_at.expression
    did = select(func.max(Event.created_at)).where(_by_people()).scalar_subquery()
    return func.greatest(Ticket.last_message_at, did)


def _ran(rule: Rule, trigger: Trigger) -> ColumnElement[bool]:
    """Once in a silence."""
    return (
        select(RuleRun.id)
        .where(
            RuleRun.rule_id == rule.id,
            RuleRun.ticket_id == Ticket.id,
            RuleRun.once.startswith("idle-"),
            RuleRun.created_at > _since(trigger.silence),
        )
        .exists()
    )
