"""Runs of rules with what they did, for whoever may know of their tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, or_, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, is_visible, may
from helpdesk.changes import Verb, action_of
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.people import Agent
from helpdesk.rules import Occasion, Rule, RuleRun
from helpdesk.rules.happenings import CHANGES, OCCASIONS
from helpdesk.rules.undoing import UNDO_FOR
from helpdesk.tickets import Ticket
from web.rules import words
from web.rules.stories import Line, Narrator

PAGE = 50


@dataclass(frozen=True)
class Ran:
    """One run, told."""

    run: RuleRun
    rule: Rule
    number: int
    subject: str
    cause: str
    """After what, in words."""
    cause_at: datetime | None
    done: list[Line]
    refused: list[Line]
    undone_by: str


async def told(
    session: AsyncSession,
    agent: Agent,
    narrator: Narrator,
    *which: ColumnElement[bool],
    before: int | None = None,
    limit: int = PAGE,
) -> list[Ran]:
    """Newest first, those before the run `before`."""
    cause = Event.__table__.alias("cause")
    query = (
        select(
            RuleRun,
            Rule,
            Ticket.number,
            Ticket.subject,
            Agent.name.label("undone_by"),
            cause.c.kind.label("kind"),
            cause.c.created_at.label("cause_at"),
        )
        .join(Rule, Rule.id == RuleRun.rule_id)
        .join(Ticket, Ticket.id == RuleRun.ticket_id)
        .outerjoin(cause, cause.c.id == RuleRun.cause_id)
        .outerjoin(Agent, Agent.id == RuleRun.undone_by_id)
        .where(is_visible(agent), *which)
        .order_by(RuleRun.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(RuleRun.id < before)
    return [_told(row, narrator) for row in await session.execute(query)]


def did_something() -> ColumnElement[bool]:
    """Some runs only say that the desk looked."""
    return or_(RuleRun.done != [], RuleRun.failed != [])


async def one(
    session: AsyncSession,
    agent: Agent,
    run_id: int,
    *,
    rule_id: int | None = None,
    ticket_id: int | None = None,
) -> RuleRun:
    """Of a ticket that the agent may know of. Raises NotFound."""
    query = select(RuleRun).join(Ticket, Ticket.id == RuleRun.ticket_id)
    query = query.where(RuleRun.id == run_id, is_visible(agent))
    if rule_id is not None:
        query = query.where(RuleRun.rule_id == rule_id)
    if ticket_id is not None:
        query = query.where(RuleRun.ticket_id == ticket_id)
    if (found := await session.scalar(query)) is None:
        raise NotFound
    return found


def may_undo(agent: Agent, run: RuleRun, ticket: Ticket) -> bool:
    """Whoever may do by hand what the rule did, or writes rules."""
    wanted = {action_of(Verb(each["verb"])) for each in run.done if "back" in each}
    return may(agent, Action.manage_rules) or all(may(agent, each, ticket) for each in wanted)


async def count_since(session: AsyncSession, rule: Rule, since: datetime) -> tuple[int, int]:
    """Runs of the rule that can still be taken back, and of how many tickets they are."""
    row = await session.execute(
        select(func.count(), func.count(RuleRun.ticket_id.distinct())).where(
            RuleRun.rule_id == rule.id,
            RuleRun.undone_at.is_(None),
            RuleRun.created_at >= max(since, now() - UNDO_FOR),
            RuleRun.done.path_exists("$[*].back"),
        )
    )
    found, tickets = row.one()
    return found, tickets


def _told(row: Row[Any], narrator: Narrator) -> Ran:
    run: RuleRun = row.RuleRun
    return Ran(
        run=run,
        rule=row.Rule,
        number=row.number,
        subject=row.subject,
        cause=cause_of(run, row.kind),
        cause_at=row.cause_at,
        done=narrator.lines(run.done),
        refused=narrator.refused(run.failed),
        undone_by=row.undone_by or "",
    )


def cause_of(run: RuleRun, kind: str | None) -> str:
    """After what it ran, in words."""
    if kind is None:
        begun = run.once.partition("-")[0]
        if begun == "idle":
            return words.occasion(Occasion.idle)
        return words.occasion(Occasion.schedule) if begun == "round" else gettext("An event that is gone")
    return after(Kind(kind))


def after(known: Kind) -> str:
    """What happened, in the words of triggers."""
    if occasion := OCCASIONS.get(known):
        return words.occasion(occasion)
    fields = CHANGES.get(known, ())
    return words.became(fields[0]) if fields else words.occasion(Occasion.changed)


async def changed_since(session: AsyncSession, runs: Sequence[Ran]) -> set[int]:
    """Rules that say something else now than when they ran, as far as one of these is concerned."""
    if not runs:
        return set()
    first = min(ran.run.created_at for ran in runs)
    edited = await session.execute(
        select(Event.about_id, Event.created_at)
        .where(
            Event.about == Rule.__tablename__,
            Event.about_id.in_({ran.rule.id for ran in runs}),
            Event.kind == Kind.rule_edited,
            Event.created_at > first,
            Event.data["fields"].has_any(array(["triggers", "condition", "actions"])),
        )
        .order_by(Event.id)
    )
    last = dict(edited.all())
    return {ran.run.id for ran in runs if last.get(ran.rule.id, ran.run.created_at) > ran.run.created_at}
