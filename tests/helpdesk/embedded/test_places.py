"""The private PostgreSQL in other places and under other users, and what it says where it cannot run."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from helpdesk.embedded import binaries
from helpdesk.embedded.account import account
from helpdesk.errors import Misconfigured
from tests.helpdesk.embedded.servers import StartOwner, desk, eventually, is_ready, write_down, written

NOBODY = 65534
BECOME_NOBODY = f"import os, psycopg; os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


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
def test_an_ordinary_user_runs_the_server_itself(room: Path, home: Path, owner: StartOwner) -> None:
    room.chmod(0o777)
    programs = binaries.reachable(binaries.find(), account(), copies=room / "binaries")
    process = owner(f"{BECOME_NOBODY}; postgres.bin_dir = {str(programs.folder)!r}")
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
    with pytest.raises(Misconfigured, match=r"made by PostgreSQL 14.*helpdesk upgrade.*HELPDESK_PG_BIN"):
        desk(home).start()


def test_a_wrong_folder_of_programs_is_named(room: Path, home: Path) -> None:
    with pytest.raises(Misconfigured, match=rf"HELPDESK_PG_BIN is {room}"):
        desk(home, str(room)).start()
    for name in ("postgres", "initdb"):
        (room / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
        (room / name).chmod(0o755)
    with pytest.raises(Misconfigured, match="holds PostgreSQL 15; the desk needs 16"):
        desk(home, str(room)).start()
