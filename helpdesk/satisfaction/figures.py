"""Lists and results of what customers answered, as far as an agent may know of their tickets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, is_visible
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Contact, Team
from helpdesk.ratings import DETRACTOR, GOOD, PROMOTER, Rating, Survey
from helpdesk.satisfaction import intervals
from helpdesk.satisfaction.intervals import Interval
from helpdesk.statements import AnySelect
from helpdesk.tickets import Ticket
from helpdesk.views import Cursor

PAGE = 30


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which answers; the team and the agent are those of the time when the customer was asked."""

    kind: Survey = Survey.csat
    since: datetime | None = None
    until: datetime | None = None
    team: int | None = None
    agent: int | None = None
    inbox: int | None = None
    scores: Sequence[int] = ()
    words: str = ""
    """In the comment."""

    def holds(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whose `at` lies in the period; whatever was answered."""
        tests: list[ColumnElement[bool]] = [Rating.kind == self.kind, at.is_not(None)]
        if self.since:
            tests.append(at >= self.since)
        if self.until:
            tests.append(at < self.until)
        chosen = (
            (Rating.team_id, self.team),
            (Rating.assignee_id, self.agent),
            (Rating.inbox_id, self.inbox),
        )
        tests += [column == value for column, value in chosen if value is not None]
        return and_(*tests)

    @property
    def answered(self) -> ColumnElement[bool]:
        tests = [self.holds(Rating.answered_at.expression)]
        if self.scores:
            tests.append(Rating.score.in_(self.scores))
        if self.words:
            tests.append(Rating.comment.icontains(self.words, autoescape=True))
        return and_(*tests)


@dataclass(frozen=True)
class Results:
    """What the answers say, each figure with how sure it is; None where nobody answered."""

    kind: Survey
    counts: dict[int, int] = field(default_factory=dict)
    """Score → how often."""
    asked: int = 0
    """How many were asked in the period, and of these how many have answered, whenever."""
    replied: int = 0

    @property
    def n(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def satisfied(self) -> Interval | None:
        """The share of scores of 4 and 5."""
        return intervals.wilson(sum(count for score, count in self.counts.items() if score >= GOOD), self.n)

    @cached_property
    def mean(self) -> Interval | None:
        return intervals.mean(self.counts, self.kind.scale)

    @cached_property
    def promoter_score(self) -> Interval | None:
        above = sum(count for score, count in self.counts.items() if score >= PROMOTER)
        below = sum(count for score, count in self.counts.items() if score <= DETRACTOR)
        return intervals.promoter_score(above, self.n - above - below, below)

    @cached_property
    def response(self) -> Interval | None:
        """The share of those asked who answered."""
        return intervals.wilson(self.replied, self.asked)


@dataclass(frozen=True)
class Page:
    rows: Sequence[Any]
    after: Cursor | None


async def results(session: AsyncSession, agent: Agent, sought: Sought) -> Results:
    """Of everybody's answers in the period: a choice of scores or words narrows the list, never the result."""
    counted = await session.execute(
        _seen(select(Rating.score, func.count()), agent)
        .where(sought.holds(Rating.answered_at.expression))
        .group_by(Rating.score)
    )
    asked = await session.execute(
        _seen(select(func.count().label("asked"), func.count(Rating.score).label("replied")), agent).where(
            sought.holds(Rating.asked_at.expression)
        )
    )
    found = asked.one()
    counts = {int(row[0]): int(row[1]) for row in counted.all()}
    return Results(sought.kind, dict(sorted(counts.items())), found.asked, found.replied)


async def listed(
    session: AsyncSession, agent: Agent, sought: Sought, *, after: Cursor | None = None, limit: int = PAGE
) -> Page:
    """Answers, newest first."""
    query = (
        _seen(_columns(), agent)
        .where(sought.answered)
        .order_by(Rating.answered_at.desc(), Rating.id.desc())
        .limit(limit + 1)
    )
    if after:
        query = query.where(tuple_(Rating.answered_at, Rating.id) < tuple_(after.at, after.id))
    rows = (await session.execute(query)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.answered_at, last.id) if last else None)


async def of_contact(session: AsyncSession, agent: Agent, contact: Contact, limit: int = 5) -> Sequence[Any]:
    """What a person answered last, on tickets that this agent may see."""
    query = _seen(_columns(), agent, Action.read).where(
        Rating.contact_id == contact.id, Rating.answered_at.is_not(None)
    )
    newest = query.order_by(Rating.answered_at.desc(), Rating.id.desc()).limit(limit)
    rows: Sequence[Any] = (await session.execute(newest)).all()
    return rows


def _seen(query: AnySelect, agent: Agent, action: Action = Action.report) -> AnySelect:
    return (
        query.select_from(Rating).join(Ticket, Ticket.id == Rating.ticket_id).where(is_visible(agent, action))
    )


def _columns() -> AnySelect:
    """One row of a list."""
    return (
        select(
            Rating.id,
            Rating.kind,
            Rating.score,
            Rating.comment,
            Rating.asked_at,
            Rating.answered_at,
            Rating.channel,
            Ticket.number,
            Ticket.subject,
            Contact.id.label("contact_id"),
            Contact.name.label("contact"),
            Agent.id.label("agent_id"),
            Agent.name.label("agent"),
            Team.id.label("team_id"),
            Team.name.label("team"),
            Inbox.id.label("inbox_id"),
            Inbox.name.label("inbox"),
        )
        .outerjoin_from(Rating, Contact, Contact.id == Rating.contact_id)
        .outerjoin(Agent, Agent.id == Rating.assignee_id)
        .outerjoin(Team, Team.id == Rating.team_id)
        .join(Inbox, Inbox.id == Rating.inbox_id)
    )
