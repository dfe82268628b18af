"""A file's rows in two temporary tables, and what the database finds out about all of them at once.

After `judged` every row is `new`, `changed`, `same` or `bad`, and knows its contact. Nothing is written to the desk's
own tables here, so checking is running without the last step.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.contact_csv import columns
from helpdesk.contact_csv.reading import Line
from helpdesk.errors import HelpdeskError
from helpdesk.fields import Registry
from helpdesk.i18n import gettext

BATCH = 2000
Progress = Callable[[int], Awaitable[None]]

TABLES = """
CREATE TEMPORARY TABLE import_row (line bigint PRIMARY KEY, cells text[], name text, title text, company text,
  language text, time_zone text, blocked boolean, fields jsonb, error text, status text, contact_id bigint)
  ON COMMIT DROP;
CREATE TEMPORARY TABLE import_identity (line bigint, kind text, value text, contact_id bigint) ON COMMIT DROP
"""
ROWS = "COPY import_row (line, cells, name, title, company, language, time_zone, blocked, fields, error) FROM STDIN"
IDENTITIES = "COPY import_identity (line, kind, value) FROM STDIN"

JUDGING = (
    "CREATE INDEX ON import_identity (kind, value)",
    "CREATE INDEX ON import_identity (line)",
    "ANALYZE import_row",
    "ANALYZE import_identity",
    # the same address twice in one file
    """
    UPDATE import_row r SET error = format(:twice_address, i.value, i.first)
    FROM (SELECT line, value, min(line) OVER (PARTITION BY kind, value) AS first FROM import_identity) i
    WHERE i.line = r.line AND i.first < i.line AND r.error IS NULL
    """,
    """
    UPDATE import_identity i SET contact_id = known.contact_id
    FROM contact_identity known WHERE known.kind = i.kind AND known.value = i.value
    """,
    "ANALYZE import_identity",
    """
    UPDATE import_row r SET contact_id = found.contact_id, error = CASE WHEN found.several THEN :two_people END
    FROM (SELECT line, min(contact_id) AS contact_id, min(contact_id) <> max(contact_id) AS several
          FROM import_identity WHERE contact_id IS NOT NULL GROUP BY line) found
    WHERE found.line = r.line AND r.error IS NULL
    """,
    # nobody can be reached who is known by name alone, but a file that the desk wrote has them
    """
    UPDATE import_row r SET contact_id = c.id FROM contact c LEFT JOIN company f ON f.id = c.company_id
    WHERE r.error IS NULL AND r.contact_id IS NULL AND c.merged_into_id IS NULL AND btrim(c.name) = r.name
      AND coalesce(f.name, '') = r.company
      AND NOT EXISTS (SELECT FROM import_identity i WHERE i.line = r.line)
      AND NOT EXISTS (SELECT FROM contact_identity i WHERE i.contact_id = c.id)
    """,
    """
    UPDATE import_row r SET error = :no_address
    WHERE r.error IS NULL AND r.contact_id IS NULL
      AND NOT EXISTS (SELECT FROM import_identity i WHERE i.line = r.line)
    """,
    """
    UPDATE import_row r SET error = format(:twice_person, first)
    FROM (SELECT line, min(line) OVER (PARTITION BY contact_id) AS first FROM import_row
          WHERE contact_id IS NOT NULL AND error IS NULL) twice
    WHERE twice.line = r.line AND first < r.line
    """,
    "UPDATE import_row SET status = 'bad' WHERE error IS NOT NULL",
    "UPDATE import_row SET status = 'new' WHERE error IS NULL AND contact_id IS NULL",
    """
    UPDATE import_row r SET status = 'changed' FROM contact c LEFT JOIN company f ON f.id = c.company_id
    WHERE c.id = r.contact_id AND r.error IS NULL AND (
      (r.name <> '' AND r.name <> btrim(c.name)) OR (r.title <> '' AND r.title <> btrim(c.title))
      OR (r.company <> '' AND r.company IS DISTINCT FROM f.name)
      OR (r.language <> '' AND r.language <> c.language) OR (r.time_zone <> '' AND r.time_zone <> c.time_zone)
      OR (r.blocked IS NOT NULL AND r.blocked <> (c.blocked_at IS NOT NULL)) OR NOT c.fields @> r.fields
      OR EXISTS (SELECT FROM import_identity i WHERE i.line = r.line AND i.contact_id IS NULL))
    """,
    "UPDATE import_row SET status = 'same' WHERE status IS NULL",
    "ANALYZE import_row",  # else what counts companies compares every row with every company
)
COUNTS = """
SELECT count(*) FILTER (WHERE status = 'new') AS new, count(*) FILTER (WHERE status = 'changed') AS changed,
  count(*) FILTER (WHERE status = 'same') AS unchanged, count(*) FILTER (WHERE status = 'bad') AS bad,
  (SELECT count(DISTINCT company) FROM import_row r WHERE status IN ('new', 'changed') AND company <> ''
    AND NOT EXISTS (SELECT FROM company f WHERE f.name = r.company)) AS companies
FROM import_row
"""


async def staged(
    session: AsyncSession, lines: Iterator[Line], mapping: list[str], registry: Registry, progress: Progress
) -> None:
    """Copies the file into the temporary tables, a batch at a time; reading happens beside the event loop."""
    for statement in TABLES.split(";"):
        await session.execute(text(statement))
    raw = await (await session.connection()).get_raw_connection()
    connection: AsyncConnection[Any] = raw.driver_connection  # type: ignore[assignment]
    done = 0
    while batch := await asyncio.to_thread(_batch, lines, mapping, registry):
        await _copied(connection, ROWS, (row for row, _ in batch))
        await _copied(connection, IDENTITIES, (identity for _, found in batch for identity in found))
        done += len(batch)
        await progress(done)


async def judged(session: AsyncSession) -> dict[str, int]:
    """What would come of it: new, changed, unchanged, bad, and companies that would be new."""
    words = {
        "twice_address": gettext("%1$s stands in line %2$s already."),
        "twice_person": gettext("Line %1$s is about the same contact already."),
        "two_people": gettext("Its addresses belong to different contacts. Merge them first."),
        "no_address": gettext(
            "It has no e-mail address, phone number or external id to know the contact by."
        ),
    }
    for statement in JUDGING:
        used = {name: value for name, value in words.items() if f":{name}" in statement}
        await session.execute(text(statement), used)
    counted = (await session.execute(text(COUNTS))).one()
    return dict(counted._mapping)


def _batch(lines: Iterator[Line], mapping: list[str], registry: Registry) -> list[tuple[Any, list[Any]]]:
    return [_row(line, mapping, registry) for line in islice(lines, BATCH)]


def _row(line: Line, mapping: list[str], registry: Registry) -> tuple[Any, list[Any]]:
    person, error = columns.Person(), line.trouble or None
    try:
        if not error:
            person = columns.read(line.cells, mapping, registry)
    except HelpdeskError as wrong:
        error = str(wrong)
    row = (
        line.number,
        line.cells,
        person.name,
        person.title,
        person.company,
        person.language,
        person.time_zone,
        person.blocked,
        msgspec.json.encode(person.fields).decode(),
        error,
    )
    identities = [] if error else [(line.number, kind, value) for kind, value in person.identities]
    return row, identities


async def _copied(connection: AsyncConnection[Any], statement: str, rows: Iterable[Any]) -> None:
    async with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            await copy.write_row(row)
