"""What can be told of the containers without an engine to run them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from helpdesk.cli import migrating
from helpdesk.cli.doctor import Verdict
from helpdesk.cli.doctor.database import examine_server
from helpdesk.embedded import binaries
from tests.cluster import Cluster

ROOT = Path(__file__).parent.parent


@pytest.fixture
def bare_server() -> Iterator[Cluster]:
    """A server as the PostgreSQL image starts it: no role or database of ours yet."""
    cluster = Cluster.started()
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE NOT datistemplate"
        ).fetchall():
            if name != "postgres":
                cluster.drop(name)
        connection.execute("DROP ROLE helpdesk_app, helpdesk_owner")
    yield cluster
    cluster.server.stop()
    shutil.rmtree(cluster.home)


def test_the_database_script_makes_what_the_desk_needs(bare_server: Cluster) -> None:
    made = subprocess.run(
        [ROOT / "docker/make-database.sh"],
        env={
            "PATH": f"{binaries.find().folder}:{os.defpath}",
            "PGHOST": str(bare_server.server.files.sockets),
            "POSTGRES_USER": "postgres",
            "OWNER_PASSWORD": "it's the owner's",
            "APP_PASSWORD": "app",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    migrating.upgrade(bare_server.url("helpdesk", "helpdesk_owner"))
    found = list(examine_server(bare_server.url("helpdesk")))
    assert {finding.verdict for finding in found} == {Verdict.good}, found


def test_compose_gives_the_owners_password_to_nobody_but_the_migration() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    services = re.split(r"(?m)^  (?=\w+:$)", compose[compose.index("\nservices:") :])[1:]
    holders = {service.split(":")[0] for service in services if "OWNER_PASSWORD" in service}
    assert holders == {"db", "migrate"}


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "HELPDESK_SECRET"])
def test_every_secret_of_compose_is_made_by_the_command_in_the_docs(name: str) -> None:
    assert f"${{{name}:?" in (ROOT / "docker-compose.yml").read_text()
    assert re.search(rf"for name in [A-Z_ ]*\b{name}\b", (ROOT / "docs/docker.md").read_text())
