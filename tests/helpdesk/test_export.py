"""A desk that is exported, imported and exported again is the same desk."""

import asyncio
import hashlib
import io
import json
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select, text

from helpdesk import export
from helpdesk.cli import migrating
from helpdesk.database import Base, committed
from helpdesk.errors import Conflict, Invalid
from helpdesk.export import tables
from helpdesk.intake import Kept
from helpdesk.messages import Message, Upload
from kb.articles import Article
from tests.cluster import Cluster
from tests.scenes import Scene, mail


@pytest.fixture
def other(cluster: Cluster) -> Iterator[str]:
    """The owner's URL of another, empty desk."""
    name = cluster.clone()
    yield cluster.url(name, "helpdesk_owner")
    cluster.drop(name)


@pytest.fixture
async def full(scene: Scene) -> Scene:
    """A desk with a bit of everything, some of it nasty."""
    files = (
        Upload(name="a\\b\t.txt", content_type="text/plain", content=b"first\x00bytes"),
        Upload(name="empty", content_type="text/plain", content=b""),
    )
    ticket = await scene.receives(mail('Tab\t, "quotes", C:\\new\\u0041, \u2028 line', attachments=files))
    await scene.replies(ticket, "A reply with \\\\ and \\n and ünïcödé \U0001f600")
    await scene.does(ticket, "note", "Only for us.", by=scene.agents["Liam"])
    await scene.receives(mail("Another", sender="olaf@north.example"))
    async with committed(scene.desk.sessions) as session:
        session.add(Kept(inbox_id=scene.inbox.id, source="INBOX;1;1", raw=bytes(range(256)), digest="0" * 64))
        session.add(
            Article(slug="how", title="How", body="# So\n\nLike this.", state="published", audience="public")
        )
    return scene


def exported(
    scene: Scene, target: Path, url: str = "", files: Path | None = None, **options: Any
) -> export.Exported:
    return export.write(url or scene.desk.database_url, files or scene.desk.files.folder, target, **options)


def contents(folder: Path) -> dict[str, bytes]:
    """Everything but the moment at which it was written."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found["manifest.json"] = re.sub(rb'"made_at": "[^"]+"', b"", found["manifest.json"])
    return found


@pytest.mark.parametrize("with_secrets", [False, True])
@pytest.mark.parametrize("suffix", ["", ".tar"])
async def test_the_same_desk_comes_out_of_an_import(
    full: Scene, other: str, tmp_path: Path, suffix: str, with_secrets: bool
):
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    done = exported(full, first, with_secrets=with_secrets)
    files = tmp_path / "elsewhere"
    came = export.load(other, files, first)
    assert (came.rows, came.files, came.with_secrets) == (done.rows, done.files, with_secrets)
    assert done.rows > 30
    assert done.files == 2
    exported(full, second, other, files, with_secrets=with_secrets)
    if suffix:
        for name in (first, second):
            with tarfile.open(name) as tar:
                tar.extractall(name.with_suffix(""), filter="data")
            name = name.with_suffix("")
    before, after = contents(first.with_suffix("")), contents(second.with_suffix(""))
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []


async def test_every_table_is_exported_or_left_out_for_a_reason(full: Scene, owner_database: str):
    """A table that a migration adds is covered by itself; one that is gone must not stay excluded."""
    for module in migrating.TABLES:
        __import__(module)
    with psycopg.connect(owner_database) as connection:
        known = {table.name: table for table in tables.known(connection)}
        held = {table.name for table in tables.all_of(connection)}
    assert set(Base.metadata.tables) <= held | set(tables.EXCLUDED)
    assert held - set(Base.metadata.tables) == set(), "a table that no model declares"
    assert set(tables.EXCLUDED) <= set(known), "excluded, but there is no such table any more"
    assert all(reason for reason in tables.EXCLUDED.values())


async def test_no_secret_slips_into_an_export(owner_database: str):
    """A column that looks like a secret is named as one, or said not to be; until then it is left out."""
    with psycopg.connect(owner_database) as connection:
        columns = {c.full_name: c for table in tables.all_of(connection) for c in table.columns}
    suspicious = {name for name, column in columns.items() if column.is_suspicious}
    assert suspicious - set(tables.SECRETS) - set(tables.NO_SECRETS) == set()
    assert set(tables.SECRETS) | set(tables.NO_SECRETS) <= set(columns)
    new = tables.Column("api_token", "secret_hash", "bytea", required=True)
    assert (new.is_secret, new.blank) == (True, "")


async def test_without_being_asked_no_secret_leaves(full: Scene, tmp_path: Path):
    async with committed(full.desk.sessions) as session:
        await session.execute(text("UPDATE agent SET password_hash = 'hashed-words'"))
        await session.execute(text("UPDATE inbox SET sealed_settings = '\\x736561736f6e'"))
    exported(full, tmp_path / "out")
    lines = (tmp_path / "out/tables/agent.jsonl").read_text() + (
        tmp_path / "out/tables/inbox.jsonl"
    ).read_text()
    assert "hashed-words" not in lines
    assert "c2Vhc29u" not in lines
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert manifest["secrets"] is False
    assert "agent.password_hash" in manifest["left_out"]


async def test_the_manifest_tells_what_is_there(full: Scene, tmp_path: Path):
    exported(full, tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    for name, told in manifest["tables"].items():
        content = (tmp_path / f"out/tables/{name}.jsonl").read_bytes()
        assert told["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert told["rows"] == len(content.splitlines()), name
    assert manifest["files"]["count"] == 2
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


async def test_an_imported_desk_works_on(full: Scene, cluster: Cluster, other: str, tmp_path: Path):
    """New rows get new numbers, and a reply that had not left will leave from here."""
    exported(full, tmp_path / "out.tar")
    came = export.load(other, full.desk.files.folder, tmp_path / "out.tar")
    assert came.unsent == 1
    with psycopg.connect(other.replace("helpdesk_owner", "helpdesk_app")) as connection:
        waiting = connection.execute(
            "SELECT kind FROM event_dispatch JOIN event ON event.id = event_dispatch.event_id"
        ).fetchall()
        assert waiting == [("replied",)]
        number = connection.execute("SELECT nextval('ticket_number'), max(number) FROM ticket").fetchone()
        assert number is not None
        assert number[0] > number[1]
        connection.execute("INSERT INTO company (name) VALUES ('After')")
        connection.execute("INSERT INTO event (kind, actor) VALUES ('signed_in', 'desk')")
        assert connection.execute("SELECT count(*) FROM event_dispatch").fetchone() == (2,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM event")
    with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("DELETE FROM contact")


async def test_a_desk_with_something_in_it_is_left_alone(full: Scene, owner_database: str, tmp_path: Path):
    exported(full, tmp_path / "out")
    with pytest.raises(export.NotEmpty, match="rows in agent"):
        export.load(owner_database, tmp_path, tmp_path / "out")


async def test_what_exists_is_never_overwritten(full: Scene, tmp_path: Path):
    (tmp_path / "out.tar").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        exported(full, tmp_path / "out.tar")
    assert (tmp_path / "out.tar").read_text() == "mine"


def _nothing_came(other: str) -> bool:
    with psycopg.connect(other) as connection:
        return connection.execute("SELECT count(*) FROM agent").fetchone() == (0,)


@pytest.mark.parametrize("damage", ["row", "missing", "file", "cut", "revision", "unknown", "reference"])
async def test_a_damaged_export_changes_nothing(full: Scene, other: str, tmp_path: Path, damage: str):
    out = tmp_path / "out"
    exported(full, out)
    agents = out / "tables/agent.jsonl"
    manifest = json.loads((out / "manifest.json").read_bytes())
    match damage:
        case "row":
            agents.write_bytes(agents.read_bytes().replace(b"Ada", b"Eve"))
        case "missing":
            agents.unlink()
        case "file":
            next((out / "files").rglob("??*/*")).write_bytes(b"another")
        case "cut":
            (out / "manifest.json").write_bytes((out / "manifest.json").read_bytes()[:100])
        case "revision":
            manifest["revision"] = "0001"
        case "unknown":
            manifest["tables"]["pg_authid"] = manifest["tables"]["agent"]
        case "reference":
            lines = agents.read_bytes().splitlines(keepends=True)[1:]
            agents.write_bytes(b"".join(lines))
            manifest["tables"]["agent"]["sha256"] = hashlib.sha256(agents.read_bytes()).hexdigest()
    if damage in {"revision", "unknown", "reference"}:
        (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises((Invalid, Conflict)):
        export.load(other, tmp_path / "files", out)
    assert _nothing_came(other)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "files/ab/../../evil", "tables/agent.jsonl/x", "link"]
)
async def test_a_hostile_archive_writes_nowhere(full: Scene, other: str, tmp_path: Path, name: str):
    exported(full, tmp_path / "good.tar")
    with tarfile.open(tmp_path / "good.tar") as good, tarfile.open(tmp_path / "bad.tar", "w") as bad:
        for member in good:
            bad.addfile(member, good.extractfile(member))
        evil = tarfile.TarInfo(name if name != "link" else f"files/ab/{'c' * 62}")
        if name == "link":
            evil.type, evil.linkname = tarfile.SYMTYPE, "/etc/passwd"
        evil.size = 0 if name == "link" else 4
        bad.addfile(evil, io.BytesIO(b"evil"))
    with pytest.raises(Invalid):
        export.load(other, tmp_path / "files", tmp_path / "bad.tar")
    assert _nothing_came(other)
    assert not list(tmp_path.parent.rglob("evil"))


def _killed_at(table: str, command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == table:
                process.send_signal(signal.SIGKILL)
                return


async def test_an_import_that_is_killed_leaves_an_empty_desk_and_can_be_run_again(
    full: Scene, other: str, tmp_path: Path
):
    """Killed while rows are in the database but nothing is committed; then all of it in one go."""
    exported(full, tmp_path / "out")
    script = (
        "import sys, time; from pathlib import Path; from helpdesk import export\n"
        "def slow(table, rows):\n  print(table, flush=True)\n  time.sleep(30 if table == 'message' else 0)\n"
        "export.load(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), progress=slow)"
    )
    command = [sys.executable, "-c", script, other, str(tmp_path / "files"), str(tmp_path / "out")]
    _killed_at("message", command)
    deadline = time.monotonic() + 10
    while not await asyncio.to_thread(_nothing_came, other):
        assert time.monotonic() < deadline
    came = export.load(other, tmp_path / "files", tmp_path / "out")
    assert came.files == 2


async def test_an_export_that_fails_leaves_nothing(full: Scene, tmp_path: Path):
    def fails(table: str, rows: int) -> None:
        if table == "message":
            raise OSError(28, "No space left on device")

    for target in (tmp_path / "out", tmp_path / "out.tar"):
        with pytest.raises(OSError, match="No space"):
            exported(full, target, progress=fails)
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name or "export" in path.name] == []


async def test_an_export_is_one_moment(full: Scene, tmp_path: Path):
    """What happens while it runs is in all of it or in none of it."""
    started = False

    def meanwhile(table: str, rows: int) -> None:
        nonlocal started
        if not started:
            started = True
            with psycopg.connect(full.desk.database_url) as connection:
                connection.execute("UPDATE ticket SET subject = 'later'")
                connection.execute("INSERT INTO company (name) VALUES ('Later')")

    exported(full, tmp_path / "out", progress=meanwhile)
    assert b"later" not in (tmp_path / "out/tables/ticket.jsonl").read_bytes()
    assert b"Later" not in (tmp_path / "out/tables/company.jsonl").read_bytes()
    async with full.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 4
