"""A server that the desk cannot live on is refused in words, before anything is changed on it."""

from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from helpdesk.cli import migrating
from helpdesk.cli.inboxes import add
from helpdesk.cli.upgrading import upgrade
from helpdesk.database import psycopg_url
from helpdesk.errors import Conflict, Invalid, Misconfigured
from tests.cluster import Cluster
from tests.conftest import SECRET


@pytest.mark.parametrize(
    ("what", "value", "words"),
    [
        ("MINIMUM", 99, r"the desk needs 99 or newer"),
        ("EXTENSIONS", ("vector", "nonesuch"), r"This server has no nonesuch: install the packages"),
    ],
)
def test_an_unfit_server_is_left_as_it_was(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, what: str, value: object, words: str
):
    name = cluster.empty()
    url = cluster.url(name, "helpdesk_owner")
    monkeypatch.setattr(migrating, what, value)
    with pytest.raises(Misconfigured, match=words):
        migrating.upgrade(url)
    engine = create_engine(psycopg_url(url))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('alembic_version')")) is None
    engine.dispose()
    cluster.drop(name)


def test_a_server_that_is_not_there_is_told_without_a_traceback():
    with pytest.raises(Misconfigured, match="cannot be reached"):
        migrating.upgrade("postgresql://desk@127.0.0.1:1/desk")


def test_the_tables_of_a_running_desk_are_not_changed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """An older desk cannot write while they change: it is stopped first."""
    name = cluster.empty()
    monkeypatch.setenv("HELPDESK_HOME", str(tmp_path))
    monkeypatch.setenv("HELPDESK_SECRET", SECRET)
    monkeypatch.setenv("DATABASE_URL", cluster.url(name))
    monkeypatch.setenv("HELPDESK_OWNER_DATABASE_URL", cluster.url(name, "helpdesk_owner"))
    with psycopg.connect(cluster.url(name), application_name="helpdesk"):
        refused = CliRunner().invoke(upgrade)
    assert isinstance(refused.exception, Conflict)
    assert "stop it" in str(refused.exception)
    assert len(migrating.pending(cluster.url(name, "helpdesk_owner"))) > 1
    done = CliRunner().invoke(upgrade)
    assert done.exit_code == 0, done.exception
    assert "Applied 0000" in done.output
    cluster.drop(name)


@pytest.mark.parametrize("address", ["bad address", "support", "support+x@desk.example", "a@b, c@d", "<a@b>"])
def test_an_inbox_without_an_address_is_refused(address: str):
    result = CliRunner().invoke(add, [address, "--channel", "loopback", "--no-check"])
    assert isinstance(result.exception, Invalid)
