"""What can be chosen for a report, and the names of what is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.i18n import Text, _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.measures import DIMENSION_NAMES, MEASURES, PRESETS, Compare, Dimension, Measure
from helpdesk.measures.names import WITHOUT
from helpdesk.measures.scopes import NONE
from helpdesk.people import Agent, Company, Team
from helpdesk.reports.questions import CUSTOM
from helpdesk.reports.sheets import PRIORITIES
from web.reports.asked import SCOPED, Asked

MOST = 200
"""Names that are offered of each sort; what a report is split by can be chosen in its table."""
COMPARED: dict[Compare, Text] = {
    Compare.none: _("Nothing"),
    Compare.previous: _("The period before"),
    Compare.year: _("The same days a year ago"),
}
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (_("How much"), ("created", "resolved", "resolutions", "replies", "backlog", "backlog_age")),
    (_("First response"), ("first_response_",)),
    (_("Next response"), ("next_response_",)),
    (_("Resolution"), ("resolution_",)),
    (_("How well"), ("reopened", "one_touch", "csat", "csat_score", "nps")),
    (_("Promises"), ("sla_",)),
    (_("Assistant"), ("assistant_",)),
)
"""Measures as they are offered: by name, or by its beginning."""


@dataclass(frozen=True)
class Sort:
    """One sort of things that a report can be limited to."""

    name: str
    label: str
    offered: list[tuple[str, str]]
    """Value and name; those chosen are always among them."""
    chosen: list[str]


@dataclass(frozen=True)
class Chip:
    label: str
    without: str
    """The address of the report without it."""


async def sorts(session: AsyncSession, asked: Asked) -> list[Sort]:
    found = []
    for by, name in SCOPED.items():
        chosen = [str(getattr(value, "value", value)) for value in getattr(asked.question.scope, name)]
        offered = await _offered(session, by, chosen)
        if offered and (chosen or by is not Dimension.company):
            found.append(Sort(name, str(DIMENSION_NAMES[by]), offered, chosen))
    return found


async def _offered(session: AsyncSession, by: Dimension, chosen: list[str]) -> list[tuple[str, str]]:
    if by is Dimension.priority:
        return [(each.value, str(name)) for each, name in PRIORITIES.items()]
    if by is Dimension.channel:
        channels = await session.scalars(select(Inbox.channel).distinct().order_by(Inbox.channel))
        return [(each, each) for each in channels]
    table: Any = _TABLES[by]
    wanted = [int(each) for each in chosen if int(each) != NONE]
    query = select(table.id, table.name).order_by(table.name, table.id).limit(MOST)
    if by is Dimension.company:  # there may be a hundred thousand
        query = query.where(table.id.in_(wanted))
    rows: dict[int, str] = dict((await session.execute(query)).tuples().all())
    if missing := [each for each in wanted if each not in rows]:
        more = await session.execute(select(table.id, table.name).where(table.id.in_(missing)))
        rows |= dict(more.tuples().all())
    without = [(str(NONE), str(WITHOUT[by]))] if by in WITHOUT and (rows or str(NONE) in chosen) else []
    gone = [(str(each), gettext("Deleted")) for each in wanted if each not in rows]
    return without + [(str(number), name) for number, name in rows.items()] + gone


_TABLES: Mapping[Dimension, Any] = {
    Dimension.agent: Agent,
    Dimension.team: Team,
    Dimension.inbox: Inbox,
    Dimension.tag: Tag,
    Dimension.company: Company,
    Dimension.type: TicketType,
}


def chips(asked: Asked, offered: list[Sort]) -> list[Chip]:
    found = []
    for sort in offered:
        names, kept = dict(sort.offered), getattr(asked.question.scope, sort.name)
        for number, value in enumerate(sort.chosen):
            rest = kept[:number] + kept[number + 1 :]
            address = asked.address(scope=asked.scoped(sort.name, rest))
            found.append(Chip(f"{sort.label}: {names.get(value, value)}", f"/reports?{address}"))
    return found


def groups() -> list[tuple[str, list[Measure]]]:
    """Every measure once."""
    found: list[tuple[str, list[Measure]]] = []
    seen: set[str] = set()
    for label, starts in GROUPS:
        some = [
            measure
            for name, measure in MEASURES.items()
            if name not in seen and any(name == s or (s.endswith("_") and name.startswith(s)) for s in starts)
        ]
        seen |= {measure.name for measure in some}
        found.append((str(label), some))
    return found


def plain() -> dict[str, list[tuple[str, str]]]:
    return {
        "periods": [
            *((name, str(label)) for name, (label, _) in PRESETS.items()),
            (CUSTOM, gettext("Days of my own")),
        ],
        "compares": [(each.value, str(label)) for each, label in COMPARED.items()],
        "splits": [
            ("none", gettext("Nothing")),
            *((by.value, str(name)) for by, name in DIMENSION_NAMES.items()),
        ],
    }
