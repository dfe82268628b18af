"""The schema goes up, down and up again, and is what the models say."""

from collections.abc import Iterator

import psycopg
import pytest

from helpdesk.cli import migrating
from tests.cluster import Cluster

OURS = """
SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'S', 'v', 'm') AND relname NOT LIKE 'alembic%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')
UNION ALL
SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
WHERE nspname = 'public' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[str]:
    name = cluster.empty()
    yield cluster.url(name, "helpdesk_owner")
    cluster.drop(name)


def made(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute(OURS)}


def test_up_down_and_up_again(owner: str):
    assert migrating.pending(owner)[0] == "0000"
    migrating.upgrade(owner)
    first = made(owner)
    assert {"ticket", "message", "event", "event_dispatch", "kept"} <= first
    assert migrating.pending(owner) == []
    migrating.check(owner)
    migrating.downgrade(owner, "base")
    assert made(owner) == set()
    migrating.upgrade(owner)
    assert made(owner) == first


def test_each_step_alone_goes_back(owner: str):
    for revision in migrating.pending(owner):
        before = made(owner)
        migrating.upgrade(owner, revision)
        migrating.downgrade(owner, "-1")
        assert made(owner) == before, revision
        migrating.upgrade(owner, revision)
