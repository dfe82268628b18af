"""What every test may ask for: a real PostgreSQL, a desk on it, and the words to speak to it.

`session` is rolled back. `desk` commits, on a database of its own, cloned from a migrated template.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import engine
from helpdesk.desk import Desk
from helpdesk.settings import Settings
from tests.cluster import Cluster
from tests.emptied import Databases
from tests.scenes import Scene

CORPORA = Path(__file__).parent.parent.parent / "shared/corpora"
RACES = (Path(__file__).parent / "faults", Path(__file__).parent / "flows")
SECRET = "a secret for tests, nothing else...."


def missing(what: str) -> None:
    """Skip where a person runs the tests, fail where a machine does: a machine must have everything."""
    if os.environ.get("CI") == "true":
        pytest.fail(
            f"{what} is missing, and CI must have it. `bin/setup-tests` installs what can be installed."
        )
    pytest.skip(f"{what} is missing here")


class ClusterForWorkers:
    """With xdist, the process that hands out the tests starts the server and ends it."""

    def __init__(self) -> None:
        self.cluster: Cluster | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        if self.cluster is None:
            self.cluster = Cluster.started()
        node.workerinput["cluster"] = str(self.cluster.home)

    def pytest_unconfigure(self) -> None:
        if self.cluster:
            self.cluster.end()


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ClusterForWorkers(), "cluster")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A second go for stories in a browser, which may race it; on a machine of CI's, which is busy, a third for these,
    and a second for everything but what looks for races itself. The end of the run lists each that needed it, with
    what it said at first: look there for faults that only a busy desk has."""
    busy = os.environ.get("CI") == "true"
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1 + busy))
        elif busy and not any(map(item.path.is_relative_to, RACES)):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if given := getattr(request.config, "workerinput", {}).get("cluster"):
        yield Cluster(Path(given))
        return
    with Cluster.running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shared_database(cluster: Cluster) -> Iterator[str]:
    """One database a worker, for tests that roll back."""
    name = cluster.clone()
    yield name
    cluster.drop(name)


@pytest.fixture
async def session(cluster: Cluster, shared_database: str) -> AsyncIterator[AsyncSession]:
    """A session whose commits are savepoints; everything is rolled back afterwards."""
    made = engine(cluster.url(shared_database), size=1)
    async with made.connect() as connection:
        transaction = await connection.begin()
        async with AsyncSession(
            connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session
        await transaction.rollback()
    await made.dispose()


@pytest.fixture(scope="session")
def databases(cluster: Cluster) -> Iterator[Databases]:
    lent = Databases(cluster)
    yield lent
    lent.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[str]:
    """The URL, as the application's role, of a migrated, empty database that this test has to itself."""
    name = databases.lend()
    yield databases.cluster.url(name)
    databases.take_back(name)


@pytest.fixture
def owner_database(cluster: Cluster, database: str) -> str:
    """The same database as the role that owns its tables."""
    return database.replace("helpdesk_app@", "helpdesk_owner@", 1)


@pytest.fixture
async def desk(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    opened = Desk.open(Settings(home=tmp_path, secret=SECRET, database_url=database))
    yield opened
    await opened.close()


@pytest.fixture
async def scene(desk: Desk) -> Scene:
    """A small company: two teams, three agents, one inbox, a promise, and nobody who has written yet."""
    return await Scene.set(desk)
