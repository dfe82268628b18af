"""Taking back what rules did: last thing first, except what somebody has changed since, and what has left the house."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.changes import Change, Verb, change_of
from helpdesk.clock import now
from helpdesk.errors import Conflict, HelpdeskError, NotFound
from helpdesk.events import UNDONE, Actor, Event, Kind, marked
from helpdesk.i18n import _
from helpdesk.messages import Message
from helpdesk.rules.doing import locked
from helpdesk.rules.effects import Deed
from helpdesk.rules.rows import Rule, RuleRun
from helpdesk.sla import matching
from helpdesk.tickets import Ticket

UNDO_FOR = timedelta(hours=24)
"""Rules act while nobody looks: longer than what agents do."""
AT_ONCE = 100
"""Runs that are undone in one go."""


class TooLate(Conflict):
    message = _("This cannot be undone any more: a day is over, or it was undone already.")


@dataclass
class Undone:
    """What came of it. `kept`: verbs of what stays as it is, because it was changed since or cannot be undone."""

    runs: int = 0
    given_back: int = 0
    kept: list[str] = field(default_factory=list)
    more: bool = False
    """There are runs that were not looked at yet: call again."""


def can_be_undone(run: RuleRun) -> bool:
    reversible = any("back" in each for each in run.done)
    return run.undone_at is None and reversible and run.created_at + UNDO_FOR > now()


async def undo(session: AsyncSession, run: RuleRun, *, by: Actor) -> Undone:
    """One run. Raises TooLate. Nobody's rules are asked about what this changes."""
    ticket = await locked(session, run.ticket_id)
    if ticket is None:
        raise NotFound
    await session.refresh(run)
    if not can_be_undone(run):
        raise TooLate
    rule = await session.get_one(Rule, run.rule_id)
    found = Undone(runs=1)
    later = await _later(session, run)
    with marked(session, UNDONE, run.id):
        for each in reversed(run.done):
            if await _given_back(session, each, ticket, later, by):
                found.given_back += 1
            else:
                found.kept.append(each["verb"])
        run.undone_at, run.undone_by_id = now(), by.id
        told: dict[str, Any] = {"rule": rule.id, "name": rule.name, "run": run.id, "kept": found.kept}
        ticket.events.add(Event(Kind.rule_undone, by=by, **told))
        await session.flush()
        await matching.decide(session)
        await session.flush()
    return found


async def undo_since(
    session: AsyncSession, rule: Rule, since: datetime, *, by: Actor, limit: int = AT_ONCE
) -> Undone:
    """What the rule did since then, newest first; commit, and call again while there is `more`."""
    query = (
        select(RuleRun)
        .where(
            RuleRun.rule_id == rule.id,
            RuleRun.undone_at.is_(None),
            RuleRun.created_at >= max(since, now() - UNDO_FOR),
            RuleRun.done.path_exists("$[*].back"),
        )
        .order_by(RuleRun.id.desc())
        .limit(limit)
    )
    runs = sorted((await session.scalars(query)).all(), key=lambda run: (run.ticket_id, -run.id))
    found = Undone()
    for run in runs:  # always in the same order, so that no two wait for each other
        if can_be_undone(run):
            one = await undo(session, run, by=by)
            found.runs += 1
            found.given_back += one.given_back
            found.kept += one.kept
    found.more = len(runs) == limit and found.runs > 0
    await session.flush()
    return found


async def _later(session: AsyncSession, run: RuleRun) -> Sequence[Any]:
    """What happened on the ticket after the run."""
    rows = await session.execute(
        select(Event.kind, Event.data).where(
            Event.ticket_id == run.ticket_id, Event.id > (run.last_event_id or 0)
        )
    )
    return rows.all()


async def _given_back(
    session: AsyncSession, done: dict[str, Any], ticket: Ticket, later: Sequence[Any], by: Actor
) -> bool:
    if done["verb"] == Deed.reply:
        return await _withdrawn(session, done, ticket, by)
    if "back" not in done:
        return False
    change = change_of(Verb(done["verb"]), done["given"])
    try:
        await change.load(session, by=by)
        if any(_concerns(change, event, done["back"]) for event in later):
            return False
        async with session.begin_nested():
            await change.restore(session, ticket, done["back"], by=by)
            await session.flush()
    except HelpdeskError:
        await locked(session, ticket.id)
        return False
    return True


def _concerns(change: Change, event: Any, back: dict[str, Any]) -> bool:
    return event.kind in change.kinds and change.concerns(event.data, back)


async def _withdrawn(session: AsyncSession, done: dict[str, Any], ticket: Ticket, by: Actor) -> bool:
    """Only while it waits to leave."""
    message = await session.get(Message, done["after"].get("message") or 0)
    if message is None:
        return False
    try:
        ticket.withdraw(message, by=by)
    except HelpdeskError:
        return False
    return True
