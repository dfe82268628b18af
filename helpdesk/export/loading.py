"""An archive → an empty desk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from helpdesk.database import libpq_url
from helpdesk.errors import Conflict, Invalid
from helpdesk.export import archive, stored, tables
from helpdesk.export.writing import FORMAT, Progress, revision
from helpdesk.i18n import _

HELD = ("agent", "inbox", "contact", "ticket", "article")
"""A desk in which all of these are empty is new, whatever its migrations brought along."""
BATCH = 4 << 20  # bytes of lines that are inserted at once
LOCK = 0x68656C71

FOREIGN_KEYS = """
SELECT r.relname, conname, pg_get_constraintdef(c.oid)
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
JOIN pg_namespace n ON n.oid = c.connamespace AND n.nspname = current_schema()
WHERE contype = 'f' AND r.relname NOT LIKE 'procrastinate%' ORDER BY 1, 2
"""
UNSENT = """
INSERT INTO event_dispatch (event_id)
SELECT max(e.id) FROM message m JOIN event e ON e.message_id = m.id
  AND e.kind IN ('replied', 'reply_retried', 'reply_scheduled', 'forwarded')
WHERE m.delivery IN ('queued', 'sending', 'scheduled') GROUP BY m.id
"""


@dataclass(frozen=True)
class Imported:
    rows: int
    files: int
    with_secrets: bool
    unsent: int
    """Replies that waited to leave, and that this desk will send."""


class NotEmpty(Conflict):
    message = _("This desk is not empty.")


def load(
    owner_url: str,
    files: Path,
    source: Path,
    *,
    progress: Progress = lambda table, rows: None,
) -> Imported:
    """All of an export, or nothing of it. Blocks; `owner_url` is the role's that owns the tables.

    Foreign keys are taken away while rows come in and added again at the end, which checks all of them at
    once; nobody else sees any of that, since it is one transaction. Files are stored before it is committed:
    who is interrupted leaves files that nothing names, and the next attempt uses them.
    """
    with psycopg.connect(libpq_url(owner_url), options="-c timezone=UTC -c jit=off") as connection:
        return _Loading(connection, files, progress).run(source)


class _Loading:
    def __init__(self, connection: psycopg.Connection[Any], files: Path, progress: Progress) -> None:
        self.connection, self.files, self.progress = connection, files, progress

    def run(self, source: Path) -> Imported:
        incoming = archive.parts(source)
        manifest = archive.manifest(next(incoming, None), source)
        self.connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        known = self._checked(manifest, source)
        refuse_full(self.connection)
        self._open(known)
        rows, count = self._all(incoming, manifest, known)
        self._close(known)
        self._set_counters(manifest["sequences"])
        unsent = self.connection.execute(UNSENT).rowcount
        return Imported(rows, count, bool(manifest["secrets"]), unsent)

    def _checked(self, manifest: dict[str, Any], source: Path) -> dict[str, tables.Table]:
        if manifest.get("format") != FORMAT or "tables" not in manifest:
            raise Invalid(f"{source} was written in a format that this version does not know.")
        ours = revision(self.connection)
        if (theirs := manifest.get("revision")) != ours:
            raise Conflict(
                f"{source} was written by a desk at revision {theirs} (version {manifest.get('version')}), and this "
                f"one is at {ours}: bring both to the same version, `helpdesk upgrade`, and export again."
            )
        known = {table.name: table for table in tables.all_of(self.connection)}
        for name, told in manifest["tables"].items():
            if name not in known or told["columns"] != [column.name for column in known[name].columns]:
                raise Invalid(f"{source} holds a table {name} that is not this desk's.")
        return known

    def _open(self, known: dict[str, tables.Table]) -> None:
        self.keys = self.connection.execute(FOREIGN_KEYS).fetchall()
        for table, key, _definition in self.keys:
            self.connection.execute(
                SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(Identifier(table), Identifier(key))
            )
        for name in known:
            self.connection.execute(SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(Identifier(name)))
        names = SQL(", ").join([Identifier(name) for name in known])
        self.connection.execute(
            SQL("TRUNCATE {}").format(names)
        )  # what the migrations brought is in the export, too

    def _close(self, known: dict[str, tables.Table]) -> None:
        for name in known:
            self.connection.execute(SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(Identifier(name)))
        for table, key, definition in self.keys:
            try:
                self.connection.execute(
                    SQL("ALTER TABLE {} ADD CONSTRAINT {} " + definition).format(
                        Identifier(table), Identifier(key)
                    )
                )
            except psycopg.errors.ForeignKeyViolation as error:
                raise Invalid(f"This export contradicts itself: {error.diag.message_detail}") from error

    def _all(
        self, incoming: Iterator[archive.Part], manifest: dict[str, Any], known: dict[str, tables.Table]
    ) -> tuple[int, int]:
        told = manifest["tables"]
        rows = count = 0
        seen = set()
        for part in incoming:
            if part.name.startswith("tables/"):
                name = part.name.removeprefix("tables/").removesuffix(".jsonl")
                if name not in told or name in seen:
                    raise Invalid(f"The manifest says nothing of a table {name}, or it is there twice.")
                rows += self._rows(part, known[name])
                _compare(part, told[name])
                seen.add(name)
            elif part.name == "files.jsonl":
                sum(1 for _ in part.chunks())
                _compare(part, manifest["files"])
            elif part.name.startswith("files/"):
                stored.take(part, self.files)
                count += 1
        if missing := sorted(set(told) - seen):
            raise Invalid(f"This export lacks {', '.join(missing)}: it was not copied whole.")
        if count > manifest["files"]["count"]:
            raise Invalid("This export has more files than its manifest says.")
        return rows, count

    def _rows(self, part: archive.Part, table: tables.Table) -> int:
        insert, rows = table.inserted(), 0
        try:
            for batch in _batches(part):
                self.connection.execute(insert, [batch], prepare=False)
                rows += len(batch)
                self.progress(table.name, rows)
        except psycopg.DataError as error:
            raise Invalid(f"A row of {table.name} cannot be read: {error}") from error
        except psycopg.IntegrityError as error:
            raise Invalid(
                f"A row of {table.name} contradicts another: {error.diag.message_detail}"
            ) from error
        return rows

    def _set_counters(self, stand: dict[str, list[Any]]) -> None:
        ours = set(tables.sequences(self.connection))
        for name, (value, is_called) in stand.items():
            if name in ours:
                self.connection.execute("SELECT setval(%s::regclass, %s, %s)", [name, value, is_called])


def refuse_full(connection: psycopg.Connection[Any]) -> None:
    for table in HELD:
        if connection.execute(SQL("SELECT 1 FROM {} LIMIT 1").format(Identifier(table))).fetchone():
            raise NotEmpty(
                f"This desk is not empty: it has rows in {table}. An import makes a whole desk; set HELPDESK_HOME "
                "or DATABASE_URL to a new one. (`helpdesk imports` adds tickets of another product to this one.)"
            )


def _batches(part: archive.Part) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for line in part.lines():
        batch.append(line.decode())
        size += len(line)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compare(part: archive.Part, told: dict[str, Any]) -> None:
    if part.digest != told["sha256"]:
        raise Invalid(f"{part.name} is damaged: its checksum is not the manifest's. Nothing was imported.")
