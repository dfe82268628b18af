"""What each colleague and each team has: open work read once, added up by whose it is.

One walk over open tickets answers for the tiles and for both tables, so that they can never disagree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, cast

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    DateTime,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Exists

from helpdesk.access import is_visible
from helpdesk.board.scope import Scope
from helpdesk.inboxes import Inbox
from helpdesk.participants import Participant
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.routing.rows import OURS
from helpdesk.sla import Clock
from helpdesk.statements import once
from helpdesk.tickets import Ticket

SOON = timedelta(hours=1)


@dataclass(frozen=True)
class Held:
    """Open tickets of one team that one colleague has, or nobody."""

    assignee_id: int | None
    team_id: int | None
    open: int = 0
    ours: int = 0
    """New or open: it is for us to act."""
    waiting: int = 0
    """Their customer waits for an answer."""
    due: int = 0
    """A promise that still holds is due within the hour."""
    late: int = 0
    """A promise was not kept and is owed."""
    oldest: datetime | None = None
    """Since when the customer waits who has waited longest."""
    whole: int = 0
    """New or open, whether the reader may know of them or not: what counts against a colleague's limit."""
    all_waiting: int = 0
    all_late: int = 0
    """The same of all tickets: how busy somebody is does not depend on who asks."""

    @classmethod
    def together(cls, some: Iterable["Held"]) -> "Held":
        each = list(some)
        if len(each) == 1:
            return replace(each[0], assignee_id=None, team_id=None)
        numbers = map(sum, zip(*map(_NUMBERS, each), strict=True)) if each else ()
        return cls(
            None,
            None,
            **dict(zip(NUMBERS, numbers, strict=bool(each))),
            oldest=min((one.oldest for one in each if one.oldest), default=None),
        )


NUMBERS = ("open", "ours", "waiting", "due", "late", "whole", "all_waiting", "all_late")
_NUMBERS = attrgetter(*NUMBERS)


async def held(session: AsyncSession, agent: Agent, scope: Scope, at: datetime) -> Sequence[Held]:
    """By whose they are; what the reader may not know of is part of `whole` and its like alone."""
    (found,) = await rows(session, (_held(agent, scope), {"at": at, "soon": at + SOON}))
    return [_told(row) for row in found]


def _told(row: Any) -> Held:
    everybodys = {"whole": row.ours, "all_waiting": row.waiting, "all_late": row.late}
    if not row.seen:
        return Held(row.assignee_id, row.team_id, **everybodys)
    mine = {name: getattr(row, name) for name in ("open", "ours", "waiting", "due", "late", "oldest")}
    return Held(row.assignee_id, row.team_id, **mine, **everybodys)


def seen(agent: Agent, scope: Scope) -> ColumnElement[bool]:
    """Whether the reader may know of a ticket and it is of the scope; never NULL.

    What somebody follows is looked up once, not for each of a hundred thousand tickets.
    """
    follows = exists().where(Participant.ticket_id == Ticket.id, Participant.agent_id == agent.id)
    followed = select(Participant.ticket_id).where(Participant.agent_id == agent.id)

    def replaced(element: Any, **_: object) -> Any:
        return Ticket.id.in_(followed) if isinstance(element, Exists) and element.compare(follows) else None

    visible = visitors.replacement_traverse(is_visible(agent), {}, replaced)
    return func.coalesce(and_(visible, within(scope)), false())


def within(scope: Scope) -> ColumnElement[bool]:
    """The scope on Ticket, as `Scope.condition` says it."""
    chosen: list[ColumnElement[bool]] = []
    if scope.team_id is not None:
        chosen.append(Ticket.team_id == scope.team_id)
    if scope.inbox_id is not None:
        chosen.append(Ticket.inbox_id == scope.inbox_id)
    if scope.channel is not None:
        chosen.append(Ticket.inbox_id.in_(select(Inbox.id).where(Inbox.channel == scope.channel)))
    return and_(true(), *chosen)


@once
def _held(agent: Agent, scope: Scope) -> Select[Any]:
    at, soon = (bindparam(name, type_=DateTime(timezone=True)) for name in ("at", "soon"))
    owed = and_(Clock.met_at.is_(None), Clock.ended_at.is_(None))
    soon_due = (Clock.breached_at.is_(None), Clock.due_at > at, Clock.due_at <= soon)
    due = exists().where(Clock.ticket_id == Ticket.id, owed, *soon_due)
    late = exists().where(Clock.ticket_id == Ticket.id, owed, Clock.breached_at.is_not(None))
    place, known = (Ticket.assignee_id, Ticket.team_id), seen(agent, scope)
    held = (
        select(
            *place,
            known.label("seen"),
            func.count().label("open"),
            func.count().filter(Ticket.category.in_(OURS)).label("ours"),
            func.count(Ticket.waiting_since).label("waiting"),
            func.count().filter(due).label("due"),
            func.count().filter(late).label("late"),
            func.min(Ticket.waiting_since).label("oldest"),
        )
        .where(Ticket.is_active)
        .group_by(*place, *(() if _follows(known, place) else (known,)))
    )
    return cast("Select[Any]", held)


def _follows(known: ColumnElement[bool], place: Sequence[Any]) -> bool:
    """Whether nothing but the place decides it. To group by it, too, would cost the order in which the index gives
    the tickets, and with a hundred thousand of them three quarters of the time."""
    names = {column.key for column in place}
    return all(
        element.key in names for element in visitors.iterate(known) if isinstance(element, ColumnClause)
    )
