"""Which events are looked for: by who did it, what, to what, and when, as far as the reader's role reaches."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import ColumnElement, Select, or_, select

from helpdesk import audit
from helpdesk.access import is_visible, reach
from helpdesk.contacts import is_known
from helpdesk.errors import Invalid
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.people import Agent, Contact, Reach
from helpdesk.statements import said
from helpdesk.tickets import Ticket
from helpdesk.tokens import ApiToken
from web.forms import Fields
from web.words import zone

TOKEN = "token"  # noqa: S105 - of the filter: whatever was done by an API token


class Filter(Fields):
    """What is looked for; empty: everything."""

    actor: str = ""  # agent-7, or a kind of actor
    kind: str = ""
    about: str = ""  # team, or team-3
    number: str = ""
    since: str = ""
    until: str = ""

    @property
    def query(self) -> str:
        given = {
            name: value for name, value in msgspec.structs.asdict(self).items() if value and name != "csrf"
        }
        return urlencode(given)


def wanted(chosen: Filter, agent: Agent) -> Select[Any]:
    """The rows, as far as this agent's role reaches. Raises Invalid naming the field."""
    query = (
        select(
            Event.id,
            Event.created_at,
            Event.kind,
            Event.actor,
            Event.actor_id,
            Event.token_id,
            Event.about,
            Event.about_id,
            Event.data,
            Ticket.number,
            Agent.name.label("agent"),
            Contact.name.label("contact"),
            ApiToken.name.label("token_name"),
        )
        .outerjoin(Ticket, Ticket.id == Event.ticket_id)
        .outerjoin(Agent, (Event.actor == ActorKind.agent) & (Agent.id == Event.actor_id))
        .outerjoin(Contact, _wrote(agent))
        .outerjoin(ApiToken, ApiToken.id == Event.token_id)
    )
    if reach(agent) is not Reach.all:
        query = query.where(or_(Event.ticket_id.is_(None), is_visible(agent)))
    return query.where(*_conditions(chosen, zone(agent.time_zone)))


def _wrote(agent: Agent) -> ColumnElement[bool]:
    """A customer's name is for who may know of the customer."""
    return (Event.actor == ActorKind.contact) & (Contact.id == Event.actor_id) & is_known(agent)


def _conditions(chosen: Filter, where: tzinfo) -> list[Any]:
    conditions: list[Any] = []
    if chosen.actor.startswith("agent-") and chosen.actor[6:].isascii() and chosen.actor[6:].isdigit():
        conditions += [Event.actor == said(ActorKind.agent), Event.actor_id == int(chosen.actor[6:][:18])]
    elif chosen.actor == TOKEN:
        conditions.append(Event.token_id.is_not(None))
    elif chosen.actor:
        conditions.append(Event.actor == said(_one_of(ActorKind, chosen.actor)))
    if chosen.kind:
        conditions.append(Event.kind == said(_one_of(Kind, chosen.kind)))
    if chosen.about == "security":
        conditions += [Event.ticket_id.is_(None), Event.kind.in_(audit.SEALED)]
    elif chosen.about:
        table, number = of_object(chosen.about)
        conditions.append(Event.about == table)
        conditions += [Event.about_id == number] if number is not None else []
    digits = "".join(c for c in chosen.number if c.isascii() and c.isdigit())[:18]
    if chosen.number:
        conditions.append(Ticket.number == (int(digits) if digits else 0))
    if chosen.since:
        conditions.append(Event.created_at >= _day(chosen.since, where))
    if chosen.until:
        conditions.append(Event.created_at < _day(chosen.until, where, days=1))
    return conditions


def _one_of(kind: Any, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise Invalid(gettext("The audit knows no %(value)s.") % {"value": value[:40]}) from None


def _day(text: str, where: tzinfo, days: int = 0) -> datetime:
    """As the reader's clock has it, like the times that are shown."""
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=days), time(), where)
    except (ValueError, OverflowError):
        raise Invalid(gettext("A day is written as 2026-11-30.")) from None


def of_object(about: str) -> tuple[str, int | None]:
    """`team-3` is the team number 3, `team` any."""
    table, dash, number = about.partition("-")
    if dash and number.isascii() and number.isdecimal():
        return table, int(number[:18])
    return about, None
