"""Whether somebody is there now, by the calendars of working hours, asked of the database."""

from sqlalchemy import ColumnElement, Integer, Text, and_, cast, column, exists, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from helpdesk.calendars import Calendar
from helpdesk.clock import desk_now
from helpdesk.people import Agent
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket


def within_hours(_agent: Agent) -> ColumnElement[bool]:
    """By the calendar of the ticket's policy, else the desk's first; without any calendar somebody is always there."""
    local = func.timezone(Calendar.time_zone, desk_now())
    today = cast(func.extract("isodow", local) - 1, Integer)
    spans = func.jsonb_array_elements(Calendar.week[cast(today, Text)])
    span = spans.table_valued(column("hours", JSONB)).render_derived()
    time = func.to_char(local, "HH24:MI")
    in_span = and_(span.c.hours[0].astext <= time, time < span.c.hours[1].astext)
    working = select(Calendar.id).where(
        ~Calendar.holidays.has_key(func.to_char(local, "YYYY-MM-DD")),
        exists(select(1).select_from(span).where(in_span)),
    )
    of_policy = select(Policy.calendar_id).where(Policy.id == Ticket.policy_id).scalar_subquery()
    first = select(func.min(Calendar.id)).scalar_subquery()
    counts = func.coalesce(of_policy, first)
    return or_(counts.is_(None), counts.in_(working))
