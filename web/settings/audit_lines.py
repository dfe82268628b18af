"""Lines of the audit in words, for the page and for files."""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.contact_csv.cells import harmless
from helpdesk.desk import Desk
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.people import Agent
from web.settings.audit_details import details
from web.settings.audit_names import Names
from web.settings.audit_words import about_name, kind_name

BATCH = 1_000
COLUMNS = ["id", "at", "actor", "who", "token", "kind", "what", "details"]
COLUMNS += ["ticket", "about", "about_id", "about_name", "data"]


@dataclass(frozen=True)
class Line:
    id: int
    at: datetime
    exactly: str
    who: str
    what: str
    kind: Kind
    about: str
    about_filter: str
    """What the filter `about` says for exactly this object."""
    actor_filter: str
    ticket: int | None
    details: list[str]
    raw: str
    token: str
    """The API token by which it was done; empty in person."""


def line(row: Row[Any], names: Names) -> Line:
    return Line(
        row.id,
        row.created_at,
        names.exactly(row.created_at),
        who(row),
        kind_name(row.kind),
        row.kind,
        about_name(row.about, names.rows.get((row.about, row.about_id), row.about_id)),
        f"{row.about}-{row.about_id}" if row.about_id else "",
        f"agent-{row.actor_id}" if row.actor is ActorKind.agent else row.actor.value,
        row.number,
        details(row, names),
        msgspec.json.encode(row.data).decode() if row.data else "",
        _token(row),
    )


def _token(row: Row[Any]) -> str:
    if row.token_id is None:
        return ""
    return str(row.token_name or gettext("API token"))


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


async def exported(
    desk: Desk, query: Select[Any], form: str, agent: Agent, names: Names
) -> AsyncIterator[bytes]:
    """What the page shows, in the same words, with the data as it is beside them.

    A batch at a time, each with a connection of its own: a slow reader holds none.
    """
    last: int | None = None
    if form == "csv":
        yield _csv(COLUMNS)
    while True:
        part = query.order_by(Event.id.desc()).limit(BATCH)
        async with desk.sessions() as session:
            rows = await batch(session, part if last is None else part.where(Event.id < last))
            await names.learn(session, agent, rows)
        if rows:
            yield b"".join(_record(row, form, names) for row in rows)
        if len(rows) < BATCH:
            return
        last = rows[-1].id


async def batch(session: AsyncSession, query: Select[Any]) -> list[Row[Any]]:
    return list((await session.execute(query)).all())


def _record(row: Row[Any], form: str, names: Names) -> bytes:
    shown = line(row, names)
    values = {
        "id": row.id,
        "at": row.created_at.isoformat(),
        "actor": row.actor.value,
        "who": shown.who,
        "token": shown.token or None,
        "kind": row.kind.value,
        "what": shown.what,
        "details": "; ".join(shown.details),
        "ticket": row.number,
        "about": row.about,
        "about_id": row.about_id,
        "about_name": shown.about or None,
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
