"""A desk → a backup."""

import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.sql import SQL, Identifier

from helpdesk.backups import manifests
from helpdesk.backups.clients import Clients
from helpdesk.clock import now
from helpdesk.database import libpq_url
from helpdesk.embedded.provision import APP
from helpdesk.errors import Misconfigured
from helpdesk.export import archive, stored, tables
from helpdesk.export.writing import revision
from helpdesk.settings import Settings

ROOM = 0.5  # times the database's size that a disk has to have free; a dump is usually a quarter of it


@dataclass(frozen=True)
class Backup:
    path: Path
    bytes: int
    rows: int
    files: int
    with_secret: bool


def write(database_url: str, settings: Settings, target: Path, *, with_secret: bool = False) -> Backup:
    """Everything as it was at one moment, beside the running desk. Blocks.

    `target` is a folder, or a file that ends in `.tar`; it is there when it is complete, and not before.
    """
    with (
        archive.written(target) as to,
        tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as spool,
    ):
        folder = Path(spool)
        manifest = dumped(database_url, settings, folder / "database.dump")
        count, _ = stored.list_files(settings.files, folder / "files.jsonl")
        manifest.files = manifests.content(folder / "files.jsonl", count)
        manifest.secret = settings.sign_key.decode() if with_secret else ""
        (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        for name in ("manifest.json", "database.dump", "files.jsonl"):
            to.add(name, folder / name)
        stored.add_files(to, settings.files, folder / "files.jsonl")
    return Backup(target, _size(target), sum(manifest.rows.values()), count, with_secret)


def dumped(url: str, settings: Settings, target: Path, *, bin_dir: str = "") -> manifests.Manifest:
    """The dump and the counts are of the same snapshot, so that a restore can be compared."""
    with psycopg.connect(libpq_url(url), options="-c timezone=UTC") as connection:
        clients = Clients.fitting(connection.info.server_version // 10000, bin_dir or settings.pg_bin)
        _refuse_full_disk(connection, target.parent)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        snapshot = _one(connection, "SELECT pg_export_snapshot()")
        rows = {
            table.name: int(_one(connection, SQL("SELECT count(*) FROM {}").format(Identifier(table.name))))
            for table in tables.known(connection)
        }
        clients.dump(url, target, snapshot=str(snapshot))
        return manifests.Manifest(
            backup=manifests.FORMAT,
            made_at=now().isoformat(),
            version=version("helpdesk"),
            revision=revision(connection),
            postgresql=connection.info.server_version // 10000,
            rights=dict(connection.execute(RIGHTS, [APP]).fetchall()),
            rows=rows,
            dump=manifests.content(target),
            files=manifests.Content(sha256="", bytes=0, count=0),
            secret_mark=manifests.mark(settings),
        )


RIGHTS = """
SELECT c.relname, array_agg(r.privilege_type ORDER BY r.privilege_type)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
CROSS JOIN aclexplode(c.relacl) r JOIN pg_roles role ON role.oid = r.grantee
WHERE c.relkind = 'r' AND role.rolname = %s GROUP BY 1 ORDER BY 1
"""


def _refuse_full_disk(connection: psycopg.Connection[Any], folder: Path) -> None:
    needed = int(_one(connection, "SELECT pg_database_size(current_database())") * ROOM)
    if (free := shutil.disk_usage(folder).free) < needed:
        raise Misconfigured(
            f"The disk of {folder} has {free >> 20} MB left, and a backup may need {needed >> 20}: make room, "
            "or write it elsewhere."
        )


def _one(connection: psycopg.Connection[Any], query: Any) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _size(target: Path) -> int:
    if target.is_file():
        return target.stat().st_size
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
