"""A run: from its beginning, from where it was interrupted, or dry; and taking it back.

Every batch is one transaction with what it wrote, what the ledger notes of it, and the report so far. Who is
killed loses the batch that was under way; the next start finds what is known and goes on behind it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from helpdesk.clock import now
from helpdesk.database import libpq_url
from helpdesk.errors import Conflict, HelpdeskError
from helpdesk.fields import CustomField, Subject
from helpdesk.imports.ledger import Ledger
from helpdesk.imports.places import Place, shelf
from helpdesk.imports.records import Broken, Ticket, field_key
from helpdesk.imports.reports import Report
from helpdesk.imports.stores import Store
from helpdesk.imports.vendors import Vendor, get
from helpdesk.imports.writing import Writer
from helpdesk.values import FieldKind

PEOPLE, TICKETS = 1000, 200  # of one batch
Progress = Callable[[Report], None]
T = TypeVar("T")


def run(
    database_url: str,
    files: Path,
    run_id: int,
    folder: Path,
    *,
    progress: Progress = lambda report: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Report:
    """Blocks. The run's row tells vendor, source, inbox and whether it is dry."""
    with psycopg.connect(libpq_url(database_url), options="-c timezone=UTC") as connection:
        told = _row(connection, run_id)
        with _alone(connection, told["source"]):
            running = Running(connection, files, told, Place(folder), progress, stopped)
            try:
                return running.run()
            except HelpdeskError as error:
                connection.rollback()
                running.end("failed", str(error))
                raise


class Running:
    def __init__(
        self,
        connection: psycopg.Connection[Any],
        files: Path,
        told: dict[str, Any],
        place: Place,
        progress: Progress,
        stopped: Callable[[], bool],
    ) -> None:
        self.connection, self.told, self.place = connection, told, place
        self.progress, self.stopped = progress, stopped
        self.dry = bool(told["dry"])
        self.report = Report()
        self.ledger = Ledger(connection, told["source"], told["id"])
        self.store = Store(files, dry=self.dry)
        self.vendor: Vendor = get(told["vendor"])

    def run(self) -> Report:
        self._begin()
        self.report.expected = sum(1 for _ in self.place.rows(*TICKET_FILES))
        fields = self._fields()
        writer = Writer(
            self.connection,
            self.ledger,
            self.report,
            inbox_id=self.told["inbox_id"],
            place=self.place,
            store=self.store,
            fields=fields,
        )
        for companies in _batches(self._good("company", self.vendor.companies(self.place)), PEOPLE):
            self._commit(writer.people.add_companies, companies)
        for people in _batches(self._good("contact", self.vendor.people(self.place)), PEOPLE):
            self._commit(writer.people.add, people)
        with shelf() as children:
            for tickets in _batches(self._good("ticket", self.vendor.tickets(self.place, children)), TICKETS):
                self._tickets(writer, tickets)
                if self.stopped():
                    raise Conflict("The import was stopped. Start it again to go on behind what is done.")
        if self.dry:
            self.connection.rollback()
        self.end("done")
        return self.report

    def _tickets(self, writer: Writer, tickets: list[Ticket]) -> None:
        """A ticket that the database refuses does not take its neighbours along."""
        before = Report.read(self.report.told())
        try:
            self._commit(writer.add, tickets)
        except psycopg.DataError as error:
            self.report.counts, self.report.troubles = before.counts, before.troubles
            if len(tickets) == 1:
                self.report.trouble("ticket", tickets[0].id, str(error))
                return
            for ticket in tickets:
                self._tickets(writer, [ticket])

    def _commit(self, add: Callable[[Any], None], batch: Sequence[T]) -> None:
        """A dry run keeps everything in one transaction that is rolled back, so that it counts as a real one."""
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL helpdesk.silent = 'on'")
                add(batch)
                self.ledger.flush()
                if not self.dry:
                    self._save()
        except BaseException:
            self.ledger.forget()
            raise
        if not self.dry:
            self.connection.commit()
        self.progress(self.report)

    def _good(self, kind: str, rows: Iterable[T | Broken]) -> Iterator[T]:
        for row in rows:
            if isinstance(row, Broken):
                self.report.trouble(kind, row.id, row.why)
            else:
                yield row

    def _fields(self) -> dict[str, CustomField]:
        """Custom fields that the product has and this desk has not; what there is stays as it is."""
        for field in self._good("field", self.vendor.fields(self.place)):
            key = field_key(field.key)
            kind = (
                field.kind
                if field.choices or field.kind not in {FieldKind.choice, FieldKind.choices}
                else FieldKind.text
            )
            made = self.connection.execute(
                "INSERT INTO custom_field (subject, key, name, kind, choices) VALUES ('ticket', %s, %s, %s, %s) "
                "ON CONFLICT DO NOTHING RETURNING id",
                [key, field.name[:50] or key, kind.value, list(field.choices)[:200]],
            ).fetchone()
            if made:
                self.report.of("field").made += 1
                self.ledger.note("field", field.key, made[0], made=True)
            else:
                self.report.of("field").known += 1
        self.ledger.flush()
        if not self.dry:
            self.connection.commit()
        rows = self.connection.execute(
            "SELECT key, name, kind, choices, pattern FROM custom_field WHERE subject = 'ticket'"
        )
        return {
            key: CustomField(
                subject=Subject.ticket,
                key=key,
                name=name,
                kind=FieldKind(kind),
                choices=choices,
                pattern=pattern,
            )
            for key, name, kind, choices, pattern in rows
        }

    def _begin(self) -> None:
        self.connection.execute(
            "UPDATE import_run SET state = 'running', trouble = NULL, started_at = coalesce(started_at, %s), "
            "finished_at = NULL WHERE id = %s",
            [now(), self.told["id"]],
        )
        self.connection.commit()

    def _save(self) -> None:
        self.connection.execute(
            "UPDATE import_run SET report = %s WHERE id = %s", [Jsonb(self.report.told()), self.told["id"]]
        )

    def end(self, state: str, trouble: str | None = None) -> None:
        self._save()
        self.connection.execute(
            "UPDATE import_run SET state = %s, trouble = %s, finished_at = %s, sealed_access = NULL WHERE id = %s",
            [state, trouble, now(), self.told["id"]],
        )
        self.connection.commit()


TICKET_FILES = ("tickets", "conversations")


@contextmanager
def _alone(connection: psycopg.Connection[Any], source: str) -> Iterator[None]:
    """One import of a source at a time; the lock ends with the connection."""
    key = f"helpdesk import {source}"
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key]).fetchone()
    connection.commit()
    if not row or not row[0]:
        raise Conflict(f"{source} is being imported by another process.")
    yield


def _row(connection: psycopg.Connection[Any], run_id: int) -> dict[str, Any]:
    with connection.cursor(row_factory=dict_row) as cursor:
        told = cursor.execute("SELECT * FROM import_run WHERE id = %s", [run_id]).fetchone()
    if told is None:
        raise Conflict("There is no such import.")
    return told


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, size)):
        yield batch
