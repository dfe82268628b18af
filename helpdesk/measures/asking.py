"""The one question behind the board, the reports, their exports and the API."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, cast, func, or_, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.measures import names
from helpdesk.measures.catalogue import MEASURES, From, Kind, Measure, Unit
from helpdesk.measures.periods import Compare, Period
from helpdesk.measures.rows import TicketFact, TicketSpell
from helpdesk.measures.scopes import Scope
from helpdesk.measures.sources import SOURCES, Dimension, split
from helpdesk.people import Agent
from helpdesk.ratings import DETRACTOR, PROMOTER
from helpdesk.satisfaction import intervals

MOST = 1000
"""Lines of an answer; those with the most come first."""
EVERYTHING = Scope()


class BadQuestion(Invalid):
    message = _("Choose at least one measure, all of them ones that there are.")


@dataclass(frozen=True)
class Value:
    """`value` is None where there was nothing to measure; `n` says of how many it speaks.

    Shares and scores come with the ends between which the truth lies with 95 % confidence.
    """

    value: float | None
    n: int
    low: float | None = None
    high: float | None = None


NOTHING = Value(None, 0)


@dataclass(frozen=True)
class Line:
    """`key`: a day, an hour of the week, an id, a word, or None for what has none of it."""

    key: Any
    values: Mapping[str, Value]
    before: Mapping[str, Value] = field(default_factory=dict)
    label: str = ""

    def __getitem__(self, measure: Measure) -> Value:
        return self.values.get(measure.name, NOTHING)

    def was(self, measure: Measure) -> Value:
        return self.before.get(measure.name, NOTHING)


@dataclass(frozen=True)
class Answer:
    measures: Sequence[Measure]
    period: Period
    scope: Scope
    by: Dimension | None
    lines: Sequence[Line]
    """In order of time, else those with the most first; empty without a dimension."""
    total: Line
    compared: Period | None = None
    more: int = 0
    """Lines that were left out."""


Found = dict[Any, dict[str, Value]]
TOTAL = object()
"""The key of the whole."""


def chosen(wanted: Iterable[str]) -> list[Measure]:
    """By name. Raises BadQuestion."""
    found = list(dict.fromkeys(wanted))
    if not found or any(name not in MEASURES for name in found):
        raise BadQuestion
    return [MEASURES[name] for name in found]


_ROOM = text("SELECT set_config('work_mem', '64MB', true)")
"""For sorting a year's durations in memory; until the end of the transaction."""


async def ask(
    session: AsyncSession,
    agent: Agent,
    measures: Sequence[Measure],
    period: Period,
    scope: Scope = EVERYTHING,
    *,
    by: Dimension | None = None,
    compare: Compare = Compare.none,
    limit: int = MOST,
) -> Answer:
    """Counts what this agent may have reports of, and nothing else."""
    await session.execute(_ROOM)
    found = await _measured(session, agent, measures, period, scope, by)
    compared = period.before(compare)
    earlier = await _measured(session, agent, measures, compared, scope, by) if compared else {}
    total = Line(None, found.pop(TOTAL, {}), earlier.pop(TOTAL, {}))
    lines = _lines(found, earlier, measures, period, compared, by)
    if by:
        called = await names.of(session, by, [line.key for line in lines])
        lines = [replace(line, label=called[line.key]) for line in lines]
    return Answer(
        measures, period, scope, by, lines[:limit], total, compared, more=max(0, len(lines) - limit)
    )


def buckets(period: Period, by: Dimension) -> list[Any]:
    """Every key that this period has, whether or not anything happened then."""
    if by is Dimension.hour:
        return list(range(7 * 24))
    found, day = [], start_of(period.begin, by)
    while day <= period.end:
        found.append(day)
        day = end_of(day, by) + timedelta(days=1)
    return found


def start_of(day: date, by: Dimension) -> date:
    if by is Dimension.week:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if by is Dimension.month else day


def end_of(day: date, by: Dimension) -> date:
    """The last day of the bucket that begins on `day`."""
    if by is Dimension.week:
        return day + timedelta(days=6)
    if by is Dimension.month:
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    return day


def _lines(
    found: Found,
    earlier: Found,
    measures: Sequence[Measure],
    period: Period,
    compared: Period | None,
    by: Dimension | None,
) -> list[Line]:
    if by is None:
        return []
    nothing = _empty(measures, by)
    if by.is_time:
        keys = buckets(period, by)
        before = buckets(compared, by) if compared else []
        pairs = [*zip(keys, before, strict=False), *((key, None) for key in keys[len(before) :])]
        return [
            Line(key, found.get(key, nothing), earlier.get(was, nothing if was else {})) for key, was in pairs
        ]
    keys = buckets(period, by) if by is Dimension.hour else [*dict.fromkeys([*found, *earlier])]
    was_nothing = nothing if compared else {}
    lines = [Line(key, found.get(key, nothing), earlier.get(key, was_nothing)) for key in keys]
    if by is Dimension.hour:
        return lines
    return sorted(lines, key=lambda line: (-(line[measures[0]].n), str(line.key)))


def _empty(measures: Sequence[Measure], by: Dimension | None) -> dict[str, Value]:
    """Nothing happened: that is a number where things are counted. A day to come has no backlog, though."""
    timed = by is not None and (by.is_time or by is Dimension.hour)
    return {
        each.name: Value(0.0, 0)
        for each in measures
        if each.kind is Kind.total and not (timed and each.source is From.backlog)
    }


async def _measured(
    session: AsyncSession,
    agent: Agent,
    measures: Sequence[Measure],
    period: Period,
    scope: Scope,
    by: Dimension | None,
) -> Found:
    found: Found = {TOTAL: _empty(measures, None)}
    for source in dict.fromkeys(measure.source for measure in measures):
        some = [measure for measure in measures if measure.source is source]
        counted = _backlog if source is From.backlog else _counted
        for key, values in (await counted(session, agent, some, period, scope, by)).items():
            found.setdefault(key, _empty(measures, by)).update(values)
    return found


async def _counted(
    session: AsyncSession,
    agent: Agent,
    measures: Sequence[Measure],
    period: Period,
    scope: Scope,
    by: Dimension | None,
) -> Found:
    source = SOURCES[measures[0].source]
    columns = [column for measure in measures for column in _aggregates(measure)]
    query = source.counted(agent, scope, *columns, by=by).where(source.during(period))
    return await _grouped(session, query, source, by, period.zone, measures)


async def _grouped(
    session: AsyncSession,
    query: Select[Any],
    source: Any,
    by: Dimension | None,
    zone: str,
    measures: Sequence[Measure],
) -> Found:
    """The whole, and the lines; a ticket with several tags stands in several lines, but once in the whole."""
    found: Found = {}
    if by is None or by is Dimension.tag:
        row = (await session.execute(query)).mappings().one()
        found[TOTAL] = {each.name: _value(each, row) for each in measures}
    if by is None:
        return found
    query, key = split(query, source, by, zone)
    key = key.label("key")
    query = query.add_columns(key)
    if by is Dimension.tag:
        query = query.group_by(key)
    else:
        query = query.add_columns(func.grouping(key).label("whole")).group_by(
            func.grouping_sets(tuple_(key), tuple_())
        )
    for row in (await session.execute(query)).mappings():
        found[TOTAL if row.get("whole") else row["key"]] = {each.name: _value(each, row) for each in measures}
    return found


def _aggregates(measure: Measure) -> list[ColumnElement[Any]]:
    counted, name = measure.counted, measure.name
    columns: list[ColumnElement[Any]] = [func.count().filter(counted).label(f"{name}:n")]
    match measure.kind:
        case Kind.share:
            columns.append(func.count().filter(and_(counted, measure.of)).label(f"{name}:hits"))
        case Kind.mean:
            columns.append(func.avg(measure.of).filter(counted).label(f"{name}:value"))
        case Kind.median | Kind.p90:
            share = 0.5 if measure.kind is Kind.median else 0.9
            middle = func.percentile_cont(share).within_group(measure.of.asc())
            columns.append(middle.filter(counted).label(f"{name}:value"))
    if measure.kind is Kind.promoters:
        for what, part in (("for", measure.of >= PROMOTER), ("against", measure.of <= DETRACTOR)):
            columns.append(func.count().filter(and_(counted, part)).label(f"{name}:{what}"))
    if measure.unit is Unit.score:
        columns += [
            func.count().filter(and_(counted, measure.of == score)).label(f"{name}:{score}")
            for score in range(1, 6)
        ]
    return columns


def _value(measure: Measure, row: Mapping[str, Any]) -> Value:
    name, n = measure.name, int(row[f"{measure.name}:n"])
    if measure.kind is Kind.total:
        return Value(float(n), n)
    if measure.unit is Unit.share:
        return _sure(intervals.wilson(int(row[f"{name}:hits"]), n))
    if measure.unit is Unit.score:
        return _sure(intervals.mean({score: int(row[f"{name}:{score}"]) for score in range(1, 6)}))
    if measure.kind is Kind.promoters:
        promoters, detractors = int(row[f"{name}:for"]), int(row[f"{name}:against"])
        return _sure(intervals.promoter_score(promoters, n - promoters - detractors, detractors))
    value = row[f"{name}:value"]
    return Value(None if value is None else float(value), n)


def _sure(found: intervals.Interval | None) -> Value:
    return Value(found.value, found.n, found.low, found.high) if found else NOTHING


async def _backlog(
    session: AsyncSession,
    agent: Agent,
    measures: Sequence[Measure],
    period: Period,
    scope: Scope,
    by: Dimension | None,
) -> Found:
    """What was open at the end; split by time, at the end of each day, week or month that has begun."""
    source, at = SOURCES[From.backlog], min(period.until, now())
    if period.since > at:
        return {}
    age = func.extract("epoch", at - TicketFact.created_at)
    ours = [replace(each, of=age) if each.kind is Kind.median else each for each in measures]
    columns = [column for each in ours for column in _aggregates(each)]
    plain = by is None or by.is_time or by is Dimension.hour
    snapshot = source.counted(agent, scope, *columns, by=None if plain else by).where(open_at(at))
    if (
        not plain and period.until > at
    ):  # now: an index holds the facts of these alone, and nine of ten need no look
        snapshot = snapshot.where(TicketFact.resolved_at.is_(None))
    found = await _grouped(session, snapshot, source, None if plain else by, period.zone, ours)
    if by and by.is_time and any(each.kind is Kind.total for each in measures):
        name = next(each.name for each in measures if each.kind is Kind.total)
        for key, n in (await _by_time(session, agent, period, scope, by, at)).items():
            found[key] = {name: Value(float(n), n)}
    return found


def open_at(at: datetime) -> ColumnElement[bool]:
    return and_(TicketSpell.began_at < at, or_(TicketSpell.ended_at.is_(None), TicketSpell.ended_at >= at))


async def _by_time(
    session: AsyncSession, agent: Agent, period: Period, scope: Scope, by: Dimension, at: datetime
) -> dict[Any, int]:
    """From what was open at the beginning, and what came and went in each bucket."""
    source = SOURCES[From.backlog]
    begun = source.counted(agent, scope, func.count()).where(open_at(period.since))
    standing = await session.scalar(begun) or 0
    change: dict[Any, int] = {}
    for instant, sign in ((TicketSpell.began_at, 1), (TicketSpell.ended_at, -1)):
        moved = replace(source, at=instant)
        number = cast(func.count(), Integer)
        query = moved.counted(agent, scope, number, by=by).where(instant >= period.since, instant < at)
        query, key = split(query, moved, by, period.zone)
        for n, bucket in await session.execute(query.add_columns(key.label("key")).group_by(key)):
            change[bucket] = change.get(bucket, 0) + sign * n
    found = {}
    for bucket in buckets(period, by):
        if period.midnight(bucket) <= at:
            standing += change.get(bucket, 0)
            found[bucket] = standing
    return found
