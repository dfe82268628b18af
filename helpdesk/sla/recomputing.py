"""Open tickets after a policy or a calendar was edited: matched and reckoned anew, in batches; or only looked at.

What would change is found by the very same work, in a session that is never flushed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, joinedload, selectinload

from helpdesk.clock import now
from helpdesk.events import DESK, Kind
from helpdesk.sla.clocks import Clock
from helpdesk.sla.later import Fact
from helpdesk.sla.machine import apply
from helpdesk.sla.matching import active, matched, switch
from helpdesk.sla.metrics import Metric
from helpdesk.sla.policies import Policy
from helpdesk.tickets import Ticket

BATCH = 200
MOST = 500
"""Tickets that a preview looks at: those that are due first."""
EXAMPLES = 5

_PROMISED = exists().where(Clock.ticket_id == Ticket.id, Clock.met_at.is_(None), Clock.ended_at.is_(None))


@dataclass
class Change:
    """One promise that would be due at another time."""

    number: int
    subject: str
    metric: Metric
    was: datetime | None
    now: datetime | None


@dataclass
class Preview:
    looked_at: int = 0
    more: bool = False
    """There are more open tickets than were looked at."""
    tickets: int = 0
    """Tickets of which something would change."""
    earlier: int = 0
    later: int = 0
    added: int = 0
    dropped: int = 0
    overdue: int = 0
    """Tickets that are in time and would be late at once."""
    examples: list[Change] = field(default_factory=list)


async def batch(session: AsyncSession, after: int, kind: Kind = Kind.policy_edited) -> int | None:
    """The next open tickets by id; returns the last one's id, or None at the end. Safe to run twice."""
    query = _open().where(Ticket.id > after).order_by(Ticket.id).limit(BATCH)
    locked = query.with_for_update(of=Ticket, key_share=True).execution_options(populate_existing=True)
    tickets = (await session.scalars(locked)).all()
    if not tickets:
        return None
    await session.run_sync(_reckon, tickets, kind)
    return tickets[-1].id


async def preview(session: AsyncSession, edited: Policy) -> Preview:
    """What would change if this policy were as it stands now. The session is thrown away afterwards."""
    with session.no_autoflush:
        query = _open().order_by(Ticket.next_due_at.asc().nulls_last(), Ticket.id).limit(MOST + 1)
        tickets = (await session.scalars(query)).all()
        found = Preview(looked_at=len(tickets[:MOST]), more=len(tickets) > MOST)
        known = list(await session.scalars(active()))
        known = [one for one in known if one is not edited] + ([edited] if edited.active else [])
        known.sort(key=lambda one: (one.position, one.id or 0))
        was = {ticket: _due(ticket) for ticket in tickets[:MOST]}
        await session.run_sync(_again, list(was), known, Kind.policy_edited)
        for ticket, before in was.items():
            _count(found, ticket, before)
    return found


def _open() -> Select[Ticket]:
    return (
        select(Ticket)
        .where(~Ticket.settled, Ticket.removed.is_(None), _PROMISED)
        .options(selectinload(Ticket.clocks), joinedload(Ticket.policy).joinedload(Policy.calendar))
    )


def _reckon(session: Session, tickets: Sequence[Ticket], kind: Kind) -> None:
    _again(session, tickets, session.scalars(active()).all(), kind)


def _again(session: Session, tickets: Sequence[Ticket], known: Sequence[Policy], kind: Kind) -> None:
    at = now()
    chosen = matched(session, known, [ticket.id for ticket in tickets])
    for ticket in tickets:
        policy = ticket.policy if ticket.policy_fixed else chosen[ticket.id]
        if policy is not ticket.policy:
            switch(ticket, policy)
        apply(ticket, Fact(kind, at, DESK, None))


def _due(ticket: Ticket) -> dict[Metric, datetime]:
    return {clock.metric: clock.due_at for clock in ticket.clocks if clock.is_open and clock.due_at}


def _count(found: Preview, ticket: Ticket, before: dict[Metric, datetime]) -> None:
    after, at = _due(ticket), now()
    changed = [metric for metric in Metric if before.get(metric) != after.get(metric)]
    if not changed:
        return
    found.tickets += 1
    for metric in changed:
        was, due = before.get(metric), after.get(metric)
        if was and due:
            found.earlier += due < was
            found.later += due > was
        else:
            found.added += was is None
            found.dropped += due is None
        if len(found.examples) < EXAMPLES:
            found.examples.append(Change(ticket.number, ticket.subject, metric, was, due))
    late_before = any(due < at for due in before.values())
    found.overdue += not late_before and any(due < at for due in after.values())
