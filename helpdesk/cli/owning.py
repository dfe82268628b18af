"""A desk's database as the role that owns the tables, for whoever changes all of it at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from helpdesk import logs
from helpdesk.cli import migrating
from helpdesk.cli.running import OWNER, refuse_old_schema
from helpdesk.embedded import AlreadyServed, EmbeddedPostgres
from helpdesk.errors import Conflict
from helpdesk.settings import Settings

CONNECTED = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'helpdesk'
"""


@contextmanager
def owned(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """Yields the owner's URL, migrated, and the private server where there is one.

    Raises Conflict where a desk is running on it: pages and workers must not see half of a change.
    """
    logs.configure(settings)
    if settings.embedded:
        with stopped(settings) as server:
            migrating.upgrade(server.url(role=OWNER))
            yield server.url(role=OWNER), server
        return
    refuse_old_schema(settings.database_url)
    yield settings.owner_database_url or settings.database_url, None


@contextmanager
def stopped(settings: Settings) -> Iterator[EmbeddedPostgres]:
    try:
        with EmbeddedPostgres(settings.home, settings.pg_bin) as server:
            yield server
    except AlreadyServed as error:
        raise Conflict(f"{error} For this the desk has to be stopped.") from None


def refuse_running(url: str) -> None:
    """The same for a server of one's own: who is connected there as a desk is one."""
    with psycopg.connect(url) as connection:
        [(connected,)] = connection.execute(CONNECTED).fetchall()
    if connected:
        raise Conflict(
            f"A desk is running on this database ({connected} connections): stop it, then run this again. "
            "An older version cannot write while columns get other names."
        )
