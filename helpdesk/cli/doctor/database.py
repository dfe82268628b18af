"""The database: there, furnished, of this version, and safe from the application."""

from collections.abc import Iterator

import psycopg
from alembic.script.revision import RevisionError
from psycopg.rows import TupleRow

from helpdesk.cli.doctor.findings import Finding, advice, good, wrong
from helpdesk.cli.migrating import pending
from helpdesk.database import libpq_url
from helpdesk.embedded import AlreadyServed, EmbeddedPostgres, binaries
from helpdesk.embedded.binaries import EXTENSIONS
from helpdesk.embedded.provision import OWNER
from helpdesk.errors import Misconfigured
from helpdesk.settings import Settings

Connection = psycopg.Connection[TupleRow]


def examine_database(settings: Settings) -> Iterator[Finding]:
    if not settings.embedded:
        yield from examine_server(settings.database_url, settings.owner_database_url)
        return
    server = EmbeddedPostgres(settings.home, settings.pg_bin)
    try:
        if not server.files.data.exists():
            yield not_made_yet(settings.pg_bin)
            return
        with server:
            yield from examine_server(server.url(), server.url(OWNER))
    except AlreadyServed:
        yield from examine_server(server.url(), server.url(OWNER))
    except (Misconfigured, PermissionError) as error:
        yield wrong("database", str(error), "Then run `helpdesk doctor` again.")


def not_made_yet(bin_dir: str) -> Finding:
    try:
        found = binaries.find(bin_dir)
    except Misconfigured as error:
        return wrong("database", str(error), "Then run `helpdesk doctor` again.")
    return advice("database", f"Not made yet; the first start makes one with PostgreSQL {found.version}.")


def examine_server(url: str, owner_url: str = "") -> Iterator[Finding]:
    """`url` is the application's; the owner's may be the only one that can read the migrations' table."""
    try:
        connection = psycopg.connect(libpq_url(url), connect_timeout=5)
    except psycopg.Error as error:
        yield wrong(
            "database",
            f"It cannot be reached: {str(error).strip()}",
            "Check DATABASE_URL (postgresql://user:password@host:5432/name) and that the server is running; "
            "unset it to let the desk run its own.",
        )
        return
    with connection:
        yield reached(connection)
        yield extensions(connection)
        yield schema(owner_url or url)
        yield history(connection)
        yield inboxes(connection)


def inboxes(connection: Connection) -> Finding:
    """What troubles them is written down by the desk that listens to them."""
    if connection.execute("SELECT to_regclass('inbox')").fetchone() == (None,):
        return advice("inboxes", "There are none yet: the tables are not made.", "Run `helpdesk migrate`.")
    rows = connection.execute("SELECT address, trouble FROM inbox WHERE active ORDER BY address").fetchall()
    if not rows:
        return good("inboxes", "None is connected yet; `helpdesk inbox add` connects one.")
    if troubled := [f"{address}: {trouble}" for address, trouble in rows if trouble]:
        return wrong("inboxes", "\n".join(troubled), "`helpdesk inbox check ADDRESS` tries one again.")
    return good("inboxes", f"{', '.join(address for address, _ in rows)}: no trouble is known.")


def reached(connection: Connection) -> Finding:
    info = connection.info
    version, where = (
        info.server_version // 10000,
        f"{info.dbname} on {info.host or 'this machine'} as {info.user}",
    )
    if version < binaries.MINIMUM:
        return wrong(
            "database",
            f"{where} is PostgreSQL {version}.",
            f"The desk needs PostgreSQL {binaries.MINIMUM} or newer: upgrade that server.",
        )
    return good("database", f"{where}, PostgreSQL {version}.")


def extensions(connection: Connection) -> Finding:
    there = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
    missing = [name for name in EXTENSIONS if name not in there]
    if not missing:
        return good("extensions", f"{', '.join(EXTENSIONS)} are there.")
    create = " ".join(f"CREATE EXTENSION {name};" for name in missing)
    return wrong(
        "extensions",
        f"The database lacks {', '.join(missing)}.",
        f"Connect to it as a superuser and run: {create} `vector` comes with the package pgvector.",
    )


def schema(url: str) -> Finding:
    """Of the version that the installed program expects."""
    try:
        steps = pending(url)
    except RevisionError as error:
        return wrong(
            "schema",
            f"The database was made by a newer version of the desk ({error}).",
            "Install that version, or go back with its `helpdesk migrate --to`.",
        )
    if steps:
        return wrong(
            "schema", f"{len(steps)} migration(s) are missing: {', '.join(steps)}.", "Run `helpdesk migrate`."
        )
    return good("schema", "Of this version.")


def history(connection: Connection) -> Finding:
    """The application may add to the history, and never change it."""
    if connection.execute("SELECT to_regclass('event')").fetchone() == (None,):
        return advice("history", "There is none yet: the tables are not made.", "Run `helpdesk migrate`.")
    asked = ("UPDATE", "DELETE", "TRUNCATE")
    row = connection.execute(
        "SELECT " + ", ".join(f"has_table_privilege('event', '{right}')" for right in asked)
    ).fetchone()
    may = [right for right, allowed in zip(asked, row or (), strict=True) if allowed]
    if not may:
        return good("history", "The desk can add events and can neither change nor remove them.")
    return wrong(
        "history",
        f"{connection.info.user}, whom the desk connects as, may {', '.join(may)} events: a fault in the desk "
        "could rewrite its history.",
        "Let the tables belong to helpdesk_owner and connect as helpdesk_app (DATABASE_URL, "
        "HELPDESK_OWNER_DATABASE_URL); docs/docker.md shows how the two roles are made.",
    )
