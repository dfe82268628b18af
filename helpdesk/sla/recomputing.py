"""Open tickets after a policy or a calendar was edited: matched and reckoned anew, in batches; or only looked at.

What would change is found by the very same work, in a session that is never flushed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

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
PATIENCE = 4.0  # seconds that a preview looks at tickets, in the order in which they are due
GLANCE = 50
"""Tickets that a preview looks at in one go: nobody else is answered meanwhile."""
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
    of: int = 0
    """How many open tickets have a promise; all of them were looked at unless time was up."""
    tickets: int = 0
    """Tickets of which something would change."""
    earlier: int = 0
    later: int = 0
    added: int = 0
    dropped: int = 0
    overdue: int = 0
    """Tickets that are in time and would be late at once."""
    examples: list[Change] = field(default_factory=list)

    @property
    def more(self) -> bool:
        return self.looked_at < self.of


async def batch(session: AsyncSession, after: int, kind: Kind = Kind.policy_edited) -> int | None:
    """The next tickets by id of which something is promised; returns the last one's id, or None at the end.

    Safe to run twice.
    """
    ids = (await session.scalars(_next_promised(after))).all()
    if not ids:
        return None
    query = _open().where(Ticket.id.in_(ids)).order_by(Ticket.id)
    locked = query.with_for_update(of=Ticket, key_share=True).execution_options(populate_existing=True)
    await session.run_sync(_reckon, (await session.scalars(locked)).all(), kind)
    return ids[-1]


def _next_promised(after: int) -> Select[int]:
    """From the index of open clocks alone; tickets that are settled, and still owe an answer, are among them."""
    is_open = (Clock.met_at.is_(None), Clock.ended_at.is_(None), Clock.ticket_id > after)
    return select(Clock.ticket_id).where(*is_open).distinct().order_by(Clock.ticket_id).limit(BATCH)


async def preview(session: AsyncSession, edited: Policy) -> Preview:
    """What would change if this policy were as it stands now. The session is thrown away afterwards."""
    ends = monotonic() + PATIENCE
    with session.no_autoflush:
        ids = (await session.scalars(_by_due())).all()
        found = Preview(of=len(ids))
        known = [one for one in await session.scalars(active()) if one is not edited]
        known = sorted(
            [*known, *([edited] if edited.active else [])], key=lambda one: (one.position, one.id or 0)
        )
        for begin in range(0, len(ids), GLANCE):
            tickets = (await session.scalars(_open().where(Ticket.id.in_(ids[begin : begin + GLANCE])))).all()
            await session.run_sync(_foresee, tickets, known, found)
            if monotonic() > ends:
                break
    return found


def _by_due() -> Select[int]:
    order = (Ticket.next_due_at.asc().nulls_last(), Ticket.id)
    return select(Ticket.id).where(~Ticket.settled, Ticket.removed.is_(None), _PROMISED).order_by(*order)


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


def _foresee(session: Session, tickets: Sequence[Ticket], known: Sequence[Policy], found: Preview) -> None:
    was = {ticket: _due(ticket) for ticket in tickets}
    _again(session, tickets, known, Kind.policy_edited)
    for ticket, before in was.items():
        found.looked_at += 1
        _count(found, ticket, before)
    for made in [*session.new, *tickets]:  # so that the next ones find room
        if not isinstance(made, Policy):
            session.expunge(made)


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
