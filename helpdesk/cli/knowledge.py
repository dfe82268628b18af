"""`helpdesk knowledge`: articles from files of other products and from websites, and all of them as Markdown."""

import asyncio
import tempfile
from pathlib import Path

import click
from rich.console import Console as Terminal

from helpdesk.cli.indexing import index
from helpdesk.cli.running import running as opened
from helpdesk.database import committed
from helpdesk.errors import Invalid
from helpdesk.events import DESK
from helpdesk.settings import load
from helpdesk.storage import Files
from kb.imports import exporting, ordering, reading, running, sites
from kb.imports.documents import Read
from kb.imports.pictures import Gallery, Waiting
from kb.imports.running import Fate


@click.group()
def knowledge() -> None:
    """Bring articles in, as often as you like: the same ones are updated, not doubled. Take them all along."""


knowledge.add_command(index)


@knowledge.command("import")
@click.argument("what", metavar="FILE|ADDRESS")
@click.option(
    "--source",
    default="",
    help="Where it comes from; ids are unique within. The name of the file or the site otherwise.",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--publish", is_flag=True, help="Publish what was published where it comes from.")
@click.option(
    "--overwrite", is_flag=True, help="Also what was edited here since; the old texts stay as versions."
)
def import_(what: str, source: str, dry_run: bool, publish: bool, overwrite: bool) -> None:
    """A .zip of Markdown, HTML, DOCX or PDF, an export of Zendesk Guide, Intercom or Freshdesk (JSON), one file, or the
    pages of a website (https://example.com/help), by its sitemap."""
    file = Path(what)
    is_site = "://" in what
    content = b"" if is_site else _content(file)

    async def act(folder: str) -> None:
        async with opened(load(), pool=2) as desk:
            pictures = Waiting(Files(Path(folder)), desk.files)
            gallery = Gallery(pictures.read, desk.outbound if is_site else None)
            if is_site:
                found = await _of_site(what, gallery)
            else:
                found = await reading.read(file.name, content, gallery)
            name = source or (ordering.source_of(desk, what) if is_site else file.stem)
            async with committed(desk.sessions) as session:
                if dry_run:
                    steps = await running.foresee(session, name, found.documents)
                else:
                    steps = await running.write(
                        session,
                        name,
                        found.documents,
                        by=DESK,
                        publish=publish,
                        overwrite=overwrite,
                        pictures=pictures,
                    )
        for step in steps:
            if step.fate is not Fate.unchanged:
                click.echo(f"{step.fate:10} {step.title}")
        for trouble in found.troubles:
            click.secho(f"not read   {trouble.name}: {trouble.because}", fg="yellow")
        counts = ", ".join(f"{n} {fate}" for fate, n in running.counted(steps).items())
        click.echo(f"{'Would be' if dry_run else 'Done'}: {counts}; {len(found.troubles)} not read.")

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(act(folder))


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise Invalid(f"There is no file {file}. A website begins with https://.")
    if file.stat().st_size > reading.LARGEST:
        raise reading.TooLarge
    return file.read_bytes()


async def _of_site(address: str, gallery: Gallery) -> Read:
    """Nothing of it is in the database's way while pages are fetched."""
    with Terminal(stderr=True).status("Reading the sitemap") as status:

        async def tell(done: int, total: int) -> None:
            status.update(f"{done} of {total} pages read")

        return await sites.read(address, gallery, tell)


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
