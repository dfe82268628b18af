"""The tickets behind a number: exactly those that it counted, for who may see it."""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_

from helpdesk.access import Action, is_visible
from helpdesk.clock import now
from helpdesk.measures.asking import EVERYTHING, end_of, open_at
from helpdesk.measures.catalogue import From, Kind, Measure
from helpdesk.measures.periods import Period
from helpdesk.measures.scopes import Scope
from helpdesk.measures.sources import SOURCES, Dimension, split
from helpdesk.people import Agent
from helpdesk.tickets import Ticket


class Part(StrEnum):
    """Of a share: all that it speaks of, those that are part of it, or the others."""

    all = "all"
    yes = "yes"
    no = "no"


ALL = object()
"""Every line."""


def tickets(
    agent: Agent,
    measure: Measure,
    period: Period,
    scope: Scope = EVERYTHING,
    *,
    by: Dimension | None = None,
    key: Any = ALL,
    part: Part = Part.all,
) -> ColumnElement[bool]:
    """As a condition on Ticket. `key` is a line's, None included; the whole without one."""
    if by and by.is_time and isinstance(key, date):
        end = min(end_of(key, by), period.end)
        period, by, key = replace_days(period, max(key, period.begin), end), None, ALL
    source = SOURCES[measure.source]
    query: Select[Any] = source.counted(agent, scope, source.ticket_id, by=by)
    if measure.source is From.backlog:
        query = query.where(open_at(min(period.until, now())))
    else:
        query = query.where(source.during(period), measure.counted)
    if measure.kind is Kind.share and part is not Part.all:
        query = query.where(measure.of if part is Part.yes else not_(measure.of))
    if by and key is not ALL:
        query, column = split(query, source, by, period.zone)
        query = query.where(column.is_(None) if key is None else column == key)
    return and_(is_visible(agent, Action.report), Ticket.id.in_(query))


def replace_days(period: Period, begin: date, end: date) -> Period:
    return Period(begin, end, period.zone)
