"""Whether a backup is worth having: every checksum, and on request a restore into a database that is thrown away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from helpdesk.backups import manifests
from helpdesk.backups.clients import Clients
from helpdesk.backups.manifests import Content, Manifest
from helpdesk.database import libpq_url
from helpdesk.errors import Invalid
from helpdesk.export import archive


@dataclass(frozen=True)
class Checked:
    manifest: Manifest
    files: int
    tables: int


def check(source: Path, folder: Path, *, bin_dir: str = "") -> Checked:
    """Reads all of it. Raises Invalid naming what is damaged. `folder` is for the dump while it is read."""
    manifest = manifests.of(source)
    files = 0
    with dump_of(source, manifest, folder) as dump:
        held = Clients.fitting(manifest.postgresql, bin_dir).contents(dump)
    tables = sum(" TABLE DATA " in line for line in held)
    if tables < len(manifest.rows):
        raise Invalid(
            f"The dump in {source} holds {tables} tables; the manifest tells of {len(manifest.rows)}."
        )
    for part in archive.parts(source):
        for _ in part.chunks():
            pass
        if part.name == "files.jsonl":
            compare(part, manifest.files)
        if part.name.startswith("files/"):
            files += 1
            if part.digest != part.name.removeprefix("files/").replace("/", ""):
                raise Invalid(f"{part.name} in {source} is damaged: its content is another one.")
    if files > manifest.files.count:
        raise Invalid(f"{source} holds more files than its manifest says.")
    return Checked(manifest, files, tables)


@contextmanager
def dump_of(source: Path, manifest: Manifest, folder: Path) -> Iterator[Path]:
    """The dump as a file of its own, compared with what the manifest says, and removed afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    dump = folder / "restoring.dump"
    dump.unlink(missing_ok=True)
    try:
        for part in archive.parts(source):
            if part.name == "database.dump":
                with dump.open("xb") as file:
                    dump.chmod(0o600)
                    for chunk in part.chunks():
                        file.write(chunk)
                compare(part, manifest.dump)
                break
        else:
            raise Invalid(f"{source} holds no dump: it was not copied whole.")
        yield dump
    finally:
        dump.unlink(missing_ok=True)


def compare(part: archive.Part, told: Content) -> None:
    if part.digest != told.sha256:
        raise Invalid(f"{part.name} is damaged: its checksum is not the manifest's.")


def refuse_lost_rows(url: str, manifest: Manifest) -> None:
    """After a restore: as many rows in every table as there were."""
    with psycopg.connect(libpq_url(url)) as connection:
        for table, told in manifest.rows.items():
            row = connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table))).fetchone()
            if not row or row[0] != told:
                raise Invalid(f"The backup tells of {told} rows in {table}, and {row and row[0]} came in.")
