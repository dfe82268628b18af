"""All contacts that an agent may know of, as CSV, a thousand rows at a time; read back, it is nothing new."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.access import Action
from helpdesk.contact_csv.cells import harmless, joined
from helpdesk.contact_csv.columns import FIELD
from helpdesk.contacts import is_known
from helpdesk.fields import Subject
from helpdesk.people import Agent, Company, Contact, ContactIdentity

BATCH = 1000
PLAIN = ("name", "title", "company")
KINDS = ("email", "phone", "external", "slack", "chat")
REST = ("language", "time_zone", "blocked", "created_at")


async def exported(session: AsyncSession, agent: Agent | None) -> AsyncIterator[bytes]:
    """UTF-8 with a byte order mark, since spreadsheets read it as something else without. None: all contacts."""
    keys = [field.key for field in await fields.load(session, Subject.contact)]
    header = [*PLAIN, *KINDS, *REST, *[f"{FIELD}{key}" for key in keys]]
    yield b"\xef\xbb\xbf" + _written([header])
    found = await session.stream(_query(agent).execution_options(yield_per=BATCH))
    async for rows in found.partitions():
        yield _written([_cells(row, keys) for row in rows])


def _query(agent: Agent | None) -> Select[Any]:
    by_kind = (
        select(
            ContactIdentity.kind,
            func.jsonb_agg(ContactIdentity.value.op("ORDER BY")(ContactIdentity.id)).label("v"),
        )
        .where(ContactIdentity.contact_id == Contact.id)
        .group_by(ContactIdentity.kind)
        .correlate(Contact)
        .subquery()
    )
    identities = select(func.jsonb_object_agg(by_kind.c.kind, by_kind.c.v)).scalar_subquery()
    query = (
        select(
            Contact.name,
            Contact.title,
            Company.name.label("company"),
            identities.label("identities"),
            Contact.language,
            Contact.time_zone,
            Contact.blocked_at,
            Contact.created_at,
            Contact.fields,
        )
        .outerjoin(Company, Company.id == Contact.company_id)
        .where(Contact.merged_into_id.is_(None))
        .order_by(Contact.id)
    )
    return query if agent is None else query.where(is_known(agent, Action.export_contacts), is_known(agent))


def _cells(row: Any, keys: Sequence[str]) -> list[str]:
    known = row.identities or {}
    plain = [row.name, row.title, row.company or "", *(joined(known.get(kind, [])) for kind in KINDS)]
    rest = [row.language, row.time_zone, "yes" if row.blocked_at else "no", row.created_at.isoformat()]
    return [harmless(cell) for cell in [*plain, *rest, *(_cell(row.fields.get(key)) for key in keys)]]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
