"""When nothing happened for a while: moments of the past at which a rule about silence would have been asked."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, or_, select, true

from helpdesk.access import is_visible
from helpdesk.events import Event
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.rules.happenings import by_people
from helpdesk.rules.occasions import Silence, Trigger
from helpdesk.tickets import Ticket


def silences(trigger: Trigger, agent: Agent, since: datetime, until: datetime) -> Select[Any]:
    """Ticket and instant at which somebody had been silent for so long, newest first."""
    long = timedelta(minutes=trigger.minutes)
    happened = _done(since - long) if trigger.silence is Silence.anybody else _said(since - long)
    at = happened.c.created_at + long
    return (
        select(happened.c.ticket_id, at.label("at"))
        .join(Ticket, Ticket.id == happened.c.ticket_id)
        .where(
            is_visible(agent),
            at >= since,
            at <= until,
            or_(happened.c.next_at.is_(None), happened.c.next_at > at),
            _began(trigger.silence, happened),
        )
        .order_by(at.desc())
    )


def _said(since: datetime) -> Subquery:
    """What people said to each other, with what came before and after."""
    order: dict[str, Any] = {"partition_by": Message.ticket_id, "order_by": Message.id}
    return (
        select(
            Message.ticket_id,
            Message.created_at,
            Message.direction,
            func.lead(Message.created_at).over(**order).label("next_at"),
            func.lag(Message.direction).over(**order).label("before"),
        )
        .where(
            Message.created_at > since,
            Message.side_id.is_(None),
            Message.copy_of_id.is_(None),
            Message.withdrawn_at.is_(None),
            ~Message.automatic,
            Message.direction != Direction.note,
        )
        .subquery()
    )


def _done(since: datetime) -> Subquery:
    """Whatever people did: what rules and the desk do breaks no silence."""
    order: dict[str, Any] = {"partition_by": Event.ticket_id, "order_by": Event.id}
    return (
        select(
            Event.ticket_id,
            Event.created_at,
            func.lead(Event.created_at).over(**order).label("next_at"),
        )
        .where(Event.created_at > since, by_people(), Event.ticket_id.is_not(None))
        .subquery()
    )


def _began(silence: Silence, happened: Subquery) -> ColumnElement[bool]:
    match silence:
        case Silence.customer:
            return happened.c.direction == Direction.outbound
        case Silence.us:
            first = or_(happened.c.before.is_(None), happened.c.before != Direction.inbound)
            return and_(happened.c.direction == Direction.inbound, first)
    return true()
