"""The private PostgreSQL against what really happens to it: real servers, real kills, real users."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from helpdesk.embedded import EmbeddedPostgres, binaries
from helpdesk.embedded.account import account
from helpdesk.embedded.binaries import EXTENSIONS
from helpdesk.errors import Misconfigured

REPOSITORY = Path(__file__).parents[2]
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

OWNER = """
import sys, time
from pathlib import Path
from helpdesk.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), fsync=False)
{before}
postgres.start()
print("ready", flush=True)
time.sleep(60)
"""
BECOME_NOBODY = f"import os, psycopg; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
LEND_THE_LIFELINE = """
launch = postgres._launch
def lent(lock):
    import subprocess
    launch(lock)
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.Popen(["sleep", "15"], pass_fds=[postgres._lifeline.fileno()], **quiet)
postgres._launch = lent
"""


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder that the server's user can reach; pytest's own are closed to everybody but root."""
    memory = Path("/dev/shm")  # noqa: S108 - kills and restarts are the same there, and disks are slow
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    folder = Path(tempfile.mkdtemp(prefix="desk-", dir=memory if roomy else None))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(room: Path) -> Path:
    return room / "home"


@pytest.fixture
def owner(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Another process that owns the server in `home`."""
    started: list[subprocess.Popen[str]] = []

    def start(before: str = "") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER.format(before=before), home],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
        assert eventually(lambda: not desk(home).files.processes())


def desk(home: Path, bin_dir: str = "") -> EmbeddedPostgres:
    return EmbeddedPostgres(home, bin_dir, fsync=False)


def is_ready(process: subprocess.Popen[str]) -> bool:
    assert process.stdout
    assert process.stderr
    return process.stdout.readline() == "ready\n" or pytest.fail(process.stderr.read())


def write_down(postgres: EmbeddedPostgres, word: str) -> None:
    with psycopg.connect(postgres.url("helpdesk_owner")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", [word])


def written(postgres: EmbeddedPostgres) -> list[str]:
    with psycopg.connect(postgres.url("helpdesk_owner")) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM word")]


def postmaster(postgres: EmbeddedPostgres) -> int:
    return int(postgres.files.pid.read_text().split()[0])


def eventually(happened: Callable[[], bool], within: float = 10) -> bool:
    patience = time.monotonic() + within
    while not happened() and time.monotonic() < patience:
        time.sleep(0.01)
    return happened()


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


def test_the_server_ends_when_its_owner_is_killed(
    home: Path, owner: Callable[..., subprocess.Popen[str]]
) -> None:
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


def test_an_orphan_is_ended_before_its_data_is_served_again(
    home: Path, owner: Callable[..., subprocess.Popen[str]]
) -> None:
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
    assert time.monotonic() - began < 5
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


def test_the_second_start_is_refused_naming_the_first(
    home: Path, owner: Callable[..., subprocess.Popen[str]]
) -> None:
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


def test_a_first_start_that_was_killed_halfway_is_begun_anew(
    home: Path, owner: Callable[..., subprocess.Popen[str]]
) -> None:
    process = owner()
    postgres = desk(home)
    assert eventually(lambda: (postgres.files.unfinished / "global").exists())
    process.kill()
    assert not postgres.files.data.exists()
    with postgres:
        write_down(postgres, "kept")
        assert written(postgres) == ["kept"]
    assert not postgres.files.unfinished.exists()


def test_a_path_that_is_too_long_for_a_socket_still_works(room: Path) -> None:
    home = room / ("a-customer-with-a-long-name-" * 4) / "home"
    with desk(home) as postgres:
        assert not postgres.files.sockets.is_relative_to(home)
        assert postgres.files.sockets.stat().st_mode & 0o777 == 0o700
        write_down(postgres, "kept")
    postgres.files.sockets.rmdir()


def test_a_path_with_odd_characters_still_works(room: Path) -> None:
    with desk(room / 'it\'s, "odd" & %d') as postgres:
        write_down(postgres, "kept")
        assert written(postgres) == ["kept"]


@as_root
def test_root_is_told_which_folder_is_closed(room: Path) -> None:
    closed = room / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match=rf"^{closed} is closed to the user .*chmod o\+x {closed}"):
        desk(closed / "home").start()


@as_root
def test_programs_in_a_closed_folder_are_copied_once(room: Path, home: Path) -> None:
    """Such as a virtual environment under root's home."""
    package = binaries.find().folder.parents[1]
    closed = room / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    bin_dir = closed / package.name / binaries.find().folder.relative_to(package)
    with desk(home, str(bin_dir)) as postgres:
        copies = [path.stat().st_ino for path in postgres.files.binaries.rglob("postgres")]
    with desk(home, str(bin_dir)) as again:
        assert [path.stat().st_ino for path in again.files.binaries.rglob("postgres")] == copies
        assert len(copies) == 1


@as_root
def test_an_ordinary_user_runs_the_server_itself(
    room: Path, home: Path, owner: Callable[..., subprocess.Popen[str]]
) -> None:
    room.chmod(0o777)
    programs = binaries.reachable(binaries.find(), account(), copies=room / "binaries")
    process = owner(f"{BECOME_NOBODY}; postgres._bin_dir = {str(programs.folder)!r}")
    assert is_ready(process)
    assert desk(home).files.data.stat().st_uid == NOBODY
    socket = desk(home).files.sockets
    asked: list[str | Path] = [
        programs / "psql",
        "-h",
        socket,
        "-U",
        "helpdesk_app",
        "-tAc",
        "SELECT 1",
        "helpdesk",
    ]
    answer = subprocess.run(asked, user=NOBODY, capture_output=True, text=True, check=False)
    assert answer.stdout == "1\n", answer.stderr
    process.kill()
    assert eventually(lambda: not desk(home).files.processes())
    if account().uid != NOBODY:
        with pytest.raises(Misconfigured, match="belongs to nobody, but a desk of root"):
            desk(home).start()


@as_root
def test_another_user_of_the_machine_gets_no_connection(room: Path, home: Path) -> None:
    """Not even where somebody opened the folder and the socket."""
    programs = binaries.reachable(binaries.find(), account(), copies=room / "binaries")
    with desk(home) as postgres:
        for path in (postgres.files.sockets, *postgres.files.sockets.glob(".s.*[0-9]")):
            path.chmod(0o777)
        asked: list[str | Path] = [
            programs / "psql",
            "-h",
            postgres.files.sockets,
            "-U",
            "postgres",
            "-c",
            "SELECT 1",
        ]
        answer = subprocess.run(asked, user="daemon", capture_output=True, text=True, check=False)
        assert "Peer authentication failed" in answer.stderr


@as_root
def test_a_full_disk_is_called_by_its_name(room: Path) -> None:
    """At the first start before anything is written, and later from the server's own words."""
    disk = room / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=310m", "desk", disk], check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        with desk(disk / "home") as postgres:
            write_down(postgres, "kept")
        with pytest.raises(Misconfigured, match=r"has \d+ MB left, a new database needs"):
            desk(disk / "second").start()
        filler = disk / "filler"
        with suppress(OSError), filler.open("wb") as full:
            while True:
                full.write(b"\0" * 1024**2)
        for home in (disk / "home", disk / "third"):
            with pytest.raises(Misconfigured, match="The disk is full: make room"):
                desk(home).start()
        filler.unlink()
        with desk(disk / "home") as again:
            assert written(again) == ["kept"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    with desk(home) as postgres:
        pass
    (postgres.files.data / "global/pg_control").unlink()
    with pytest.raises(Misconfigured, match=r"(?s)did not start.*postgres\.log.*pg_control"):
        desk(home).start()
    with pytest.raises(Misconfigured, match="did not start"):  # the failure let go of all locks
        desk(home).start()


def test_data_of_another_version_is_left_alone(home: Path) -> None:
    with desk(home) as postgres:
        pass
    (postgres.files.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(Misconfigured, match=r"made by PostgreSQL 14.*HELPDESK_PG_BIN.*pg_dump"):
        desk(home).start()


def test_a_wrong_folder_of_programs_is_named(room: Path, home: Path) -> None:
    with pytest.raises(Misconfigured, match=rf"HELPDESK_PG_BIN is {room}"):
        desk(home, str(room)).start()
    for name in ("postgres", "initdb"):
        (room / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
        (room / name).chmod(0o755)
    with pytest.raises(Misconfigured, match="holds PostgreSQL 15; the desk needs 16"):
        desk(home, str(room)).start()
