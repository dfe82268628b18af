"""Findings as far as an agent may know of them: a finding never tells of a ticket that its reader may not see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, any_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from ai.learning.findings import Finding, Kind, State
from helpdesk.access import Action, is_visible, visible_tickets
from helpdesk.clock import now
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from kb.articles import Article
from kb.articles import State as Written
from kb.writing import seen

T = TypeVar("T")
SHOWN = 5
"""Tickets that a finding names; the others are counted."""
STILL = timedelta(hours=3)
"""So long after the last letter an incident may be going on."""


@dataclass(frozen=True)
class Told:
    """A finding with what it stands on, as far as the reader may know of it."""

    finding: Finding
    tickets: Sequence[Any]
    """The first few: number, subject."""
    seen: int
    article: Article | None
    other: Article | None
    made: Article | None
    problem: int | None
    """The number of the ticket that became the problem."""
    others: Sequence[tuple[int, dict[str, Any], int]] = ()
    """Of a contradiction: place, what is said otherwise, in how many tickets that the reader may see."""
    times: Sequence[datetime] = field(default_factory=list)
    """When these tickets came."""

    @property
    def hidden(self) -> int:
        return len(self.finding.tickets) - self.seen

    @property
    def goes_on(self) -> bool:
        return bool(self.times) and max(self.times) > now() - STILL


def known(agent: Agent) -> ColumnElement[bool]:
    """The findings that this agent may know of, as a condition on Finding: those that stand on tickets, where at
    least one of them is theirs to see; those about articles, as long as they are published or were decided about."""
    one, other = aliased(Article), aliased(Article)
    stands = exists().where(Ticket.id == any_(Finding.tickets), is_visible(agent), Ticket.removed.is_(None))
    published = and_(
        exists().where(one.id == Finding.article_id, one.state == Written.published),
        or_(
            Finding.other_id.is_(None),
            exists().where(other.id == Finding.other_id, other.state == Written.published),
        ),
    )
    on_tickets = or_(func.cardinality(Finding.tickets) == 0, stands)
    about_articles = or_(
        Finding.kind.not_in([Kind.duplicate, Kind.contradiction]), Finding.state != State.open, published
    )
    has_any = or_(
        Finding.kind.in_([Kind.duplicate, Kind.contradiction]), func.cardinality(Finding.tickets) > 0
    )
    return and_(on_tickets, about_articles, has_any)


def theirs(agent: Agent, findings: Sequence[Finding], action: Action = Action.read) -> Select[Ticket]:
    """Tickets of these findings that the agent may see and that are still there."""
    numbers = {ticket_id for finding in findings for ticket_id in finding.tickets}
    return visible_tickets(agent, action).where(Ticket.id.in_(numbers), Ticket.removed.is_(None))


def in_order(finding: Finding, tickets: Iterable[T]) -> list[T]:
    """The most telling first, those that the agent may not know of left out."""
    by_id = {ticket.id: ticket for ticket in tickets}  # type: ignore[attr-defined]
    return [by_id[one] for one in finding.tickets if one in by_id]


async def told(session: AsyncSession, agent: Agent, findings: Sequence[Finding]) -> list[Told]:
    shown = (Ticket.id, Ticket.number, Ticket.subject, Ticket.created_at)
    rows = await session.execute(
        theirs(agent, findings).with_only_columns(*shown, maintain_column_froms=True)
    )
    tickets = rows.all()
    named = {n for one in findings for n in (one.article_id, one.other_id, one.made_id) if n}
    written = await session.scalars(select(Article).where(Article.id.in_(named), seen(agent)))
    articles = {one.id: one for one in written}
    problems = {one.problem_id for one in findings if one.problem_id}
    numbers = dict(
        (
            await session.execute(
                select(Ticket.id, Ticket.number).where(Ticket.id.in_(problems), is_visible(agent))
            )
        )
        .tuples()
        .all()
    )
    found = []
    for one in findings:
        mine = in_order(one, tickets)
        visible = {ticket.id for ticket in mine}
        found.append(
            Told(
                one,
                mine[:SHOWN],
                len(mine),
                articles.get(one.article_id or 0),
                articles.get(one.other_id or 0),
                articles.get(one.made_id or 0),
                numbers.get(one.problem_id or 0),
                said_otherwise(one, visible),
                [ticket.created_at for ticket in mine],
            )
        )
    return found


def said_otherwise(finding: Finding, visible: set[int]) -> list[tuple[int, dict[str, Any], int]]:
    """What is said in nothing but tickets of others is not repeated."""
    others = (finding.edit or {}).get("others", [])
    rows = [
        (place, other, len(visible & set(other.get("tickets", ())))) for place, other in enumerate(others)
    ]
    return [row for row in rows if row[2] or "sentence" in row[1]]


async def counts(session: AsyncSession, agent: Agent) -> dict[str, int]:
    rows = await session.execute(
        select(Finding.kind, func.count())
        .where(Finding.state == State.open, known(agent))
        .group_by(Finding.kind)
    )
    return {str(kind): count for kind, count in rows}
