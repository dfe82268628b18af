"""What was backed up comes back, and what is damaged is refused before anything changes."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from helpdesk import backups
from helpdesk.backups import daily
from helpdesk.backups.clients import Clients, environment
from helpdesk.cli import migrating
from helpdesk.clock import moved
from helpdesk.embedded import EmbeddedPostgres, binaries
from helpdesk.errors import Conflict, HelpdeskError, Invalid, Misconfigured
from helpdesk.messages import Upload
from helpdesk.settings import Settings
from tests.conftest import SECRET
from tests.scenes import Scene, mail

OLD_PROGRAMS = os.environ.get("HELPDESK_TEST_OLD_PG", "")
"""The bin folder of an older PostgreSQL with pgvector 0.7 or newer, to upgrade from for real."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a desk with a server of its own, which the server's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix="helpdesk-backup-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def full(scene: Scene) -> Scene:
    upload = Upload(name="a.txt", content_type="text/plain", content=b"bytes of a file")
    ticket = await scene.receives(mail("Please keep this.", attachments=(upload,)))
    await scene.replies(ticket, "We will.")
    return scene


@pytest.fixture
def saved(full: Scene, tmp_path: Path) -> Path:
    backups.write(full.desk.database_url, full.desk.settings, tmp_path / "saved.tar")
    return tmp_path / "saved.tar"


def command(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """What somebody types, in a process of its own."""
    settings = {"HELPDESK_HOME": str(home), "HELPDESK_SECRET": SECRET, **environ}
    return subprocess.run(
        [Path(sys.executable).with_name("helpdesk"), *words],
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def asked(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_a_backup_comes_back_into_a_new_desk_with_a_server_of_its_own(saved: Path, home: Path):
    """Through the commands that somebody types who has lost everything but the file."""
    told = command(home, "restore", str(saved))
    assert told.returncode == 0, told.stderr
    assert "are back" in told.stdout
    with EmbeddedPostgres(home, fsync=False) as server:
        assert asked(server.url(), "SELECT text FROM message ORDER BY id") == [
            ("Please keep this.",),
            ("We will.",),
        ]
        assert asked(server.url(), "SELECT tableowner FROM pg_tables WHERE tablename = 'ticket'") == [
            ("helpdesk_owner",)
        ]
        assert asked(server.url(), "SELECT nextval('ticket_number') > max(number) FROM ticket") == [(True,)]
        with psycopg.connect(server.url()) as connection:
            connection.execute("INSERT INTO event (kind, actor) VALUES ('signed_in', 'desk')")
            connection.commit()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM event")
        migrating.check(server.url("helpdesk_owner"))
    files = [path for path in (home / "files").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"bytes of a file"]


def test_what_is_there_is_replaced_only_by_force(saved: Path, home: Path):
    assert command(home, "restore", str(saved)).returncode == 0
    with EmbeddedPostgres(home, fsync=False) as server:
        asked(server.url(), "UPDATE agent SET name = 'Changed since' RETURNING id")
    refused = command(home, "restore", str(saved))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert "--force" in refused.stderr
    assert command(home, "restore", "--force", str(saved)).returncode == 0
    with EmbeddedPostgres(home, fsync=False) as server:
        assert asked(server.url(), "SELECT count(*) FROM agent WHERE name = 'Changed since'") == [(0,)]
        names = asked(server.url(), "SELECT datname FROM pg_database WHERE datname LIKE 'helpdesk%'")
        assert names == [("helpdesk",)]


def test_a_running_desk_is_not_restored_into(saved: Path, home: Path):
    with EmbeddedPostgres(home, fsync=False):
        refused = command(home, "restore", str(saved))
    assert refused.returncode == 1
    assert "has to be stopped" in refused.stderr


def test_a_backup_comes_back_into_a_given_server(
    full: Scene, saved: Path, owner_database: str, tmp_path: Path
):
    """In one transaction, in place of what is there."""
    asked(owner_database, "UPDATE agent SET name = 'Changed since' RETURNING id")
    settings = Settings(home=tmp_path / "new", secret=SECRET, database_url=full.desk.database_url)
    with pytest.raises(Conflict, match="--force"):
        backups.restore(saved, settings, owner_database, None)
    done = backups.restore(saved, settings, owner_database, None, force=True)
    assert done.files == 1
    assert asked(full.desk.database_url, "SELECT count(*) FROM agent WHERE name = 'Changed since'") == [(0,)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        asked(full.desk.database_url, "UPDATE event SET kind = 'none' RETURNING id")


@pytest.mark.parametrize("damage", ["dump", "cut", "file", "export", "nothing"])
def test_a_damaged_backup_is_refused_before_anything_changes(
    full: Scene, saved: Path, owner_database: str, tmp_path: Path, damage: str
):
    with tarfile.open(saved) as tar:
        tar.extractall(tmp_path / "open", filter="data")
    source = tmp_path / "open"
    match damage:
        case "dump":
            content = bytearray((source / "database.dump").read_bytes())
            content[len(content) // 2] ^= 1
            (source / "database.dump").write_bytes(content)
        case "cut":
            source = tmp_path / "cut.tar"
            source.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
        case "file":
            next((source / "files").glob("*/*")).write_bytes(b"another")
        case "export":
            (source / "manifest.json").write_text('{"format": 1}')
        case "nothing":
            source = tmp_path / "nowhere"
    settings = Settings(home=tmp_path / "new", secret=SECRET, database_url=full.desk.database_url)
    with pytest.raises(Invalid):
        backups.check(source, tmp_path)
    with pytest.raises(Invalid):
        backups.restore(source, settings, owner_database, None, force=True)
    assert asked(owner_database, "SELECT count(*) FROM message") == [(2,)]
    assert not (tmp_path / "restoring.dump").exists()


def test_a_backup_can_be_tried(full: Scene, saved: Path, tmp_path: Path):
    """`check --restore` brings it back into a server that is thrown away."""
    told = command(tmp_path, "backup", "check", "--restore", str(saved))
    assert told.returncode == 0, told.stderr
    assert "is whole" in told.stdout
    assert "every table has its rows" in told.stdout


def test_the_secret_stays_where_it_is_unless_asked_for(full: Scene, tmp_path: Path):
    """Without it a restored desk says what will not work."""
    settings = full.desk.settings
    backups.write(full.desk.database_url, settings, tmp_path / "without")
    backups.write(full.desk.database_url, settings, tmp_path / "with", with_secret=True)
    assert SECRET not in (tmp_path / "without/manifest.json").read_text()
    assert SECRET in (tmp_path / "with/manifest.json").read_text()
    assert (tmp_path / "with").stat().st_mode & 0o077 == 0
    owner = full.desk.database_url.replace("helpdesk_app@", "helpdesk_owner@")
    elsewhere = Settings(home=tmp_path / "new", database_url=full.desk.database_url)
    told = backups.restore(tmp_path / "without", elsewhere, owner, None, force=True)
    assert "another secret" in told.secret
    told = backups.restore(tmp_path / "with", elsewhere, owner, None, force=True)
    assert "is the backup's again" in told.secret
    assert (tmp_path / "new/secret").read_text() == SECRET
    assert (tmp_path / "new/secret").stat().st_mode & 0o077 == 0
    again = backups.restore(tmp_path / "with", elsewhere, owner, None, force=True)
    assert again.secret == ""


def test_a_password_never_stands_in_a_command_line():
    found = environment("postgresql+psycopg://desk:p%40ss@db.example:6432/helpdesk?sslmode=require")
    assert {name: found[name] for name in found if name.startswith("PG") and name != "PGAPPNAME"} == {
        "PGUSER": "desk",
        "PGPASSWORD": "p@ss",
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGDATABASE": "helpdesk",
        "PGSSLMODE": "require",
    }


def test_programs_that_are_too_old_are_said_to_be_missing():
    with pytest.raises(Misconfigured, match="postgresql-client-99"):
        Clients.fitting(99)


def test_a_dump_that_fails_leaves_nothing_and_says_why(full: Scene, tmp_path: Path):
    clients = Clients.fitting(binaries.find().version)
    with pytest.raises(HelpdeskError, match=r"pg_dump gave up: .*does not exist"):
        clients.dump(full.desk.database_url + "&dbname=nothing", tmp_path / "x.dump")


def test_daily_backups_are_made_once_a_day_and_the_oldest_go(full: Scene):
    settings = Settings(
        home=full.desk.settings.home, secret=SECRET, database_url=full.desk.database_url, backups_kept=2
    )
    for day in range(4):
        with moved(timedelta(days=day)):
            daily.make(full.desk.database_url, settings)
    assert len(daily.kept(settings)) == 2
    assert daily.made_at(daily.kept(settings)[0]) > datetime.now(UTC) + timedelta(days=2)
    assert backups.check(daily.kept(settings)[1], settings.home).manifest.rows["message"] == 2


def test_a_desk_that_was_off_at_the_hour_makes_its_backup_later(tmp_path: Path):
    settings = Settings(home=tmp_path, backup_at="03:00")
    started = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    assert daily.next_due(settings, since=started) == datetime(2026, 5, 5, 3, 0, tzinfo=UTC)
    settings.backups.mkdir()
    (settings.backups / "helpdesk-20260504-030001.tar").touch()
    early = datetime(2026, 5, 1, tzinfo=UTC)
    assert daily.next_due(settings, since=early) == datetime(2026, 5, 5, 3, 0, tzinfo=UTC)
    assert daily.next_due(Settings(home=tmp_path, backup_at=""), since=early) is None


def _desk_of_before(home: Path, saved: Path, bin_dir: str = "") -> None:
    assert command(home, "restore", str(saved)).returncode == 0


def test_the_data_moves_to_new_data_by_dump_and_load(saved: Path, home: Path):
    """The path of an upgrade, from a version to itself, and the old data is kept."""
    _desk_of_before(home, saved)
    told = command(home, "upgrade", "--rebuild")
    assert told.returncode == 0, told.stderr
    assert "up to date" in told.stdout
    version = binaries.find().version
    assert (home / f"postgres/data.{version}/PG_VERSION").exists()
    assert not (home / "upgrading").exists()
    with EmbeddedPostgres(home, fsync=False) as server:
        assert asked(server.url(), "SELECT count(*) FROM message") == [(2,)]


def test_data_that_nothing_can_read_stays_as_it_is(saved: Path, home: Path):
    _desk_of_before(home, saved)
    (home / "postgres/data/PG_VERSION").write_text("14\n")
    told = command(home, "upgrade")
    assert told.returncode == 1
    assert "nothing on this machine can read it" in told.stderr
    (home / "postgres/data/PG_VERSION").write_text("99\n")
    told = command(home, "upgrade")
    assert "no way leads back" in told.stderr
    (home / "postgres/data/PG_VERSION").write_text(f"{binaries.find().version}\n")
    with EmbeddedPostgres(home, fsync=False) as server:
        assert asked(server.url(), "SELECT count(*) FROM message") == [(2,)]


def test_an_exchange_that_was_interrupted_is_finished(saved: Path, home: Path):
    """Killed between the two renames: the new data is whole, and the next start takes it."""
    _desk_of_before(home, saved)
    (home / "postgres/data").rename(home / "postgres/data.next")
    with EmbeddedPostgres(home, fsync=False) as server:
        assert asked(server.url(), "SELECT count(*) FROM message") == [(2,)]


def test_the_programs_are_kept_that_the_data_needs(home: Path):
    """A newer package takes its older programs away; the desk's own copy can still read the data."""
    with EmbeddedPostgres(home, fsync=False) as server:
        version = server.files.version()
    copies = binaries.kept(home / "postgres/binaries")
    assert [found.version for found in copies] == [version]
    assert subprocess.run([copies[0] / "postgres", "-V"], capture_output=True, check=False).returncode == 0
    assert not copies[0].missing_extensions


@pytest.mark.skipif(not OLD_PROGRAMS, reason="HELPDESK_TEST_OLD_PG names no older PostgreSQL with pgvector")
def test_a_desk_of_an_older_postgresql_is_moved_to_the_newer(home: Path):
    with EmbeddedPostgres(home, OLD_PROGRAMS, fsync=False) as server:
        was = server.files.version()
        migrating.upgrade(server.url("helpdesk_owner"))
        asked(server.url("helpdesk_owner"), "INSERT INTO company (name) VALUES ('Old & true') RETURNING id")
    refused = command(home, "doctor")
    assert "helpdesk upgrade" in refused.stdout + refused.stderr
    told = command(home, "upgrade", "--old-bin", OLD_PROGRAMS)
    assert told.returncode == 0, told.stderr
    with EmbeddedPostgres(home, fsync=False) as server:
        assert server.files.version() == binaries.find().version != was
        assert asked(server.url(), "SELECT name FROM company") == [("Old & true",)]
        migrating.check(server.url("helpdesk_owner"))
    assert (home / f"postgres/data.{was}").exists()
