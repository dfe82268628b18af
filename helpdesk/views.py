"""Lists of tickets: the one query behind every list, and its counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, outerjoin, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import is_visible
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.messages import Direction
from helpdesk.people import Agent, Company, Contact, Role, Team
from helpdesk.sla import Clock
from helpdesk.tickets import Ticket, TicketRead

PAGE = 50


class View(StrEnum):
    mine = "mine"
    unassigned = "unassigned"
    all = "all"
    settled = "settled"


@dataclass(frozen=True)
class Cursor:
    """Where a page ended: the last ticket's time and id, newest first."""

    at: datetime
    id: int

    @classmethod
    def read(cls, text: str) -> "Cursor":
        try:
            at, number = text.split("~")
            return cls(datetime.fromisoformat(at), int(number))
        except ValueError:
            raise BadCursor from None

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"


class BadCursor(Invalid):
    message = _("This page address is not complete. Start again from the first page.")


@dataclass(frozen=True)
class Page:
    tickets: Sequence[Any]  # rows with the columns of `listed`
    after: Cursor | None  # where the next page begins; None on the last


def condition(view: View, agent: Agent) -> ColumnElement[bool]:
    match view:
        case View.mine:
            return and_(Ticket.is_active, Ticket.assignee_id == agent.id)
        case View.unassigned:
            return and_(Ticket.is_active, Ticket.assignee_id.is_(None))
        case View.all:
            return and_(Ticket.is_active)
        case View.settled:
            return and_(Ticket.settled, Ticket.removed.is_(None))


async def listed(
    session: AsyncSession,
    agent: Agent,
    view: View,
    *,
    team_id: int | None = None,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> Page:
    """Newest first. Rows, not entities: a list shows twenty columns of four tables and changes none."""
    assignee = Agent.__table__.alias("assignee")
    unread = and_(
        Ticket.last_direction == Direction.inbound,
        func.coalesce(TicketRead.seen_at < Ticket.last_message_at, True),
    )
    query = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Ticket.category,
            Ticket.priority,
            Ticket.sentiment,
            Ticket.has_suggestion,
            Ticket.preview,
            Ticket.last_direction,
            Ticket.last_message_at,
            Ticket.waiting_since,
            Ticket.next_due_at,
            Contact.name.label("contact"),
            Company.name.label("company"),
            Team.name.label("team"),
            Team.colour.label("team_colour"),
            assignee.c.name.label("assignee"),
            unread.label("is_unread"),
            select(func.count())
            .where(Clock.ticket_id == Ticket.id, Clock.breached_at.is_not(None), Clock.met_at.is_(None))
            .scalar_subquery()
            .label("breached"),
        )
        .join(Contact, Contact.id == Ticket.contact_id)
        .outerjoin(Company, Company.id == Contact.company_id)
        .outerjoin(Team, Team.id == Ticket.team_id)
        .outerjoin(assignee, assignee.c.id == Ticket.assignee_id)
        .outerjoin(TicketRead, and_(TicketRead.ticket_id == Ticket.id, TicketRead.agent_id == agent.id))
        .where(is_visible(agent), condition(view, agent))
        .order_by(Ticket.last_message_at.desc(), Ticket.id.desc())
        .limit(limit + 1)
    )
    if team_id is not None:
        query = query.where(Ticket.team_id == team_id)
    if after:
        query = query.where(tuple_(Ticket.last_message_at, Ticket.id) < tuple_(after.at, after.id))
    rows = (await session.execute(query)).all()
    more = len(rows) > limit
    return Page(rows[:limit], Cursor(rows[limit - 1].last_message_at, rows[limit - 1].id) if more else None)


@dataclass(frozen=True)
class Queue:
    """A team, and how many open tickets of it this agent sees."""

    id: int
    name: str
    colour: str
    open: int


@dataclass(frozen=True)
class Counts:
    views: dict[View, int]
    teams: dict[int, Queue]


async def counts(session: AsyncSession, agent: Agent) -> Counts:
    """How many tickets each open queue holds for this agent, and every team with its own: one index-only scan."""
    opened = (
        select(
            Ticket.team_id,
            func.count().label("all"),
            func.count().filter(Ticket.assignee_id == agent.id).label("mine"),
            func.count().filter(Ticket.assignee_id.is_(None)).label("unassigned"),
        )
        .where(is_visible(agent), Ticket.is_active)
        .group_by(Ticket.team_id)
        .subquery()
    )
    columns = (Team.id, Team.name, Team.colour, opened.c.mine, opened.c.unassigned, opened.c.all)
    joined = outerjoin(Team, opened, opened.c.team_id == Team.id, full=True)
    rows = (await session.execute(select(*columns).select_from(joined).order_by(Team.name))).all()
    return Counts(
        views={
            view: sum(getattr(row, view) or 0 for row in rows)
            for view in (View.mine, View.unassigned, View.all)
        },
        teams={
            row.id: Queue(row.id, row.name, row.colour, row.all or 0)
            for row in rows
            if row.id is not None and (row.all or agent.role is Role.admin or row.id in agent.team_ids)
        },
    )
