"""`helpdesk imports`: tickets, people and files of another product, brought in and, if need be, out again."""

import asyncio
from pathlib import Path

import click
from sqlalchemy import select

from helpdesk.cli.running import running as opened
from helpdesk.cli.running import with_desk
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import DESK
from helpdesk.imports import ordering, reverting
from helpdesk.imports.fetching import Access
from helpdesk.imports.reports import KINDS, Report
from helpdesk.imports.rows import ImportRun
from helpdesk.imports.running import run as run_import
from helpdesk.imports.vendors import all_of_them
from helpdesk.inboxes import Inbox
from helpdesk.settings import load


@click.group()
def imports() -> None:
    """Bring tickets of another product in: silently, repeatable, and so that it can be taken back."""


@imports.command()
@click.argument("vendor", type=click.Choice(sorted(all_of_them())))
@click.argument("place", metavar="FOLDER|ZIP|URL")
@click.option(
    "--name", default="main", show_default=True, help="Which desk of that product; ids are unique within."
)
@click.option("--inbox", required=True, help="The address of the inbox that its tickets go to.")
@click.option("--dry-run", is_flag=True, help="Only count; change nothing.")
@click.option("--user", default="", help="For an API that wants a name beside the key: the agent's address.")
@click.option(
    "--key", envvar="HELPDESK_IMPORT_KEY", default="", help="The API's key; or in HELPDESK_IMPORT_KEY."
)
def run(vendor: str, place: str, name: str, inbox: str, dry_run: bool, user: str, key: str) -> None:
    """Import, or go on where an import was interrupted: what is known already is left alone."""
    is_url = place.startswith(("http://", "https://"))
    if is_url and not key:
        key = click.prompt("Key of the API", hide_input=True)
    where = place if is_url else str(Path(place).absolute())

    async def act() -> None:
        settings = load()
        async with opened(settings, pool=2) as desk:
            async with committed(desk.sessions) as session:
                found = await session.scalar(select(Inbox).where(Inbox.address == inbox.lower()))
                if found is None:
                    raise NotFound(f"No inbox has the address {inbox}. `helpdesk inbox list` shows them.")
                access = Access(place, key, user) if is_url else None
                ordered = await ordering.order(
                    desk,
                    session,
                    vendor=vendor,
                    name=name,
                    place=where,
                    inbox=found,
                    by=DESK,
                    dry=dry_run,
                    access=access,
                )
            report = await _run(desk, ordered)
        _tell(report, ordered.id, dry=dry_run)

    asyncio.run(act())


async def _run(desk: Desk, ordered: ImportRun) -> Report:
    with click.progressbar(length=1, label="Importing", show_pos=False) as bar:

        def progress(report: Report) -> None:
            bar.length = max(report.expected, 1)
            bar.update(report.of("ticket").all - bar.pos)

        folder = await ordering.folder_of(desk, ordered)
        return await asyncio.to_thread(
            run_import, desk.database_url, desk.files.folder, ordered.id, folder, progress=progress
        )


@imports.command("list")
def list_runs() -> None:
    """List imports, newest first."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            for one in await ordering.runs(session):
                report = Report.read(one.report)
                what = "dry run" if one.dry else "import"
                made = f"{report.of('ticket').made} tickets, {report.of('message').made} messages"
                click.echo(
                    f"{one.id:5}  {one.created_at:%Y-%m-%d %H:%M}  {one.source:24} {what:8} {one.state:10} {made}"
                )
                if one.trouble:
                    click.echo(f"       {one.trouble}")

    with_desk(act)


@imports.command()
@click.argument("number", type=int)
def report(number: int) -> None:
    """What an import made, found, skipped and could not read."""

    async def act(desk: Desk) -> None:
        async with desk.sessions() as session:
            found = await session.get(ImportRun, number)
        if found is None:
            raise NotFound(f"There is no import {number}. `helpdesk imports list` shows them.")
        _tell(Report.read(found.report), number, dry=found.dry)

    with_desk(act)


@imports.command()
@click.argument("number", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
def revert(number: int, yes: bool) -> None:
    """Take an import back: what it made is deleted, but for tickets in which something was said since."""
    if not yes and not click.confirm(f"Delete everything that import {number} made?"):
        raise Invalid("Nothing was changed.")

    async def act(desk: Desk) -> None:
        done = await reverting.revert(desk, number, by=DESK)
        click.echo(
            f"{done.tickets} tickets, {done.contacts} contacts, {done.agents} colleagues and "
            f"{done.companies} companies are gone."
        )
        if done.kept:
            click.echo(f"{done.kept} tickets stay: something was said in them since.")

    with_desk(act)


def _tell(told: Report, number: int, *, dry: bool) -> None:
    click.echo(f"{'Dry run' if dry else 'Import'} {number}:")
    for kind, name in KINDS.items():
        if (count := told.of(kind)).all:
            click.echo(
                f"  {name!s:14} {count.made:8} new {count.known:8} known "
                f"{count.skipped:6} skipped {count.failed:6} failed"
            )
    for trouble in told.troubles[:20]:
        click.echo(f"  {trouble['kind']} {trouble['id']}: {trouble['why']}")
    if len(told.troubles) > 20:
        click.echo(
            f"  … and {len(told.troubles) - 20} more: `helpdesk imports report {number}`, or the console."
        )
