"""What a report asks: measures of a period, for some of the tickets, split by something, compared with before."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import measures
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.measures import Answer, BadPeriod, Compare, Dimension, Measure, Period, Scope, periods
from helpdesk.measures import scopes as reading
from helpdesk.people import Agent

USUAL = (
    "created",
    "resolved",
    "backlog",
    "first_response_median",
    "resolution_median",
    "sla_first_response",
    "csat",
)
CUSTOM = "custom"
MOST_MEASURES = 12


class BadReport(Invalid):
    message = _("This report cannot be read: its address or what was kept of it is not whole.")


class TooManyMeasures(Invalid):
    message = _("Choose at most twelve measures at a time.")


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """`period` is a name of periods.PRESETS, counted from today whenever it is asked, or `custom` with two days."""

    measures: Annotated[tuple[str, ...], Meta(max_length=40)] = USUAL
    period: Annotated[str, Meta(max_length=20)] = periods.USUAL
    begin: date | None = None
    end: date | None = None
    scope: Scope = Scope()
    by: Dimension | None = Dimension.day
    compare: Compare = Compare.none

    def chosen(self) -> list[Measure]:
        """Raises BadQuestion, TooManyMeasures."""
        found = measures.chosen(self.measures)
        if len(found) > MOST_MEASURES:
            raise TooManyMeasures
        return found

    def during(self, zone: str) -> Period:
        """Raises BadPeriod."""
        if self.period != CUSTOM:
            return periods.named(self.period, zone)
        if self.begin is None or self.end is None:
            raise BadPeriod
        return periods.read(self.begin.isoformat(), self.end.isoformat(), zone)

    def fixed(self, zone: str) -> "Question":
        """The same with its days said: what an address keeps that must mean the same tomorrow."""
        during = self.during(zone)
        return msgspec.structs.replace(self, period=CUSTOM, begin=during.begin, end=during.end)

    def but(self, **other: Any) -> "Question":
        return msgspec.structs.replace(self, **other)

    def as_query(self) -> dict[str, str]:
        """For an address; `read` takes it back."""
        given: dict[str, str] = {}
        if self.measures != USUAL:
            given["measures"] = ",".join(self.measures)
        if self.period != periods.USUAL:
            given["period"] = self.period
        if self.period == CUSTOM and self.begin and self.end:
            given |= {"begin": self.begin.isoformat(), "end": self.end.isoformat()}
        if self.by is not Dimension.day:
            given["by"] = self.by or "none"
        if self.compare is not Compare.none:
            given["compare"] = self.compare
        return given | self.scope.as_query()


def read(given: Mapping[str, Any]) -> Question:
    """From an address. Raises Invalid of one sort or another."""
    values: dict[str, Any] = {
        name: given[name] for name in ("period", "begin", "end", "compare") if given.get(name)
    }
    if values.get("period", CUSTOM) != CUSTOM:  # the days of another choice may still stand in the form
        values.pop("begin", None)
        values.pop("end", None)
    if wanted := given.get("measures"):
        parts = wanted.split(",") if isinstance(wanted, str) else wanted
        values["measures"] = tuple(dict.fromkeys(part for part in parts if part))
    if by := given.get("by"):
        values["by"] = None if by == "none" else by
    try:
        found = msgspec.convert(values, Question)
    except msgspec.ValidationError:
        raise BadReport from None
    found = found.but(scope=reading.read(given))
    found.chosen()
    return found


def kept(stored: Mapping[str, Any]) -> Question:
    """From JSON, as `stored` wrote it. Raises BadReport."""
    try:
        return msgspec.convert(stored, Question)
    except msgspec.ValidationError:
        raise BadReport from None


def stored(question: Question) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(question)
    return found


async def answer(session: AsyncSession, agent: Agent, question: Question, *, zone: str = "") -> Answer:
    """What this agent may know of it; days are days in `zone`, else in the agent's own."""
    return await measures.ask(
        session,
        agent,
        question.chosen(),
        question.during(zone or agent.time_zone),
        question.scope,
        by=question.by,
        compare=question.compare,
    )
