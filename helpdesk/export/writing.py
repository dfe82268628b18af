"""A desk → an archive."""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from helpdesk.clock import now
from helpdesk.database import libpq_url
from helpdesk.export import archive, stored, tables

FORMAT = 1
Progress = Callable[[str, int], None]
"""Called with a table's name and how many rows of it are done."""


@dataclass(frozen=True)
class Exported:
    path: Path
    rows: int
    files: int
    bytes: int
    gone: int
    """Files that were erased while the export ran."""
    with_secrets: bool


def write(
    database_url: str,
    files: Path,
    target: Path,
    *,
    with_secrets: bool = False,
    progress: Progress = lambda table, rows: None,
) -> Exported:
    """Everything as it was at one moment. Blocks; `target` is a folder, or a file that ends in `.tar`."""
    with (
        archive.written(target) as to,
        tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as spool,
    ):
        folder = Path(spool)
        manifest = _tables(database_url, folder, with_secrets=with_secrets, progress=progress)
        count, size = stored.list_files(files, folder / "files.jsonl")
        manifest["files"] = {"count": count, "bytes": size, **_sum(folder / "files.jsonl")}
        (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
        to.add("manifest.json", folder / "manifest.json")
        for name in manifest["tables"]:
            to.add(f"tables/{name}.jsonl", folder / f"{name}.jsonl")
        to.add("files.jsonl", folder / "files.jsonl")
        gone = stored.add_files(to, files, folder / "files.jsonl")
    rows = sum(table["rows"] for table in manifest["tables"].values())
    return Exported(target, rows, count, size, gone, with_secrets)


def _tables(url: str, folder: Path, *, with_secrets: bool, progress: Progress) -> dict[str, Any]:
    with psycopg.connect(libpq_url(url), options="-c timezone=UTC -c jit=off") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        known = tables.all_of(connection)
        counted = {}
        for table in known:
            counted[table.name] = _table(connection, table, folder, with_secrets=with_secrets)
            progress(table.name, counted[table.name]["rows"])
        return {
            "format": FORMAT,
            "made_at": now().isoformat(),
            "version": version("helpdesk"),
            "revision": revision(connection),
            "postgresql": connection.info.server_version // 10000,
            "secrets": with_secrets,
            "left_out": tables.EXCLUDED
            | ({} if with_secrets else dict.fromkeys(sorted(tables.SECRETS), "a secret; see --with-secrets")),
            "sequences": tables.sequences(connection),
            "tables": counted,
        }


def _table(
    connection: psycopg.Connection[Any], table: tables.Table, folder: Path, *, with_secrets: bool
) -> dict[str, Any]:
    rows, size, digest = 0, 0, hashlib.sha256()
    query = table.rows(with_secrets=with_secrets)
    with (
        (folder / f"{table.name}.jsonl").open("wb") as lines,
        connection.cursor().copy(b"COPY (" + query.as_bytes(connection) + b") TO STDOUT") as copy,
    ):
        for block in copy:
            line = bytes(block).replace(
                b"\\\\", b"\\"
            )  # COPY doubles each; JSON has no other character that it escapes
            lines.write(line)
            digest.update(line)
            rows, size = rows + line.count(b"\n"), size + len(line)
    columns = [column.name for column in table.columns]
    return {"rows": rows, "bytes": size, "sha256": digest.hexdigest(), "columns": columns}


def _secrets(known: list[tables.Table]) -> dict[str, str]:
    columns = [column for table in known for column in table.columns if column.is_secret]
    return {column.full_name: "a secret; see --with-secrets" for column in columns}


def revision(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _sum(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}
