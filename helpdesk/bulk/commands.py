"""Giving a bulk command, and taking it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, is_visible, require
from helpdesk.bulk.rows import AT_ONCE, BulkChange, BulkState, BulkTicket, Outcome
from helpdesk.bulk.working import work_on
from helpdesk.changes import TooLate, Verb, action_of, change_of
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.tickets import Removal, Ticket

MOST_MERGED = 100


class NothingChosen(Invalid):
    message = _("None of these tickets is yours to change in this way.")


class TooManyToMerge(Invalid):
    message = _("At most 100 tickets can be merged into one at a time.")


@dataclass(frozen=True)
class Preview:
    chosen: int
    """Tickets that were chosen, as far as the agent may know of them."""
    changeable: int
    """Those of them that the agent may change in this way."""


async def foresee(session: AsyncSession, agent: Agent, verb: Verb, *, where: ColumnElement[bool]) -> Preview:
    """How many tickets it would be about."""
    stand = Ticket.removed.is_distinct_from(Removal.merged)
    counted = select(
        func.count().filter(is_visible(agent)), func.count().filter(is_visible(agent, action_of(verb)))
    ).where(where, stand)
    chosen, changeable = (await session.execute(counted.select_from(Ticket))).one()
    return Preview(chosen, changeable)


async def begin(
    session: AsyncSession,
    agent: Agent,
    verb: Verb,
    given: Mapping[str, Any],
    *,
    where: ColumnElement[bool],
) -> BulkChange:
    """`where` is a condition on Ticket: `Ticket.id.in_(…)` or a view's. `given`: see `Verb`.

    Up to AT_ONCE tickets have been changed when this returns; more are `queued`, and a worker changes them.
    Raises Forbidden, Invalid, NothingChosen. The caller holds none of the tickets.
    """
    require(agent, Action.bulk)
    require(agent, action_of(verb))
    where = and_(where, Ticket.removed.is_distinct_from(Removal.merged))
    if verb is Verb.merge:
        where = and_(where, Ticket.removed.is_(None))
        given = {"into": await _target(session, agent, given)}
    else:
        await change_of(verb, given).load(session, by=agent)
    made = BulkChange(
        agent_id=agent.id,
        token_id=agent.token_id,
        verb=verb,
        given=dict(given),
        state=BulkState.queued,
        total=0,
    )
    session.add(made)
    await session.flush()
    made.total = await _write_down(session, agent, made, where)
    if made.total == 0:
        raise NothingChosen
    if verb is Verb.merge and made.total > MOST_MERGED:
        raise TooManyToMerge
    session.add(Event(Kind.bulk_changed, by=agent, about=made, verb=verb, tickets=made.total))
    await session.flush()
    if made.total <= AT_ONCE:
        await work_on(session, made, agent, limit=AT_ONCE)
    return made


async def undo(session: AsyncSession, bulk_id: int, *, by: Agent) -> BulkChange:
    """Within ten minutes, by who gave the command. Raises NotFound, TooLate."""
    made = await session.scalar(
        select(BulkChange)
        .where(BulkChange.id == bulk_id, BulkChange.agent_id == by.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if made is None:
        raise NotFound
    if made.undo_until is None:
        raise TooLate
    made.state, made.finished_at = BulkState.undoing, None
    session.add(Event(Kind.bulk_undone, by=by, about=made, verb=made.verb, tickets=made.changed))
    await session.flush()
    if made.changed <= AT_ONCE:
        await work_on(session, made, by, limit=AT_ONCE)
    return made


async def recent(session: AsyncSession, agent: Agent, limit: int = 20) -> Sequence[BulkChange]:
    query = select(BulkChange).where(BulkChange.agent_id == agent.id)
    return (await session.scalars(query.order_by(BulkChange.id.desc()).limit(limit))).all()


async def _target(session: AsyncSession, agent: Agent, given: Mapping[str, Any]) -> int:
    into = select(Ticket.number).where(
        Ticket.number == given.get("into"), Ticket.removed.is_(None), is_visible(agent, Action.merge)
    )
    number = await session.scalar(into)
    if number is None:
        raise NotFound
    return number


async def _write_down(
    session: AsyncSession, agent: Agent, made: BulkChange, where: ColumnElement[bool]
) -> int:
    chosen = select(literal(made.id), Ticket.id, literal(Outcome.waiting.value)).where(
        is_visible(agent, action_of(made.verb)), where
    )
    if made.verb is Verb.merge:
        chosen = chosen.where(Ticket.number != made.given["into"])
    columns = ["bulk_change_id", "ticket_id", "outcome"]
    await session.execute(insert(BulkTicket).from_select(columns, chosen))
    counted = select(func.count()).where(BulkTicket.bulk_change_id == made.id)
    return await session.scalar(counted) or 0
