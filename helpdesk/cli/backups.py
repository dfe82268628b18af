"""`helpdesk backup`, `helpdesk restore`: a copy of the whole desk to come back to."""

import asyncio
import tempfile
from pathlib import Path

import click

from helpdesk import backups
from helpdesk.backups import daily
from helpdesk.backups.checking import dump_of
from helpdesk.backups.restoring import into_private
from helpdesk.cli import migrating
from helpdesk.cli.owning import owned
from helpdesk.cli.running import OWNER, running
from helpdesk.embedded import EmbeddedPostgres
from helpdesk.settings import Settings, load

FILE = click.Path(path_type=Path, resolve_path=True)


class WithDefault(click.Group):
    """`helpdesk backup FILE` is `helpdesk backup make FILE`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["make", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in {"-h", "--help"}:
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=WithDefault)
def backup() -> None:
    """Copy the whole desk into FILE, a folder or a file that ends in .tar: `helpdesk backup FILE`."""


@backup.command()
@click.argument("target", metavar="FILE", type=FILE)
@click.option("--with-secret", is_flag=True, help="Also the desk's secret, which opens all passwords in it.")
def make(target: Path, with_secret: bool) -> None:
    """Copy the whole desk into FILE. May run beside the desk."""

    async def act() -> None:
        settings = load()
        async with running(settings, pool=1) as desk:
            done = await asyncio.to_thread(
                backups.write, desk.database_url, settings, target, with_secret=with_secret
            )
        click.echo(f"{done.path} holds {done.rows} rows and {done.files} files ({done.bytes >> 20} MB).")
        click.echo(_about_secret(settings, with_secret=with_secret))

    asyncio.run(act())


@backup.command("list")
def list_backups() -> None:
    """List the daily backups, newest first."""
    settings = load()
    for path in daily.kept(settings):
        click.echo(f"{daily.made_at(path):%Y-%m-%d %H:%M} UTC  {path.stat().st_size >> 20:6} MB  {path}")
    due = (
        f"every day at {settings.backup_at} UTC"
        if settings.backup_at
        else "never (HELPDESK_BACKUP_AT is empty)"
    )
    click.echo(f"A backup is made {due}; {settings.backups_kept} are kept in {settings.backups}.")


@backup.command()
@click.argument("source", metavar="FILE", type=FILE)
@click.option("--restore", "deep", is_flag=True, help="Also restore it into a database that is thrown away.")
def check(source: Path, deep: bool) -> None:
    """Read all of a backup and say whether it is whole."""
    settings = load()
    done = backups.check(source, settings.home, bin_dir=settings.pg_bin)
    told = done.manifest
    click.echo(
        f"{source} is whole: version {told.version} of {told.made_at}, {sum(told.rows.values())} rows in "
        f"{done.tables} tables, {done.files} files, PostgreSQL {told.postgresql}."
    )
    if deep:
        _try(source, settings)
        click.echo("It was restored into a database beside the desk's: every table has its rows.")


def _try(source: Path, settings: Settings) -> None:
    """On a private server of its own, in a folder that is removed afterwards."""
    told = backups.check(source, settings.home, bin_dir=settings.pg_bin).manifest
    with tempfile.TemporaryDirectory(prefix="helpdesk-check-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # as root, the server runs as somebody else
        with (
            EmbeddedPostgres(home, settings.pg_bin, fsync=False) as server,
            dump_of(source, told, home) as dump,
        ):
            into_private(server, dump, told, settings.pg_bin)
            migrating.upgrade(server.url(role=OWNER))


@click.command()
@click.argument("source", metavar="FILE", type=FILE)
@click.option("--force", is_flag=True, help="Also where there is something: it is lost.")
def restore(source: Path, force: bool) -> None:
    """Bring a desk back from a backup. The desk is stopped; all of it comes back, or nothing changes."""
    settings = load()
    with owned(settings) as (url, server):
        done = backups.restore(source, settings, url, server, force=force)
        migrating.upgrade(url)
    rows = sum(done.manifest.rows.values())
    click.echo(f"{rows} rows and {done.files} files of {done.manifest.made_at} are back.")
    if done.secret:
        click.secho(done.secret, fg="yellow")


def _about_secret(settings: Settings, *, with_secret: bool) -> str:
    if with_secret:
        return "The desk's secret is in it: who has this file can read the passwords of all inboxes."
    where = "HELPDESK_SECRET" if settings.secret else settings.home / "secret"
    return (
        f"The desk's secret is not in it. Keep {where} in another place: without it, passwords stay sealed."
    )
