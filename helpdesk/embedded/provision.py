"""The two roles of a desk's database and what only a superuser can give it. May be run again at any time.

`helpdesk_owner` owns the tables and migrates them. `helpdesk_app` is who the desk is while it works: what it
may do with each table is said by the migrations, so that a hole in the application is not one in the history.
"""

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from helpdesk.embedded.binaries import EXTENSIONS

OWNER = "helpdesk_owner"
APP = "helpdesk_app"
DATABASE = "helpdesk"

Superuser = Connection[TupleRow]


def make_roles(superuser: Superuser) -> None:
    for role in (OWNER, APP):
        if not _exists(superuser, SQL("SELECT 1 FROM pg_roles WHERE rolname = %s"), role):
            superuser.execute(SQL("CREATE ROLE {} LOGIN").format(Identifier(role)))


def make_database(superuser: Superuser, name: str, *, template: str | None = None) -> None:
    """Does nothing where it exists; a `template` must have no open connections."""
    if _exists(superuser, SQL("SELECT 1 FROM pg_database WHERE datname = %s"), name):
        return
    made = SQL("CREATE DATABASE {} OWNER {}").format(Identifier(name), Identifier(OWNER))
    superuser.execute(made + SQL(" TEMPLATE {}").format(Identifier(template)) if template else made)
    access = SQL("REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {0} TO {1}")
    superuser.execute(access.format(Identifier(name), Identifier(APP)))


def furnish(superuser: Superuser) -> None:
    """Extensions and the owner's schema, in the database that `superuser` is connected to."""
    for extension in EXTENSIONS:
        superuser.execute(SQL("CREATE EXTENSION IF NOT EXISTS {}").format(Identifier(extension)))
    superuser.execute(SQL("ALTER SCHEMA public OWNER TO {}").format(Identifier(OWNER)))
    superuser.execute(SQL("GRANT USAGE ON SCHEMA public TO {}").format(Identifier(APP)))


def _exists(superuser: Superuser, query: SQL, name: str) -> bool:
    return superuser.execute(query, [name]).fetchone() is not None
