"""`helpdesk upgrade`: the data of an older desk, of an older PostgreSQL, brought to this version."""

from pathlib import Path

import click

from helpdesk.backups.restoring import into_private
from helpdesk.backups.writing import dumped
from helpdesk.cli import migrating
from helpdesk.cli.owning import refuse_running, stopped
from helpdesk.cli.running import OWNER
from helpdesk.database import libpq_url
from helpdesk.embedded import EmbeddedPostgres, binaries, upgrading
from helpdesk.settings import Settings, load


@click.command()
@click.option(
    "--old-bin", type=click.Path(path_type=Path), help="Programs that made the data, where none is found."
)
@click.option(
    "--rebuild", is_flag=True, help="Dump and load the private PostgreSQL although its version fits."
)
def upgrade(old_bin: Path | None, rebuild: bool) -> None:
    """Bring the desk's data to this version. The desk is stopped; a backup before it is a good idea."""
    settings = load()
    if settings.embedded:
        _postgresql(settings, str(old_bin or ""), rebuild=rebuild)
    url = settings.owner_database_url or settings.database_url
    if not settings.embedded:
        if migrating.pending(url):
            refuse_running(libpq_url(url))
        _tables(url)
        return
    with stopped(settings) as server:
        _tables(server.url(role=OWNER))


def _tables(url: str) -> None:
    steps = migrating.pending(url)
    migrating.upgrade(url)
    click.echo(f"Applied {', '.join(steps)}." if steps else "The tables are up to date.")


def _postgresql(settings: Settings, old_bin: str, *, rebuild: bool) -> None:
    found = upgrading.outdated(settings.home, settings.pg_bin)
    if found is None and not rebuild:
        return
    new = found[1] if found else binaries.find(settings.pg_bin)
    version = found[0] if found else new.version
    old = upgrading.old_programs(settings.home, version, old_bin)
    click.echo(f"Moving the data from PostgreSQL {version} to {new.version}; this may take a while.")
    done = upgrading.upgrade(
        settings.home, old, new, lambda present, incoming: _carry(settings, present, incoming)
    )
    click.echo(
        f"Done. The data as PostgreSQL {done.was} left it is in {done.old_data}: remove it when all is well."
    )


def _carry(settings: Settings, present: EmbeddedPostgres, incoming: EmbeddedPostgres) -> None:
    """By the new programs, which read every older server."""
    dump = incoming.files.root.parent / "database.dump"
    manifest = dumped(present.url(role=OWNER), settings, dump, bin_dir=incoming.bin_dir)
    into_private(incoming, dump, manifest, incoming.bin_dir)
