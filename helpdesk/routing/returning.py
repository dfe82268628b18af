"""Tickets that go back to their team: a colleague gives one back, or was away for too long."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.clock import now
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, Availability
from helpdesk.routing.rows import OURS, TeamRouting
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

BATCH = 50
RESPITE = timedelta(hours=1)
"""For so long the desk does not give a ticket again to a colleague from whom a person took it."""


class NobodyHasIt(Conflict):
    message = _("Nobody has this ticket any more.")


class SomebodyElseHasIt(Conflict):
    message = _("Somebody else has this ticket by now. Reload the page to see who.")


def hand_back(ticket: Ticket, *, by: Actor, of: int | None = None) -> int:
    """To the team's queue; returns whose it was. `of`: whose it must be. Raises NobodyHasIt, SomebodyElseHasIt."""
    was = ticket.assignee_id
    if was is None:
        raise NobodyHasIt
    if of not in (None, was):
        raise SomebodyElseHasIt
    ticket.assign(None, by=by, because={"given_back": was})
    return was


async def returned(session: AsyncSession, ticket_ids: Sequence[int]) -> dict[int, set[int]]:
    """By ticket: from whom a person took it lately, with or without saying that it goes back."""
    if not ticket_ids:
        return {}
    was = Event.data["was"].astext
    rows = await session.execute(
        select(Event.ticket_id, was.cast(BigInteger))
        .where(
            Event.ticket_id.in_(ticket_ids),
            Event.kind == Kind.assigned,
            Event.actor == ActorKind.agent,
            Event.created_at > now() - RESPITE,
            Event.data["now"].astext.is_(None),
            was.is_not(None),
        )
        .order_by(Event.id)
    )
    found: dict[int, set[int]] = {}
    for ticket_id, agent_id in rows:
        found.setdefault(ticket_id, set()).add(agent_id)
    return found


async def give_back(session: AsyncSession, limit: int = BATCH) -> int:
    """Tickets on which a customer waits, of colleagues who have been away for as long as their team allows."""
    away = or_(Agent.present_at.is_(None), Agent.availability != Availability.online, ~Agent.active)
    long_enough = Agent.away_since + func.make_interval(0, 0, 0, 0, 0, TeamRouting.give_back_minutes) <= now()
    found = await session.scalars(
        select(Ticket)
        .join(Agent, Agent.id == Ticket.assignee_id)
        .join(TeamRouting, TeamRouting.team_id == Ticket.team_id)
        .where(
            TeamRouting.give_back_minutes.is_not(None),
            away,
            long_enough,
            Ticket.is_active,
            Ticket.category.in_(OURS),
            Ticket.waiting_since.is_not(None),
        )
        .order_by(Ticket.id)
        .limit(limit)
        .with_for_update(of=Ticket, skip_locked=True, key_share=True)
        .options(joinedload(Ticket.policy).joinedload(Policy.calendar), selectinload(Ticket.clocks))
    )
    tickets = found.all()
    for ticket in tickets:
        ticket.assign(None, by=DESK, because={"away": ticket.assignee_id})
    await session.flush()
    return len(tickets)
