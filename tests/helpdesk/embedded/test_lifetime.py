"""The private PostgreSQL against what really happens to it: real servers, real kills."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from helpdesk.embedded.account import account
from helpdesk.embedded.binaries import EXTENSIONS
from helpdesk.errors import Misconfigured
from tests.helpdesk.embedded.servers import (
    StartOwner,
    desk,
    eventually,
    is_ready,
    postmaster,
    write_down,
    written,
)

LEND_THE_LIFELINE = """
launch = postgres._launch
def lent(lock):
    import subprocess
    launch(lock)
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.Popen(["sleep", "15"], pass_fds=[postgres._lifeline.fileno()], **quiet)
postgres._launch = lent
"""


def test_the_first_start_makes_what_the_desk_needs(home: Path) -> None:
    with desk(home) as postgres, psycopg.connect(postgres.url()) as connection:
        extensions = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
        assert extensions >= set(EXTENSIONS)
        assert connection.execute("SELECT current_setting('listen_addresses')").fetchone() == ("",)
        who = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert who.fetchone() == ("helpdesk_app", False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id int)")


def test_the_owner_owns_the_tables_but_not_the_server(home: Path) -> None:
    with desk(home) as postgres, psycopg.connect(postgres.url("helpdesk_owner")) as connection:
        connection.execute("CREATE SCHEMA jobs; CREATE TABLE ticket (subject text)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE EXTENSION file_fdw")


def test_data_and_url_outlive_a_restart(home: Path) -> None:
    with desk(home) as postgres:
        write_down(postgres, "kept")
    with desk(home) as again:
        assert again.url() == postgres.url()
        assert written(again) == ["kept"]


def test_a_database_can_be_cloned_and_dropped_while_somebody_uses_it(home: Path) -> None:
    with desk(home) as postgres:
        write_down(postgres, "kept")
        url = postgres.create_database("worker 1", template="helpdesk")
        user = psycopg.connect(url)
        assert user.execute("SELECT to_regclass('word')::text").fetchone() == ("word",)
        postgres.drop_database("worker 1")
        user.close()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_the_server_ends_when_its_owner_is_killed(home: Path, owner: StartOwner) -> None:
    """kill -9 leaves the owner no time to clean up; the server shuts down and nothing is lost."""
    process = owner()
    assert is_ready(process)
    postgres = desk(home)
    write_down(postgres, "kept")
    process.kill()
    assert eventually(lambda: not postgres.files.processes())
    assert "received fast shutdown request" in postgres.files.log.read_text()
    with postgres:
        assert written(postgres) == ["kept"]


def test_an_orphan_is_ended_before_its_data_is_served_again(home: Path, owner: StartOwner) -> None:
    """The owner is gone, but something else it started still holds the server's lifeline."""
    process = owner(LEND_THE_LIFELINE)
    assert is_ready(process)
    postgres = desk(home)
    write_down(postgres, "kept")
    orphan = postmaster(postgres)
    process.kill()
    process.wait()
    time.sleep(0.5)
    assert orphan in postgres.files.processes()
    with postgres:
        assert orphan not in postgres.files.processes()
        assert written(postgres) == ["kept"]


async def test_the_owner_learns_that_the_server_was_killed_and_can_start_it_again(home: Path) -> None:
    with desk(home) as postgres:
        watching = asyncio.create_task(postgres.watch())
        write_down(postgres, "kept")
        os.kill(postmaster(postgres), signal.SIGKILL)
        with pytest.raises(Misconfigured, match="ended while the desk was running"):
            await asyncio.wait_for(watching, 5)
        assert not postgres.is_running
        postgres.start()
        assert written(postgres) == ["kept"]


async def test_watching_ends_quietly_when_the_desk_stops_its_server(home: Path) -> None:
    postgres = desk(home).start()
    watching = asyncio.create_task(postgres.watch())
    await asyncio.sleep(0)
    postgres.stop()
    await asyncio.wait_for(watching, 5)


def test_a_busy_connection_that_outlived_the_killed_server_does_not_hinder_the_next(home: Path) -> None:
    """A backend in the middle of a query does not notice that its postmaster is gone."""
    with desk(home) as postgres:
        busy = psycopg.connect(postgres.url())
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        time.sleep(0.2)
        os.kill(postmaster(postgres), signal.SIGKILL)
        assert eventually(lambda: not postgres.is_running)
        time.sleep(0.2)
        assert busy.info.backend_pid in postgres.files.processes()
        postgres.start()
        assert busy.info.backend_pid not in postgres.files.processes()
        with psycopg.connect(postgres.url()) as fresh:
            assert fresh.execute("SELECT 1").fetchone() == (1,)
        busy.close()


def test_stopping_does_not_wait_for_open_transactions(home: Path) -> None:
    postgres = desk(home).start()
    connection = psycopg.connect(postgres.url())
    connection.execute("SELECT 1")
    began = time.monotonic()
    postgres.stop()
    assert time.monotonic() - began < 15  # one that waits would wait for ever
    assert not postgres.files.processes()
    connection.close()


@pytest.mark.parametrize("whose", ["nobody's", "another program's"])
def test_a_stale_pid_file_is_seen_through(home: Path, whose: str) -> None:
    """After a crash of the machine the number in postmaster.pid may be that of any other program, even one
    of the same user; PostgreSQL alone would then refuse to start."""
    with desk(home) as postgres:
        lines = postgres.files.pid.read_text().splitlines()
    other = subprocess.Popen(["sleep", "60"], **account().as_user())
    if whose == "nobody's":
        other.kill()
        other.wait()
    try:
        postgres.files.pid.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        with desk(home) as again:
            assert postmaster(again) != other.pid
            assert (other.poll() is None) == (whose != "nobody's")
    finally:
        other.kill()
        other.wait()


def test_the_second_start_is_refused_naming_the_first(home: Path, owner: StartOwner) -> None:
    process = owner()
    assert is_ready(process)
    with pytest.raises(Misconfigured, match=rf"already served by another process.*{process.pid}"):
        desk(home).start()
    assert process.poll() is None
    with psycopg.connect(desk(home).url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_runs_is_not_started_twice(home: Path) -> None:
    with desk(home) as postgres:
        with pytest.raises(Misconfigured, match="is running already"):
            postgres.start()
        assert postgres.is_running


def test_a_first_start_that_was_killed_halfway_is_begun_anew(home: Path, owner: StartOwner) -> None:
    process = owner()
    postgres = desk(home)
    assert eventually(lambda: (postgres.files.unfinished / "global").exists())
    process.kill()
    assert not postgres.files.data.exists()
    with postgres:
        write_down(postgres, "kept")
        assert written(postgres) == ["kept"]
    assert not postgres.files.unfinished.exists()
