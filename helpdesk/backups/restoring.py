"""A backup → a desk."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.sql import SQL, Identifier

from helpdesk.backups import manifests
from helpdesk.backups.checking import check, dump_of, refuse_lost_rows
from helpdesk.backups.clients import Clients
from helpdesk.backups.manifests import SECRET, Manifest
from helpdesk.database import libpq_url
from helpdesk.embedded import EmbeddedPostgres
from helpdesk.embedded.provision import APP, DATABASE, OWNER
from helpdesk.errors import Conflict
from helpdesk.export import archive, stored
from helpdesk.export.loading import refuse_full
from helpdesk.settings import Settings

PRIVILEGES = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
INCOMING = f"{DATABASE}_restoring"


@dataclass(frozen=True)
class Restored:
    manifest: Manifest
    files: int
    secret: str
    """What became of the desk's secret, in words; empty where there is nothing to do."""


def restore(
    source: Path, settings: Settings, url: str, server: EmbeddedPostgres | None, *, force: bool = False
) -> Restored:
    """Blocks; `url` is the owner's. The desk is stopped, and the caller migrates afterwards.

    Everything is read and compared before anything is changed. The private PostgreSQL takes the backup into
    a database beside the present one, and then they change places at once; on another server it is one
    transaction. What is there is replaced only by `force`.
    """
    manifest = check(source, settings.home, bin_dir=settings.pg_bin).manifest
    if not force:
        _refuse_full(url)
    files = _take_files(source, settings)
    with dump_of(source, manifest, settings.home) as dump:
        if server:
            into_private(server, dump, manifest, settings.pg_bin)
        else:
            _into_given(url, dump, manifest, settings.pg_bin)
    return Restored(manifest, files, _secret(manifest, settings))


def into_private(server: EmbeddedPostgres, dump: Path, manifest: Manifest, bin_dir: str = "") -> None:
    """In place of the private server's database, at once, when all rows are there."""
    server.drop_database(INCOMING)
    incoming = server.create_database(INCOMING).replace(f"{APP}@", f"{OWNER}@", 1)
    _fill(incoming, dump, manifest, bin_dir)
    server.replace_database(DATABASE, by=INCOMING)


def _into_given(url: str, dump: Path, manifest: Manifest, bin_dir: str) -> None:
    _fill(url, dump, manifest, bin_dir, "--clean", "--if-exists")


def _fill(url: str, dump: Path, manifest: Manifest, bin_dir: str, *options: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        version = connection.info.server_version // 10000
    clients = Clients.fitting(max(version, manifest.postgresql), bin_dir)
    entries = [line for line in clients.contents(dump) if _is_ours(line)]
    clients.restore(url, dump, entries, "--no-privileges", *options)
    with psycopg.connect(libpq_url(url)) as connection:
        _give_rights(connection, manifest.rights)
    refuse_lost_rows(url, manifest)


def _is_ours(line: str) -> bool:
    """Extensions and the schema itself belong to the server."""
    words = line.split(maxsplit=3)[3]
    return not words.startswith(
        ("EXTENSION ", "SCHEMA ", "COMMENT - EXTENSION", "COMMENT - SCHEMA", "DEFAULT ACL ", "ACL ")
    )


def _give_rights(connection: psycopg.Connection[Any], rights: dict[str, list[str]]) -> None:
    """What the application's role could do, and nothing else, whatever the roles of the two servers are."""
    row = connection.execute("SELECT current_user FROM pg_roles WHERE rolname = %s", [APP]).fetchone()
    if not row or row[0] == APP:
        return
    connection.execute(import_module("helpdesk.migrations.versions.0001_tickets").GRANTS)
    role = Identifier(APP)
    for table, allowed in rights.items():
        name = Identifier(table)
        connection.execute(SQL("REVOKE ALL ON {} FROM {}").format(name, role))
        if words := [word for word in allowed if word in PRIVILEGES]:
            connection.execute(SQL("GRANT " + ", ".join(words) + " ON {} TO {}").format(name, role))


def _refuse_full(url: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        if connection.execute("SELECT to_regclass('agent')").fetchone() != (None,):
            try:
                refuse_full(connection)
            except Conflict as error:
                raise Conflict(
                    f"{error} --force puts the backup in its place; what is there now is lost."
                ) from None


def _take_files(source: Path, settings: Settings) -> int:
    count = 0
    for part in archive.parts(source):
        if part.name.startswith("files/"):
            stored.take(part, settings.files)
            count += 1
    return count


def _secret(manifest: Manifest, settings: Settings) -> str:
    if manifests.mark(settings) == manifest.secret_mark:
        return ""
    if not manifest.secret:
        return (
            f"This desk has another secret than the one that was backed up: bring back the old {SECRET} (or the file "
            f"{settings.home / 'secret'}), or the passwords of inboxes have to be entered again and replies to mails "
            "of before start new tickets."
        )
    if settings.secret:
        return (
            f"Set {SECRET} to the secret that the backup holds, in its manifest.json; another one is set now."
        )
    path = settings.home / "secret"
    path.rename(path.with_name("secret.before-restore"))
    with _created(path) as file:
        file.write(manifest.secret)
    return f"The desk's secret is the backup's again; the one before is in {path}.before-restore."


def _created(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
