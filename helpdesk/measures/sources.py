"""The tables that are measured, what each is counted by, and whose tickets an agent may count."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ColumnElement, Date, Integer, Select, and_, cast, exists, func, select
from sqlalchemy.orm import aliased
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Exists

from helpdesk.access import Action, is_visible
from helpdesk.engagements import Engagement
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.labels import ticket_tag
from helpdesk.measures.catalogue import From
from helpdesk.measures.periods import Period
from helpdesk.measures.rows import TicketFact, TicketReply, TicketSpell
from helpdesk.measures.scopes import Place, Scope
from helpdesk.participants import Participant
from helpdesk.people import Agent, Contact
from helpdesk.ratings import Rating
from helpdesk.sla import Clock
from helpdesk.sla.clocks import DECIDED
from helpdesk.tickets import Ticket


class Dimension(StrEnum):
    """What numbers are split by."""

    day = "day"
    week = "week"
    month = "month"
    hour = "hour"  # of the week: 0 is Monday from midnight to one
    agent = "agent"
    team = "team"
    inbox = "inbox"
    channel = "channel"
    tag = "tag"
    company = "company"
    priority = "priority"
    type = "type"

    @property
    def is_time(self) -> bool:
        return self in TIMES


TIMES = (Dimension.day, Dimension.week, Dimension.month)
DIMENSION_NAMES: dict[Dimension, Text] = {
    Dimension.day: _("Day"),
    Dimension.week: _("Week"),
    Dimension.month: _("Month"),
    Dimension.hour: _("Hour of the week"),
    Dimension.agent: _("Agent"),
    Dimension.team: _("Team"),
    Dimension.inbox: _("Inbox"),
    Dimension.channel: _("Channel"),
    Dimension.tag: _("Tag"),
    Dimension.company: _("Company"),
    Dimension.priority: _("Priority"),
    Dimension.type: _("Type"),
}

ON_FACTS = Place(
    TicketFact.id,
    TicketFact.team_id,
    TicketFact.assignee_id,
    TicketFact.inbox_id,
    TicketFact.contact_id,
    TicketFact.priority,
    TicketFact.type_id,
)


@dataclass(frozen=True)
class Source:
    """`at` is the instant that decides about the period; `rows` stands beside the facts, or is None for them."""

    at: Any
    place: Place
    rows: Any = None
    ticket_id: Any = field(default_factory=lambda: TicketFact.id)

    def counted(self, agent: Agent, scope: Scope, *columns: Any, by: Dimension | None = None) -> Select[Any]:
        """The rows that this agent may count, ready to be split."""
        conditions = [countable(agent), scope.holds(self.place)]
        if self.rows is None:
            return select(*columns).select_from(TicketFact).where(TicketFact.removed.is_(None), *conditions)
        if not (self._splits_facts(by) or _asks_facts(*conditions, *columns)):
            # All that is asked of the facts is whether the ticket counts at all, which few do not: a million of them
            # need not be looked up.
            removed = exists().where(_other.id == self.ticket_id, _other.removed.is_not(None))
            return select(*columns).select_from(self.rows).where(~removed, *conditions)
        query: Select[Any] = select(*columns).select_from(TicketFact)
        joined = query.join(self.rows, self.ticket_id == TicketFact.id)
        return joined.where(TicketFact.removed.is_(None), *conditions)

    def _splits_facts(self, by: Dimension | None) -> bool:
        if by is None or by.is_time or by is Dimension.hour:
            return False
        return by is not Dimension.agent or _asks_facts(self.place.agent)

    def during(self, period: Period) -> ColumnElement[bool]:
        return and_(self.at >= period.since, self.at < period.until)


SOURCES: Mapping[From, Source] = {
    From.created: Source(TicketFact.created_at, ON_FACTS),
    From.resolved: Source(TicketFact.resolved_at, replace(ON_FACTS, agent=TicketFact.resolver_id)),
    From.spells: Source(
        TicketSpell.ended_at,
        replace(ON_FACTS, agent=TicketSpell.resolver_id),
        TicketSpell,
        TicketSpell.ticket_id,
    ),
    From.replies: Source(
        TicketReply.replied_at,
        replace(ON_FACTS, agent=TicketReply.agent_id),
        TicketReply,
        TicketReply.ticket_id,
    ),
    From.promises: Source(func.coalesce(Clock.breached_at, Clock.met_at), ON_FACTS, Clock, Clock.ticket_id),
    From.ratings: Source(
        Rating.answered_at,
        replace(ON_FACTS, agent=Rating.assignee_id, team=Rating.team_id, inbox=Rating.inbox_id),
        Rating,
        Rating.ticket_id,
    ),
    From.engagements: Source(Engagement.created_at, ON_FACTS, Engagement, Engagement.ticket_id),
    From.backlog: Source(TicketSpell.began_at, ON_FACTS, TicketSpell, TicketSpell.ticket_id),
}
assert DECIDED == "coalesce(breached_at, met_at)"  # noqa: S101 - the index says the same


_other = aliased(TicketFact)


def _asks_facts(*expressions: Any) -> bool:
    return any(
        isinstance(part, Column) and part.table is TicketFact.__table__
        for each in expressions
        for part in visitors.iterate(getattr(each, "__clause_element__", lambda each=each: each)())
    )


def countable(agent: Agent) -> ColumnElement[bool]:
    """`is_visible` for reports, asked of the copies beside the tickets, which a trigger keeps equal."""
    seen = is_visible(agent, Action.report)
    columns = {
        Ticket.id.name: TicketFact.id,
        Ticket.team_id.name: TicketFact.team_id,
        Ticket.assignee_id.name: TicketFact.assignee_id,
    }
    unknown: list[object] = []
    follows = exists().where(Participant.ticket_id == Ticket.id, Participant.agent_id == agent.id)

    def replaced(element: Any, **_: object) -> Any:
        if isinstance(element, Exists) and element.compare(
            follows
        ):  # looked up once, not for each of a million
            return TicketFact.id.in_(select(Participant.ticket_id).where(Participant.agent_id == agent.id))
        if isinstance(element, Column) and element.table is Ticket.__table__:
            if element.name in columns:
                return TicketFact.__table__.c[columns[element.name].name]
            unknown.append(element)
        return None

    found = visitors.replacement_traverse(seen, {}, replaced)
    if unknown:  # a rule that asks more of a ticket than its copy knows
        return TicketFact.id.in_(select(Ticket.id).where(seen))
    return found


def split(query: Select[Any], source: Source, by: Dimension, zone: str) -> tuple[Select[Any], Any]:
    """The query with what the dimension needs beside it, and the key of each line."""
    place, local = source.place, func.timezone(zone, source.at)
    match by:
        case Dimension.day | Dimension.week | Dimension.month:
            return query, cast(func.date_trunc(by.value, local), Date)
        case Dimension.hour:
            weekday, hour = func.extract("isodow", local), func.extract("hour", local)
            return query, cast((weekday - 1) * 24 + hour, Integer)
        case Dimension.channel:
            return query.join(Inbox, Inbox.id == place.inbox), Inbox.channel
        case Dimension.company:
            return query.join(Contact, Contact.id == place.contact), Contact.company_id
        case Dimension.tag:
            return query.outerjoin(ticket_tag, ticket_tag.c.ticket_id == TicketFact.id), ticket_tag.c.tag_id
    return query, getattr(place, by.value)
