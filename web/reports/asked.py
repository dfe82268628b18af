"""What the address of a report asks for, and the addresses of what is next to it."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request

from helpdesk.measures import Dimension, Line, Measure, Part, Period, Scope
from helpdesk.measures.scopes import NONE
from helpdesk.people import Agent
from helpdesk.reports import questions
from helpdesk.reports.questions import CUSTOM, Question
from helpdesk.texts import clean
from helpdesk.tickets import Priority

SCOPED: dict[Dimension, str] = {
    Dimension.agent: "agents",
    Dimension.team: "teams",
    Dimension.inbox: "inboxes",
    Dimension.channel: "channels",
    Dimension.tag: "tags",
    Dimension.company: "companies",
    Dimension.priority: "priorities",
    Dimension.type: "types",
}
"""Which part of the scope a line of a dimension is."""
FIRST_YEAR, LAST_YEAR, HOURS = 1980, 9000, 7 * 24
"""Of keys that a line may have."""
WITHOUT = "none"
"""The key, in an address, of the line of what has none: no team, nobody."""


def given(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Fields that come several times, as checkboxes do, are joined by commas."""
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        found[name] = f"{found[name]},{value}" if name in found and value else value or found.get(name, "")
    return found


@dataclass(frozen=True)
class Asked:
    question: Question
    period: Period
    show: Measure
    """Which measure the picture is of."""

    @classmethod
    def of(cls, request: Request[Any, Any, Any], agent: Agent) -> "Asked":
        """Raises Invalid."""
        values = given(request)
        question = questions.read(values)
        if question.period == CUSTOM and not (
            question.begin and question.end
        ):  # just chosen: begin with the usual
            question = question.but(period=Question().period).fixed(agent.time_zone)
        chosen = question.chosen()
        show = next((each for each in chosen if each.name == values.get("show")), chosen[0])
        return cls(question, question.during(agent.time_zone), show)

    def address(self, **other: Any) -> str:
        """The query of the same report with something else chosen."""
        show = other.pop("show", self.show.name)
        query = self.question.but(**other).as_query()
        return urlencode(query | ({"show": show} if show != self.question.measures[0] else {}))

    @property
    def fixed(self) -> str:
        """The same days tomorrow: what a link in a file or a mail keeps."""
        return urlencode(self.question.fixed(self.period.zone).as_query())

    def behind(self, measure: Measure, line: Line | None = None, part: Part = Part.all) -> str:
        """The address of the tickets behind a number; of the whole without a line."""
        query = self.question.but(measures=(measure.name,)).fixed(self.period.zone).as_query()
        query |= {"measures": measure.name}
        if line is not None and self.question.by:
            query["key"] = written(line.key)
        if part is not Part.all:
            query["part"] = part
        return f"/reports/tickets?{urlencode(query)}"

    def limited(self, line: Line) -> str:
        """The address of the report on this line alone, day by day; empty where a line is a time."""
        by = self.question.by
        if by not in SCOPED:
            return ""
        key = NONE if line.key is None else line.key
        scope = self.scoped(SCOPED[by], (key,))
        return f"/reports?{self.address(scope=scope, by=Dimension.day)}"

    def scoped(self, name: str, values: tuple[Any, ...]) -> Scope:
        kept = {each: getattr(self.question.scope, each) for each in Scope.__struct_fields__}
        return Scope(**{**kept, name: values})


def written(key: Any) -> str:
    if key is None:
        return WITHOUT
    return key.isoformat() if isinstance(key, date) else str(key)


def read_key(by: Dimension, text: str) -> Any:
    """What `written` wrote. Raises ValueError."""
    if by.is_time:
        day = date.fromisoformat(text)
        if not FIRST_YEAR <= day.year < LAST_YEAR:
            raise ValueError(text)
        return day
    if text == WITHOUT:
        return None
    if by is Dimension.priority:
        return Priority(text)
    if by is Dimension.channel:
        return clean(text)
    number = int(text)
    if not 0 <= number < (HOURS if by is Dimension.hour else 1 << 62):
        raise ValueError(text)
    return number
