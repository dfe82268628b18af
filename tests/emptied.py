"""Databases that tests have used, emptied for the next: most tests would wait longer for a clone than they run."""

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from helpdesk.embedded.server import SUPERUSER
from tests.cluster import Cluster

Superuser = Connection[TupleRow]

STRUCTURE = """
SELECT md5(concat(
    (SELECT array_agg((oid, relname, relnatts, reloptions, relacl) ORDER BY oid)
     FROM pg_class WHERE relnamespace = 'public'::regnamespace),
    (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
    (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
    (SELECT array_agg((oid, tgenabled) ORDER BY oid) FROM pg_trigger),
    (SELECT array_agg((oid, cfgname) ORDER BY oid) FROM pg_ts_config),
    (SELECT array_agg((setrole, setconfig)) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE datname = current_database())))
"""
TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY oid
"""
COUNT_ANEW = """
SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
FROM pg_sequences WHERE last_value IS NOT NULL
"""
COUNTED = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL"
SEND_AWAY = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Databases:
    """One process's: each is lent to one test at a time."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.free: list[str] = []
        self.structure = ""
        self.born_with: dict[str, bytes] = {}
        self.born_at: dict[str, int] = {}
        """How far identities are counted by what it is born with."""

    def lend(self) -> str:
        if self.free:
            return self.free.pop()
        name = self.cluster.clone()
        if not self.structure:
            with self._superuser(name) as connection:
                self.structure = _structure(connection)
                tables = [table for (table,) in connection.execute(TABLES)]
                self.born_at = dict(connection.execute(COUNTED).fetchall())
                self.born_with = {table: rows for table in tables if (rows := _rows(connection, table))}
        return name

    def take_back(self, name: str) -> None:
        """Whoever is still connected to it is sent away; what was changed in its structure is not mended."""
        with self._superuser(name) as connection:
            connection.execute(SEND_AWAY)
            same = _structure(connection) == self.structure
            if same:
                self._empty(connection)
        if same:
            self.free.append(name)
        else:
            self.cluster.drop(name)

    def close(self) -> None:
        while self.free:
            self.cluster.drop(self.free.pop())

    def _superuser(self, name: str) -> Superuser:
        return psycopg.connect(self.cluster.url(name, SUPERUSER), autocommit=True)

    def _empty(self, connection: Superuser) -> None:
        """Rows, the room they took, and how far identities were counted."""
        connection.execute("SET session_replication_role = replica")
        tables = [table for (table,) in connection.execute(TABLES)]
        asked = [SQL("(SELECT {} FROM {} LIMIT 1)").format(table, Identifier(table)) for table in tables]
        filled = {table for (table,) in connection.execute(SQL(" UNION ALL ").join(asked))}
        changed = [
            table
            for table in filled | self.born_with.keys()
            if table not in self.born_with or _rows(connection, table) != self.born_with[table]
        ]
        for table in changed:
            connection.execute(SQL("DELETE FROM {}").format(Identifier(table)))
        if changed:
            names = SQL(", ").join(map(Identifier, changed))
            connection.execute(
                SQL("VACUUM (TRUNCATE, INDEX_CLEANUP ON, SKIP_DATABASE_STATS) {}").format(names)
            )
        connection.execute(COUNT_ANEW)
        for sequence, reached in self.born_at.items():
            connection.execute("SELECT setval(%s::regclass, %s)", [sequence, reached])
        for table in self.born_with.keys() & set(changed):
            with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(Identifier(table))) as copy:
                copy.write(self.born_with[table])


def _structure(connection: Superuser) -> str:
    [(told,)] = connection.execute(STRUCTURE)
    return str(told)


def _rows(connection: Superuser, table: str) -> bytes:
    with connection.cursor().copy(SQL("COPY {} TO STDOUT").format(Identifier(table))) as copy:
        return b"".join(copy)
