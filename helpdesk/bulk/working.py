"""Doing it: ticket after ticket, each as if it had been changed alone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.access import is_visible
from helpdesk.bulk.rows import BulkChange, BulkState, BulkTicket, Outcome
from helpdesk.changes import Change, Verb, action_of, change_of
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.events import UNDONE, Event
from helpdesk.merging import merge, unmerge
from helpdesk.people import Agent, with_access
from helpdesk.sla import Policy
from helpdesk.tickets import Removal, Ticket
from helpdesk.tokens import ApiToken

BATCH = 100


async def work(session: AsyncSession) -> bool:
    """One batch of the oldest command that is not finished; False where there is none. Commit after each."""
    made = await session.scalar(
        select(BulkChange)
        .where(BulkChange.state.in_([BulkState.queued, BulkState.undoing]))
        .order_by(BulkChange.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if made is None:
        return False
    agent = await session.get_one(Agent, made.agent_id, options=list(with_access()), populate_existing=True)
    if made.token_id:
        token = await session.get(ApiToken, made.token_id)
        usable = token is not None and token.is_usable
        agent.act_by(made.token_id, frozenset(token.scopes) if token and usable else frozenset())
    await work_on(session, made, agent, limit=BATCH)
    return True


async def work_on(session: AsyncSession, made: BulkChange, agent: Agent, *, limit: int) -> None:
    """The next `limit` tickets of it, forwards or back, and its end where none is left."""
    back = made.state is BulkState.undoing
    rows = await _next(session, made, back=back, limit=limit)
    if made.verb is Verb.merge:
        await _lock_all(session, made, rows)
        done = [await _merged(session, made, row, agent, back=back) for row in rows]
    else:
        change = change_of(made.verb, made.given)
        await _loaded(session, change, agent)
        tickets = await _locked(session, made, agent, rows, back=back)
        act = _taken_back if back else _applied
        done = [await act(session, made, change, row, tickets.get(row.ticket_id), agent) for row in rows]
    await session.flush()
    await _record(session, made, rows, done)
    if len(rows) < limit:
        made.state = BulkState.undone if back else BulkState.done
        made.finished_at = now()
    await session.execute(select(func.pg_notify("helpdesk", f"bulk-{made.id}")))
    await session.flush()


async def _loaded(session: AsyncSession, change: Change, agent: Agent) -> None:
    """What it names may be gone by now; then nothing is as it was asked for, and nothing is changed."""
    try:
        await change.load(session, by=agent)
    except HelpdeskError:
        change.gone = True


async def _next(session: AsyncSession, made: BulkChange, *, back: bool, limit: int) -> Sequence[BulkTicket]:
    outcome = Outcome.changed if back else Outcome.waiting
    query = select(BulkTicket).where(BulkTicket.bulk_change_id == made.id, BulkTicket.outcome == outcome)
    if back and made.verb is Verb.merge:
        query = query.order_by(BulkTicket.event_id.desc())  # the last one first
    else:
        query = query.order_by(BulkTicket.ticket_id)
    return (await session.scalars(query.limit(limit))).all()


async def _locked(
    session: AsyncSession, made: BulkChange, agent: Agent, rows: Sequence[BulkTicket], *, back: bool
) -> dict[int, Ticket]:
    """In the order of their ids. Forwards only what the agent may change; what they changed they may take back."""
    query = select(Ticket).where(
        Ticket.id.in_([row.ticket_id for row in rows]), Ticket.removed.is_distinct_from(Removal.merged)
    )
    if not back:
        query = query.where(is_visible(agent, action_of(made.verb)))
    found = await session.scalars(
        query.order_by(Ticket.id)
        .with_for_update(of=Ticket, key_share=True)
        .options(
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
            selectinload(Ticket.participants),
        )
        .execution_options(populate_existing=True)
    )
    return {ticket.id: ticket for ticket in found}


async def _applied(
    session: AsyncSession,
    made: BulkChange,
    change: Change,
    row: BulkTicket,
    ticket: Ticket | None,
    agent: Agent,
) -> Outcome:
    if ticket is None or change.gone or change.is_so(ticket):
        return Outcome.unchanged
    before = change.before(ticket)
    try:
        async with session.begin_nested():  # one that is refused takes no other with it
            change.apply(ticket, by=agent)
            _mark(session, made)
    except HelpdeskError:
        return Outcome.unchanged
    row.before = before
    return Outcome.changed


async def _taken_back(
    session: AsyncSession,
    made: BulkChange,
    change: Change,
    row: BulkTicket,
    ticket: Ticket | None,
    agent: Agent,
) -> Outcome:
    if ticket is None or await _changed_since(session, change, row):
        return Outcome.kept
    try:
        async with session.begin_nested():
            await change.restore(session, ticket, row.before or {}, by=agent)
            _mark(session, made, **{UNDONE: made.id})
    except HelpdeskError:
        return Outcome.kept
    return Outcome.restored


async def _changed_since(session: AsyncSession, change: Change, row: BulkTicket) -> bool:
    later = select(Event.id).where(
        Event.ticket_id == row.ticket_id, Event.id > (row.event_id or 0), Event.kind.in_(change.kinds)
    )
    return await session.scalar(later.limit(1)) is not None


async def _lock_all(session: AsyncSession, made: BulkChange, rows: Sequence[BulkTicket]) -> None:
    """Pair after pair would take them in another order than others do."""
    each = Ticket.id.in_([row.ticket_id for row in rows]) | (Ticket.number == made.given["into"])
    await session.execute(select(Ticket.id).where(each).order_by(Ticket.id).with_for_update(key_share=True))


async def _merged(
    session: AsyncSession, made: BulkChange, row: BulkTicket, agent: Agent, *, back: bool
) -> Outcome:
    try:
        async with session.begin_nested():
            if back:
                await unmerge(session, (row.before or {})["merge"], by=agent)
                return Outcome.restored
            number = await session.scalar(select(Ticket.number).where(Ticket.id == row.ticket_id))
            joined = await merge(session, number or 0, made.given["into"], by=agent)
            row.before = {"merge": joined.id}
            return Outcome.changed
    except HelpdeskError:
        return Outcome.kept if back else Outcome.unchanged


def _mark(session: AsyncSession, made: BulkChange, **more: Any) -> None:
    """Each ticket's own event names the command."""
    for event in [one for one in session.new if isinstance(one, Event) and "bulk" not in one.data]:
        event.data = {**event.data, "bulk": made.id, **more}


async def _record(
    session: AsyncSession, made: BulkChange, rows: Sequence[BulkTicket], done: Sequence[Outcome]
) -> None:
    newest = await session.execute(
        select(Event.ticket_id, func.max(Event.id))
        .where(Event.ticket_id.in_([row.ticket_id for row in rows]))
        .group_by(Event.ticket_id)
    )
    marks: dict[int | None, int] = dict(newest.tuples().all())
    for row, outcome in zip(rows, done, strict=True):
        row.outcome = outcome
        if outcome is Outcome.changed:
            row.event_id = marks.get(row.ticket_id)
    for outcome in done:
        setattr(made, outcome.value, getattr(made, outcome.value) + 1)
