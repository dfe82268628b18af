"""A run can be tried, interrupted, continued, repeated and taken back."""

import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from helpdesk.database import committed
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import DESK, Event, Kind
from helpdesk.imports import ordering, reverting, running
from helpdesk.imports.places import Place, unpack
from helpdesk.imports.reports import Report
from helpdesk.imports.rows import ImportRun, State
from helpdesk.tickets import Ticket
from tests.imports.hands import FIXTURES, counted, imported, wanted
from tests.scenes import Scene, mail
from workers.care import care

TABLES = (
    "ticket",
    "message",
    "contact",
    "contact_identity",
    "agent",
    "company",
    "attachment",
    "imported",
    "event",
)


def many(folder: Path, count: int, start: int = 0) -> Path:
    """A Zendesk of so many tickets with three comments each."""
    folder.mkdir(exist_ok=True)
    users = [
        {"id": n, "name": f"Customer {n}", "email": f"c{n}@many.example", "role": "end-user"}
        for n in range(1, 51)
    ]
    (folder / "users.json").write_text(json.dumps({"users": users}))
    at = "2024-05-02T09:00:0{}Z"
    with (folder / "tickets.jsonl").open("w") as tickets:
        for n in range(start, start + count):
            comments = [
                {
                    "id": n * 10 + k,
                    "author_id": n % 50 + 1,
                    "body": f"Text {k} of {n}",
                    "created_at": at.format(k),
                }
                for k in range(3)
            ]
            ticket = {"id": n, "subject": f"Ticket {n}", "status": "open", "requester_id": n % 50 + 1}
            tickets.write(json.dumps(ticket | {"created_at": at.format(0), "comments": comments}) + "\n")
    return folder


async def test_a_dry_run_counts_and_changes_nothing(scene: Scene):
    before = await counted(scene, *TABLES)
    dry = await imported(scene, "zendesk", dry=True)
    assert await counted(scene, *TABLES) == before
    assert not scene.desk.files.folder.exists()
    real = await imported(scene, "zendesk")
    assert dry.counts == real.counts
    assert dry.troubles == real.troubles


async def test_a_run_that_is_killed_goes_on_where_it_was(scene: Scene, tmp_path: Path):
    """What was committed is there once, and nothing is there twice."""
    folder = many(tmp_path / "many", 1000)
    run_id = await wanted(scene, "zendesk")
    script = (
        "import sys, time; from pathlib import Path; from helpdesk.imports import running\n"
        "def slow(report):\n"
        "  if report.of('ticket').made >= 400:\n    print('now', flush=True); time.sleep(30)\n"
        "running.run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]), progress=slow)"
    )
    files = str(scene.desk.files.folder)
    _killed([sys.executable, "-c", script, scene.desk.database_url, files, str(run_id), str(folder)])
    assert await counted(scene, "ticket", "message") == [400, 1200]
    report = running.run(scene.desk.database_url, scene.desk.files.folder, run_id, folder)
    assert (report.of("ticket").made, report.of("ticket").known) == (600, 400)
    assert await counted(scene, "ticket", "message", "contact") == [1000, 3000, 50]


def _killed(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        process.send_signal(signal.SIGKILL)


async def test_an_import_that_is_taken_back_leaves_what_was_there(scene: Scene):
    kept = await scene.receives(mail("Before", sender="ivo@north.example"))
    before = await counted(scene, *TABLES[:7])
    await imported(scene, "zendesk")
    async with scene.desk.sessions() as session:
        run_id = await session.scalar(select(ImportRun.id))
    done = await reverting.revert(scene.desk, run_id or 0, by=DESK)
    assert (done.tickets, done.kept, done.contacts, done.agents, done.companies) == (2, 0, 1, 1, 1)
    assert await counted(scene, *TABLES[:7]) == before
    assert (await scene.ticket(kept.id)).contact_id == kept.contact_id
    assert not [path for path in scene.desk.files.folder.rglob("*") if path.is_file()]
    with pytest.raises(reverting.NotRevertible):
        await reverting.revert(scene.desk, run_id or 0, by=DESK)
    again = await imported(scene, "zendesk")
    assert again.of("ticket").made == 2


async def test_tickets_that_were_used_since_stay(scene: Scene):
    """Somebody wrote in it: that is no longer only the import's."""
    await imported(scene, "zendesk")
    async with scene.desk.sessions() as session:
        run_id = await session.scalar(select(ImportRun.id))
        ticket = await session.scalar(select(Ticket).where(Ticket.subject == "Invoice of May"))
    assert ticket
    await scene.does(ticket, "note", "We will look at it.", by=scene.agents["Ada"])
    done = await reverting.revert(scene.desk, run_id or 0, by=DESK)
    assert (done.tickets, done.kept) == (1, 1)
    assert len(await scene.messages(ticket)) == 5
    assert (await scene.ticket(ticket.id)).contact_id == ticket.contact_id


async def test_a_later_export_brings_only_what_is_new(scene: Scene, tmp_path: Path):
    folder = many(tmp_path / "many", 3)
    await imported(scene, "zendesk", folder)
    lines = (folder / "tickets.jsonl").read_text().splitlines()
    first = json.loads(lines[0])
    first["comments"].append(
        {"id": 999, "author_id": 0, "body": "One more", "created_at": "2024-06-01T00:00:00Z"}
    )
    (folder / "tickets.jsonl").write_text("\n".join([json.dumps(first), *lines[1:]]))
    report = await imported(scene, "zendesk", folder)
    assert (report.of("ticket").made, report.of("message").made, report.of("message").known) == (0, 1, 9)
    ticket = (await scene.tickets())[0]
    assert (ticket.preview, ticket.last_message_at.month) == ("One more", 6)


async def test_hostile_and_broken_rows_hold_up_nobody(scene: Scene, tmp_path: Path):
    """NULs, lone surrogates, wrong types, huge texts, ids that name paths, the same ticket twice."""
    folder = many(tmp_path / "many", 2)
    nasty = [
        {"id": "../../etc/passwd", "subject": "\u0000 \ud800 nul", "status": "open", "requester_id": 1},
        {
            "id": 71,
            "subject": "x" * 100_000,
            "status": "open",
            "requester_id": "nobody",
            "tags": ["a,b", ""] * 90,
        },
        {"id": 72, "subject": None, "status": "open", "requester_id": None, "comments": [{"id": 1}]},
        {"id": 73, "status": "no such status"},
        {"id": 74, "status": "open", "created_at": "not a time"},
        {"id": 75, "subject": "Twice", "status": "open", "requester_id": 3},
        {"id": 75, "subject": "Twice", "status": "open", "requester_id": 3},
        ["no object"],
        {"id": 76, "subject": "Late", "status": "open", "created_at": 1e300},
    ]
    with (folder / "tickets.jsonl").open("a") as file:
        for row in nasty:
            base = {"created_at": "2024-05-02T09:00:00Z", "description": "\u0000text" * 3}
            file.write(json.dumps(base | row if isinstance(row, dict) else row) + "\n")
    report = await imported(scene, "zendesk", folder)
    assert report.of("ticket").made == 5
    assert {trouble["id"] for trouble in report.troubles} == {"72", "73", "74", "76"}
    subjects = [ticket.subject for ticket in await scene.tickets()]
    assert max(map(len, subjects)) == 500
    assert (await imported(scene, "zendesk", folder)).changed == 0


async def test_files_outside_of_the_folder_are_never_read(tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "place"
    (folder / "files").mkdir(parents=True)
    (folder / "files/1").symlink_to(tmp_path / "secret")
    (folder / "files/2").write_text("fine")
    place = Place(folder)
    assert place.file("../../secret") is None
    assert place.file("..") is None
    assert place.file("1") is None
    assert place.file("2") == (folder / "files/2").resolve()


def test_an_archive_leads_nowhere_else(tmp_path: Path):
    for name in ("../evil", "/evil-of-a-zip"):
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as packed:
            packed.writestr(name, "evil")
        into = tmp_path / "into"
        into.mkdir(exist_ok=True)
        with pytest.raises(Invalid, match="leads out of it"):
            unpack(tmp_path / "bad.zip", into)
    assert not (tmp_path / "evil").exists()
    (tmp_path / "no.zip").write_bytes(b"PK nothing")
    with pytest.raises(Invalid, match="cannot be unpacked"):
        unpack(tmp_path / "no.zip", tmp_path / "into")


async def test_a_worker_does_what_was_ordered(scene: Scene, tmp_path: Path):
    """From the order, through a ZIP, to the report that the console shows."""
    archive = tmp_path / "zendesk.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in (FIXTURES / "zendesk").rglob("*"):
            packed.write(path, Path("export") / path.relative_to(FIXTURES / "zendesk"))
    async with committed(scene.desk.sessions) as session:
        options: dict[str, Any] = {
            "vendor": "zendesk",
            "name": "acme",
            "inbox": scene.inbox,
            "by": scene.agents["Ada"],
        }
        run = await ordering.order(scene.desk, session, place=str(archive), **options)
        with pytest.raises(NotFound, match="no folder or file"):
            await ordering.order(scene.desk, session, place=str(tmp_path / "nowhere"), **options)
    await care(scene.desk)
    async with scene.desk.sessions() as session:
        done = await session.get_one(ImportRun, run.id)
        kinds = (await session.scalars(select(Event.kind).where(Event.ticket_id.is_(None)))).all()
    assert (done.state, done.trouble) == (State.done, None)
    assert Report.read(done.report).of("ticket").made == 2
    assert Kind.import_wanted in kinds
    assert not list((scene.desk.settings.home / "imports").iterdir())


async def test_what_cannot_be_read_at_all_says_so(scene: Scene, tmp_path: Path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/tickets.json").write_text("{")
    async with committed(scene.desk.sessions) as session:
        run = await ordering.order(
            scene.desk,
            session,
            vendor="zammad",
            name="x",
            place=str(tmp_path / "bad"),
            inbox=scene.inbox,
            by=DESK,
        )
    await care(scene.desk)
    async with scene.desk.sessions() as session:
        done = await session.get_one(ImportRun, run.id)
    assert done.state is State.failed
    assert "cannot be read as JSON" in (done.trouble or "")


async def test_two_imports_of_one_source_do_not_meet(scene: Scene, tmp_path: Path):
    run_id = await wanted(scene, "zendesk")
    async with scene.desk.sessions() as session:
        lock = "SELECT pg_advisory_lock(hashtextextended('helpdesk import zendesk:acme', 0))"
        await session.execute(text(lock))
        with pytest.raises(Conflict, match="being imported by another"):
            running.run(scene.desk.database_url, tmp_path, run_id, FIXTURES / "zendesk")
