"""One private PostgreSQL for a test run, and databases cloned from a migrated template."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from helpdesk.cli import migrating
from helpdesk.embedded import EmbeddedPostgres

TEMPLATE = "template_desk"


class Cluster:
    """Started once by the process that runs the tests; xdist's workers get its folder by name."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = EmbeddedPostgres(home, fsync=False)

    @classmethod
    def started(cls) -> "Cluster":
        home = Path(tempfile.mkdtemp(prefix="helpdesk-tests-"))
        home.chmod(0o755)  # as root, the server runs as somebody else
        cluster = cls(home)
        cluster.server.start()
        cluster.server.create_database(TEMPLATE)
        migrating.upgrade(cluster.url(TEMPLATE, "helpdesk_owner"))
        return cluster

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Cluster"]:
        cluster = cls.started()
        try:
            yield cluster
        finally:
            cluster.end()

    def end(self) -> None:
        """Nothing of it is left."""
        self.server.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database: str, role: str = "helpdesk_app") -> str:
        return self.server.url(role=role, database=database)

    @property
    def postmaster(self) -> int:
        """The server's process, for who measures it."""
        return int(self.server.files.pid.read_text().split()[0])

    def clone(self) -> str:
        """The name of a fresh, migrated, empty database."""
        name = f"test_{uuid4().hex[:12]}"
        self.server.create_database(name, template=TEMPLATE)
        return name

    def empty(self) -> str:
        """The name of a database with extensions and roles, and no tables yet."""
        name = f"test_{uuid4().hex[:12]}"
        self.server.create_database(name)
        return name

    def drop(self, name: str) -> None:
        self.server.drop_database(name)
