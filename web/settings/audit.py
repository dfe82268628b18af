"""The audit: everything that happened, who did it and to what; filtered, and taken along as a file."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Stream
from sqlalchemy import Row, Select, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import audit
from helpdesk.access import Action, is_visible, reach
from helpdesk.contact_csv.cells import harmless
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Contact, CustomRole, Reach, Team
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.audit_words import about_name, kind_name
from web.settings.frame import ThisSettings

Names = Mapping[tuple[str, int], str]
HOME = "/settings/audit"
SHOWN, BATCH = 50, 1_000
SEES = permits(Action.read_audit)
EXPORTS = permits(Action.read_audit, confirmed=True)


class Filter(Fields):
    """What is looked for; empty: everything."""

    actor: str = ""  # agent-7, or a kind of actor
    kind: str = ""
    about: str = ""
    number: str = ""
    since: str = ""
    until: str = ""

    @property
    def query(self) -> str:
        given = {
            name: value for name, value in msgspec.structs.asdict(self).items() if value and name != "csrf"
        }
        return urlencode(given)


class ExportForm(Filter):
    format: Literal["csv", "jsonl"] = "csv"


@dataclass(frozen=True)
class Line:
    id: int
    at: datetime
    who: str
    what: str
    kind: Kind
    about: str
    ticket: int | None
    details: str
    by_token: bool


class Audit(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        actor: FromQuery[str] = "",
        kind: FromQuery[str] = "",
        about: FromQuery[str] = "",
        number: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        before: FromQuery[int | None] = None,
    ) -> Html:
        chosen = Filter(actor=actor, kind=kind, about=about, number=number, since=since, until=until)
        query = wanted(chosen, agent).order_by(Event.id.desc()).limit(SHOWN + 1)
        if before is not None:
            query = query.where(Event.id < before)
        names = await _names(session)
        found = [line(row, names) for row in await session.execute(query)]
        agents = [(number, name) for (table, number), name in names.items() if table == "agent"]
        return await settings(
            "settings/audit/index.html",
            lines=found[:SHOWN],
            more=found[SHOWN - 1].id if len(found) > SHOWN else None,
            chosen=chosen,
            actors=actors(agents),
            kinds=[("", gettext("Everything"))]
            + [(k.value, kind_name(k)) for k in sorted(Kind, key=kind_name)],
            abouts=abouts(),
        )

    @post("/export", opt=EXPORTS)
    async def export(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Stream:
        """Streamed in batches, newest first; that it was taken is an event itself."""
        given = await read(request, ExportForm)
        query = wanted(given, agent)
        session.add(Event(Kind.audit_exported, by=agent, format=given.format, filter=given.query))
        name = f"audit.{given.format}"
        media = "text/csv; charset=utf-8" if given.format == "csv" else "application/jsonl"
        return Stream(
            exported(desk, query, given.format),
            media_type=media,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @get("/seal", opt=SEES)
    async def seal(self, session: Session, settings: ThisSettings) -> Response[Any]:
        """Whether what was sealed is still as it was."""
        return await settings("settings/audit/seal.html", broken=await audit.broken(session))


async def _names(session: AsyncSession) -> Names:
    """What people know by its name, of what events were about; the rest has a number."""
    every = [
        select(literal(t.__tablename__), t.id, t.name.label("name")) for t in (Agent, Team, Inbox, CustomRole)
    ]
    rows = await session.execute(union_all(*every).order_by("name"))
    return {(table, number): name for table, number, name in rows}


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
        )
        .outerjoin(Ticket, Ticket.id == Event.ticket_id)
        .outerjoin(Agent, (Event.actor == ActorKind.agent) & (Agent.id == Event.actor_id))
        .outerjoin(Contact, (Event.actor == ActorKind.contact) & (Contact.id == Event.actor_id))
    )
    if reach(agent) is not Reach.all:
        query = query.where(or_(Event.ticket_id.is_(None), is_visible(agent)))
    return query.where(*_conditions(chosen))


def _conditions(chosen: Filter) -> list[Any]:
    conditions: list[Any] = []
    if chosen.actor.startswith("agent-") and chosen.actor[6:].isascii() and chosen.actor[6:].isdigit():
        conditions += [Event.actor == ActorKind.agent, Event.actor_id == int(chosen.actor[6:][:18])]
    elif chosen.actor:
        conditions.append(Event.actor == _one_of(ActorKind, chosen.actor))
    if chosen.kind:
        conditions.append(Event.kind == _one_of(Kind, chosen.kind))
    if chosen.about == "security":
        conditions += [Event.ticket_id.is_(None), Event.kind.in_(audit.SEALED)]
    elif chosen.about:
        conditions.append(Event.about == chosen.about)
    digits = "".join(c for c in chosen.number if c.isascii() and c.isdigit())[:18]
    if chosen.number:
        conditions.append(Ticket.number == (int(digits) if digits else 0))
    if chosen.since:
        conditions.append(Event.created_at >= _day(chosen.since))
    if chosen.until:
        conditions.append(Event.created_at < _day(chosen.until) + timedelta(days=1))
    return conditions


def _one_of(kind: Any, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise Invalid(gettext("The audit knows no %(value)s.") % {"value": value[:40]}) from None


def _day(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise Invalid(gettext("A day is written as 2026-11-30.")) from None


def line(row: Row[Any], names: Names) -> Line:
    return Line(
        row.id,
        row.created_at,
        who(row),
        kind_name(row.kind),
        row.kind,
        about_name(row.about, names.get((row.about, row.about_id), row.about_id)),
        row.number,
        ", ".join(f"{key}: {_short(value)}" for key, value in row.data.items()),
        row.token_id is not None,
    )


def who(row: Row[Any]) -> str:
    match row.actor:
        case ActorKind.agent:
            return str(row.agent or gettext("A former colleague"))
        case ActorKind.contact:
            return str(row.contact or gettext("A contact"))
        case ActorKind.assistant:
            return gettext("The assistant")
        case ActorKind.rule:
            return gettext("A rule")
    return gettext("The desk")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else text[:119] + "…"


def actors(agents: list[tuple[int, str]]) -> list[tuple[str, str]]:
    return [
        ("", gettext("Anybody")),
        ("desk", gettext("The desk")),
        ("assistant", gettext("The assistant")),
        ("rule", gettext("Rules")),
        ("contact", gettext("Customers")),
        *((f"agent-{number}", name) for number, name in agents),
    ]


def abouts() -> list[tuple[str, str]]:
    tables = ("agent", "invitation", "custom_role", "team", "inbox", "contact", "company", "webhook")
    return [
        ("", gettext("Everything")),
        ("security", gettext("Sign-ins, rights and settings")),
        *((table, about_name(table, None)) for table in tables),
    ]


async def exported(desk: Desk, query: Select[Any], form: str) -> AsyncIterator[bytes]:
    """A batch at a time, each with a connection of its own: a slow reader holds none."""
    last: int | None = None
    if form == "csv":
        yield _csv(["id", "at", "actor", "who", "kind", "ticket", "about", "about_id", "token", "data"])
    while True:
        part = query.order_by(Event.id.desc()).limit(BATCH)
        async with desk.sessions() as session:
            rows = await _batch(session, part if last is None else part.where(Event.id < last))
        if rows:
            yield b"".join(_record(row, form) for row in rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].id


async def _batch(session: AsyncSession, query: Select[Any]) -> list[Row[Any]]:
    return list((await session.execute(query)).all())


def _record(row: Row[Any], form: str) -> bytes:
    values = {
        "id": row.id,
        "at": row.created_at.isoformat(),
        "actor": row.actor.value,
        "who": who(row),
        "kind": row.kind.value,
        "ticket": row.number,
        "about": row.about,
        "about_id": row.about_id,
        "token": row.token_id,
        "data": row.data,
    }
    if form == "jsonl":
        return msgspec.json.encode(values) + b"\n"
    values["data"] = msgspec.json.encode(row.data).decode()
    return _csv([harmless("" if value is None else str(value)) for value in values.values()])


def _csv(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()
