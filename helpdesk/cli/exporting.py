"""`helpdesk export`, `helpdesk import`: everything a desk holds, and the same desk made of it again."""

import asyncio
import sys
from pathlib import Path

import click

from helpdesk import export as exports
from helpdesk.cli.owning import owned
from helpdesk.cli.running import running
from helpdesk.settings import load


@click.command()
@click.argument("target", type=click.Path(path_type=Path, resolve_path=True))
@click.option(
    "--with-secrets", is_flag=True, help="Also sealed passwords of inboxes and hashes of agents' passwords."
)
def export(target: Path, with_secrets: bool) -> None:
    """Write everything this desk holds into a folder, or a file that ends in .tar.

    May run beside the desk: what is written is one moment of it.
    """

    async def act() -> None:
        settings = load()
        async with running(settings, pool=1) as desk:
            done = await asyncio.to_thread(
                exports.write,
                desk.database_url,
                settings.files,
                target,
                with_secrets=with_secrets,
                progress=told,
            )
        finish()
        click.echo(f"{done.rows} rows and {done.files} files ({done.bytes >> 20} MB) are in {done.path}.")
        if done.gone:
            click.echo(f"{done.gone} files were erased while the export ran; they are not in it.")
        click.echo(
            "Sealed passwords are in it: they open with this desk's HELPDESK_SECRET only. Keep the two apart."
            if with_secrets
            else "Passwords of inboxes and agents were left out; --with-secrets takes them along, sealed and hashed."
        )

    asyncio.run(act())


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path, resolve_path=True))
def import_(source: Path) -> None:
    """Make an empty desk the one that was exported. All of it comes in, or nothing."""
    settings = load()
    with owned(settings) as (url, _):
        done = exports.load(url, settings.files, source, progress=told)
    finish()
    click.echo(f"{done.rows} rows and {done.files} files came in.")
    if not done.with_secrets:
        click.echo(
            "The export held no passwords: set agents' with `helpdesk user password`, and inboxes' in the console."
        )
    if done.unsent:
        click.echo(
            f"{done.unsent} replies had not left yet and will leave from here: do not start the old desk again."
        )


def told(table: str, rows: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{table}: {rows} rows", nl=False, err=True)


def finish() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
