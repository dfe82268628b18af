"""A migration that was ended anywhere is run again, and leaves what an undisturbed one leaves."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from helpdesk.cli import migrating
from tests.cluster import Cluster

IN_STEPS = (
    "0007",
    "0008",
    "0009",
    "0012",
    "0013",
    "0014",
    "0015",
    "0017",
    "0018",
    "0020",
    "0024",
    "0026",
    "0027",
    "0030",
    "0035",
    "0039",
    "0044",
    "0046",
    "0047",
    "0050",
    "0052",
    "0053",
    "0054",
)
"""Those that commit on their way; PostgreSQL takes the others back whole."""
KILLS = (1, 2, 3, 5, 8, 13, 21)
"""Before which statements; the later ones are more of the same."""

SCHEMA = """
SELECT format('%s.%s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
              attidentity, pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = attrelid AND d.adnum = attnum
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT format('%s valid: %s', pg_get_indexdef(indexrelid), indisvalid)
FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND probin IS NULL
UNION ALL
SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
UNION ALL
SELECT format('%s %s %s', relname, relacl, reloptions) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
"""
TICKETS = """
INSERT INTO inbox (id, channel, name, address, active, sealed_settings)
VALUES (1, 'email', 'Help', 'help@lumen.example', true, '');
INSERT INTO contact (id, name) VALUES (1, 'Carl');
INSERT INTO ticket (id, subject, status, priority, inbox_id, contact_id, reply_key, has_suggestion, preview,
                    last_message_at)
SELECT id, 'Question', status, 'normal', 1, 1, id::text::bytea, false, '', now()
FROM (VALUES (1, 'new'), (6000, 'waiting'), (12000, 'closed')) AS given (id, status);
"""
"""In three of the steps in which they get their statuses."""
UNPROVEN = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
WAITING = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%CONCURRENTLY%'
"""


class Steps:
    """Databases at a revision, and what each looks like there when nobody was disturbed."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.database = cluster.empty()
        self.url = cluster.url(self.database, "helpdesk_owner")

    def up_to(self, revision: str) -> None:
        migrating.upgrade(self.url, revision)

    @contextmanager
    def copy(self) -> Iterator[str]:
        name = f"{self.database}_copy"
        with psycopg.connect(self.cluster.url("postgres", "postgres"), autocommit=True) as superuser:
            made = SQL("CREATE DATABASE {} OWNER helpdesk_owner TEMPLATE {} STRATEGY FILE_COPY")
            superuser.execute(made.format(Identifier(name), Identifier(self.database)))
        yield self.cluster.url(name, "helpdesk_owner")
        self.cluster.drop(name)


def schema(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return sorted(row[0] for row in connection.execute(SCHEMA))


class Killed:
    """Ends the connection before the n-th statement of those that are each a transaction of their own."""

    def __init__(self, n: int) -> None:
        self.n, self.seen = n, 0

    def __call__(self, connection: Connection, _cursor: Any, statement: str, *_: object) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        if not driver.autocommit or statement.startswith("SELECT"):
            return
        self.seen += 1
        if self.seen == self.n:
            with psycopg.connect(driver.info.dsn, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", [driver.info.backend_pid])


@pytest.fixture
def steps(cluster: Cluster) -> Iterator[Steps]:
    made = Steps(cluster)
    yield made
    cluster.drop(made.database)


@contextmanager
def killed(n: int) -> Iterator[Killed]:
    """Whoever migrates meanwhile is ended before its n-th statement."""
    heard = Killed(n)
    event.listen(Engine, "before_cursor_execute", heard)
    try:
        yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", heard)


def after_kills(steps: Steps, revision: str) -> Iterator[tuple[int, list[str]]]:
    """Before which statement it was ended, and what running it again has made of that."""
    for n in KILLS:
        with steps.copy() as url:
            with killed(n) as heard, suppress(SQLAlchemyError):
                migrating.upgrade(url, revision)
            if heard.seen < n:
                return
            migrating.upgrade(url, revision)
            yield n, schema(url)


def test_a_migration_that_was_killed_anywhere_is_run_again(steps: Steps):
    committing = []
    for revision in migrating.pending(steps.url):
        ended = dict(after_kills(steps, revision)) if revision in IN_STEPS else {}
        with killed(0) as heard:
            steps.up_to(revision)
        if heard.seen:
            committing.append(revision)
        for n, found in ended.items():
            assert found == schema(steps.url), f"{revision}, killed before its statement {n}"
    assert tuple(committing) == IN_STEPS, "a new one that commits on its way joins the list"


def test_an_index_that_was_half_made_is_made_again(steps: Steps):
    """Killed while it waited for somebody's long transaction, which is when PostgreSQL leaves it behind, unusable."""
    steps.up_to("0013")
    with psycopg.connect(steps.url) as reading, ThreadPoolExecutor() as elsewhere:
        reading.execute("LOCK TABLE message IN ROW EXCLUSIVE MODE")
        migrating_now = elsewhere.submit(steps.up_to, "0014")
        kill_who_waits(steps.url)
        with pytest.raises(SQLAlchemyError):
            migrating_now.result()
    assert any("ix_message_copy_of" in each and each.endswith("valid: f") for each in schema(steps.url))
    steps.up_to("0014")
    assert any("ix_message_copy_of" in each and each.endswith("valid: t") for each in schema(steps.url))


def kill_who_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        for _ in range(100):
            if found := other.execute(WAITING).fetchone():
                other.execute("SELECT pg_terminate_backend(%s, 5000)", found)
                return
            time.sleep(0.02)
    pytest.fail("nobody waited")


def test_tickets_get_their_statuses_although_the_first_attempt_stopped_halfway(steps: Steps):
    steps.up_to("0006")
    with psycopg.connect(steps.url) as filling:
        filling.execute(TICKETS)
    with killed(1), suppress(SQLAlchemyError):
        steps.up_to("0007")
    with psycopg.connect(steps.url) as busy:
        busy.execute("SELECT FROM ticket WHERE id = 6000 FOR UPDATE")
        with pytest.raises(OperationalError, match="lock timeout"):
            steps.up_to("0007")
    assert statuses(steps.url) == [(1, "new", 1), (6000, "waiting", None), (12000, "closed", None)]
    steps.up_to("0007")
    assert statuses(steps.url) == [(1, "new", 1), (6000, "waiting", 3), (12000, "closed", 6)]


def statuses(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, category, status_id FROM ticket ORDER BY id").fetchall()


def test_nothing_is_left_unproven(owner_database: str):
    with psycopg.connect(owner_database) as connection:
        assert connection.execute(UNPROVEN).fetchall() == []
