"""Which thing of the product is which row of ours: what makes an import resumable, repeatable and revertible."""

from collections.abc import Iterable
from typing import Any

import psycopg


class Ledger:
    def __init__(self, connection: psycopg.Connection[Any], source: str, run_id: int) -> None:
        self.connection, self.source, self.run_id = connection, source, run_id
        self._new: list[tuple[str, str, str, int, int, bool]] = []
        self._seen: dict[tuple[str, str], int] = {}

    def known(self, kind: str, ids: Iterable[str]) -> dict[str, int]:
        wanted = set(ids)
        found = {one: self._seen[kind, one] for one in wanted if (kind, one) in self._seen}
        if missing := wanted - set(found):
            rows = self.connection.execute(
                "SELECT source_id, row_id FROM imported WHERE source = %s AND kind = %s AND source_id = ANY(%s)",
                [self.source, kind, list(missing)],
            )
            found |= dict(rows.fetchall())
        return found

    def note(self, kind: str, source_id: str, row: int, *, made: bool) -> None:
        self._seen[kind, source_id] = row
        self._new.append((self.source, kind, source_id, row, self.run_id, made))

    def flush(self) -> None:
        """Before the commit of what it names."""
        if self._new:
            with self.connection.cursor().copy(
                "COPY imported (source, kind, source_id, row_id, run_id, made) FROM STDIN"
            ) as copy:
                for row in self._new:
                    copy.write_row(row)
        self.forget()

    def forget(self) -> None:
        self._new, self._seen = [], {}
