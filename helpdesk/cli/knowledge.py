"""`helpdesk knowledge`: articles from files of other products, and all of them as Markdown."""

import asyncio
from pathlib import Path

import click

from helpdesk.cli.indexing import index
from helpdesk.cli.running import running as opened
from helpdesk.database import committed
from helpdesk.errors import Invalid
from helpdesk.events import DESK
from helpdesk.settings import load
from kb.imports import exporting, reading, running
from kb.imports.pictures import Gallery
from kb.imports.running import Fate


@click.group()
def knowledge() -> None:
    """Bring articles in, as often as you like: the same ones are updated, not doubled. Take them all along."""


knowledge.add_command(index)


@knowledge.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--source", default="", help="Where it comes from; ids are unique within. The file's name otherwise."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--publish", is_flag=True, help="Publish what was published where it comes from.")
@click.option(
    "--overwrite", is_flag=True, help="Also what was edited here since; the old texts stay as versions."
)
def import_(file: Path, source: str, dry_run: bool, publish: bool, overwrite: bool) -> None:
    """A .zip of Markdown, HTML, DOCX or PDF, an export of Zendesk Guide, Intercom or Freshdesk (JSON), or one file."""
    if file.stat().st_size > reading.LARGEST:
        raise reading.TooLarge
    content = file.read_bytes()

    async def act() -> None:
        name = source or file.stem
        async with opened(load(), pool=2) as desk, committed(desk.sessions) as session:
            found = await reading.read(file.name, content, Gallery(desk.files))
            if dry_run:
                steps = await running.foresee(session, name, found.documents)
            else:
                steps = await running.write(
                    session, name, found.documents, by=DESK, publish=publish, overwrite=overwrite
                )
        for step in steps:
            if step.fate is not Fate.unchanged:
                click.echo(f"{step.fate:10} {step.title}")
        for trouble in found.troubles:
            click.secho(f"not read   {trouble.name}: {trouble.because}", fg="yellow")
        counts = ", ".join(f"{n} {fate}" for fate, n in running.counted(steps).items())
        click.echo(f"{'Would be' if dry_run else 'Done'}: {counts}; {len(found.troubles)} not read.")

    asyncio.run(act())


@knowledge.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(file: Path) -> None:
    """Every article as Markdown with its pictures, in a .zip that `helpdesk knowledge import` reads again."""
    if file.exists():
        raise Invalid(f"{file} is there already. Choose another name, or move it away.")

    async def act() -> None:
        async with opened(load(), pool=2) as desk, desk.sessions() as session:
            with file.open("xb") as into:
                n = await exporting.export(session, desk.files, into)
        click.echo(f"{n} articles in {file}")

    asyncio.run(act())
