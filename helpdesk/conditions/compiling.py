"""From a condition to SQLAlchemy: true or false for every ticket, never NULL, so that `not` means not."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, cast, exists, false, func, literal, literal_column, or_, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.conditions.reading import KEY, instant, span
from helpdesk.conditions.subjects import CUSTOM, FIELDS, Column, Field, Sort, Test
from helpdesk.conditions.tree import All, BadCondition, Condition, Either, Not, Operator, Where, statements
from helpdesk.people import Agent
from helpdesk.search.index import MessageSearch, Readings, read, reading, search_query
from helpdesk.tickets import Ticket

Sql = Any
"""ColumnElement[bool]."""
O = Operator  # noqa: E741 - every branch below names one
OPPOSITES = {
    O.is_not: O.is_,
    O.none_of: O.any_of,
    O.lacks: O.contains,
    O.is_not_empty: O.is_empty,
}


NO_FIELDS: Sql = literal_column("'{}'::jsonb")  # as the index says it, and no parameter
NONE = Readings()


async def compiled(session: AsyncSession, condition: Condition, agent: Agent, at: datetime) -> Sql:
    """As `compile`, for a list that is asked for now: the planner sees how common its words and values are."""
    return compile(condition, agent, at, await readings(session, condition))


async def readings(session: AsyncSession, condition: Condition, *words: str) -> Readings:
    """Of the condition's words and of others."""
    inside = {str(each.value) for each in statements(condition) if each.field == "text"}
    return await read(session, inside.union(words))


def compile(  # noqa: A001 - what it does
    condition: Condition, agent: Agent, at: datetime, readings: Readings = NONE
) -> Sql:
    """A condition on Ticket, as this agent sees the desk at this time. The condition has been parsed."""
    match condition:
        case Where("text", O.contains):
            return _said(str(condition.value), readings)
        case Where():
            return _statement(condition, agent, at, readings)
        case Not(of):
            return _never(compile(of, agent, at, readings))
        case All(of):
            return and_(true(), *(compile(each, agent, at, readings) for each in of))
        case Either(of):
            return or_(false(), *(compile(each, agent, at, readings) for each in of))


def _said(words: str, readings: Readings) -> Sql:
    """EXISTS: the planner begins with the words where they are rare, and with the tickets where they are not."""
    query = reading(readings.queries[words]) if words in readings.queries else search_query(words)
    has = MessageSearch.document.bool_op("@@")(query)
    return exists().where(MessageSearch.ticket_id == Ticket.id, has).correlate(Ticket)


def _statement(where: Where, agent: Agent, at: datetime, readings: Readings) -> Sql:
    if opposite := OPPOSITES.get(where.operator):
        return _never(compile(Where(where.field, opposite, where.value), agent, at, readings))
    if where.operator is O.all_of:
        each = where.value if isinstance(where.value, list) else []
        return and_(*(compile(Where(where.field, O.any_of, [one]), agent, at) for one in each))
    if found := KEY.fullmatch(where.field):
        place, key = found.groups()
        return CUSTOM[place](lambda column: _custom(column, key, where, agent, at))
    if where.field not in FIELDS:
        raise BadCondition(f"There is no field “{where.field}”.", where.field)
    return _known(FIELDS[where.field], where, agent, at)


def _known(field: Field, where: Where, agent: Agent, at: datetime) -> Sql:
    if field.flag:
        holds = field.flag(agent)
        return holds if where.value else _never(holds)
    empty = where.operator is O.is_empty
    if field.related:
        return ~field.related(None) if empty else field.related(_test(field, where, agent, at))
    column = field.kept
    if empty:
        return or_(column.is_(None), column == "") if field.sort is Sort.text else column.is_(None)
    return _test(field, where, agent, at)(column)


def _test(field: Field, where: Where, agent: Agent, at: datetime) -> Test:
    value = where.value
    match field.sort:
        case Sort.text:
            return lambda column: _text(column, where.operator, value)
        case Sort.instant:
            return lambda column: _instant(column, where.operator, value, agent, at)
        case Sort.number if where.operator in {O.above, O.below}:
            return lambda column: column > value if where.operator is O.above else column < value
        case _:
            return lambda column: _in(column, _meant(value, agent))


def _in(column: Column, values: list[Any]) -> Sql:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _meant(value: Any, agent: Agent) -> list[Any]:
    """Ids for the words that stand for some."""
    meant: list[Any] = []
    for each in value if isinstance(value, list) else [value]:
        meant += [agent.id] if each == "me" else agent.team_ids if each == "mine" else [each]
    return meant


def _text(column: Column, operator: Operator, value: Any) -> Sql:
    """Upper and lower case are the same; LIKE, so that trigram indexes answer."""
    if isinstance(value, list):
        return or_(*(_text(column, O.is_, each) for each in value))
    before = "%" if operator in {O.contains, O.ends_with} else ""
    after = "%" if operator in {O.contains, O.starts_with} else ""
    return column.ilike(f"{before}{_escaped(value)}{after}")


def _escaped(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _instant(column: Column, operator: Operator, value: Any, agent: Agent, at: datetime) -> Sql:
    match operator:
        case O.before:
            return column < _start(value, agent)
        case O.after:
            return column >= _start(value, agent)
        case O.within_last:
            return and_(column > at - span(value), column <= at)
        case O.longer_ago:
            return column <= at - span(value)
        case _:
            return and_(column > at, column <= at + span(value))


def _start(value: Any, agent: Agent) -> datetime:
    """A day begins when it begins for the agent."""
    found = instant(value)
    if isinstance(found, datetime):
        return found
    return datetime.combine(found, time(), _zone(agent))


def _zone(agent: Agent) -> ZoneInfo:
    try:
        return ZoneInfo(agent.time_zone or "UTC")
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


def _custom(fields: Sql, key: str, where: Where, agent: Agent, at: datetime) -> Sql:
    """By what the value is: containment, which the GIN index answers, wherever something is equal."""
    operator, value = where.operator, where.value
    text = fields[key].astext
    match operator:
        case O.is_empty:
            return fields[key].is_(None)
        case O.is_ | O.any_of:
            return or_(
                *(_holds(fields, key, each) for each in (value if isinstance(value, list) else [value]))
            )
        case O.above | O.below:
            number = cast(fields[key], JSONB)
            other = literal(value, JSONB)
            compared = number > other if operator is O.above else number < other
            return and_(func.jsonb_typeof(fields[key]) == "number", compared)
        case O.contains | O.starts_with | O.ends_with:
            in_any = func.field_words(fields).ilike(f"%{_escaped(value)}%")  # which an index answers
            return and_(fields != NO_FIELDS, in_any, _text(text, operator, value))
        case _:
            return _day(text.collate("C"), operator, value, at.astimezone(_zone(agent)))


def _holds(fields: Sql, key: str, value: Any) -> Sql:
    """Equal, or one of several; a yes-or-no that was never answered is no."""
    if value is False:
        return _never(fields.contains({key: True}))
    if not isinstance(value, str):
        return fields.contains({key: value})
    return or_(fields.contains({key: value}), fields.contains({key: [value]}))


def _day(text: Column, operator: Operator, value: Any, at: datetime) -> Sql:
    """Dates as ISO text stand in order as they are."""
    today = at.date().isoformat()
    match operator:
        case O.before:
            return text < value
        case O.after:
            return text >= value
        case O.within_last:
            return and_(text > _shifted(at, -span(value)), text <= today)
        case O.longer_ago:
            return text <= _shifted(at, -span(value))
        case _:
            return and_(text >= today, text <= _shifted(at, span(value)))


def _shifted(at: datetime, by: timedelta) -> str:
    return (at + by).date().isoformat()


def _never(condition: Sql) -> Sql:
    """Where NULL counts as false, its opposite is true."""
    return condition.is_not(true())
