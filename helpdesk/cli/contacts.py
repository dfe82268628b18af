"""`helpdesk contacts`: people to look at, and in and out as CSV files, from the command line."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from helpdesk.cli.calling import Api, calls, told
from helpdesk.cli.running import with_desk
from helpdesk.contact_csv import exporting, imports
from helpdesk.contact_csv.models import ContactImport, RefusedRow, State
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import DESK

WORDS = {
    "new": "new",
    "changed": "changed",
    "unchanged": "as they are",
    "bad": "not taken",
    "companies": "new companies",
    "removed": "removed",
    "restored": "as they were",
    "kept": "kept, since somebody wrote or noted something",
}
MOST_TOLD = 20


@click.group()
def contacts() -> None:
    """People and their companies: list, show, import them from CSV, export them, take an import back."""


@contacts.command("list")
@click.option("--search", "q", default="", help="Name, address or company; slips of the finger are forgiven.")
@click.option("--blocked", is_flag=True, help="Only those who are blocked.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@calls
async def list_(api: Api, as_json: bool, q: str, blocked: bool, limit: int) -> None:
    """Contacts by name from A to Z, one a line."""
    params = {"q": q, "blocked": str(blocked).lower()}
    async for one in api.pages("/contacts", params, limit):
        if as_json:
            told(one)
        else:
            company = f"  ({one['company']['name']})" if one["company"] else ""
            click.echo(f"{one['id']:>6}  {one['name']}  {one['address'] or ''}{company}")


@contacts.command()
@click.argument("number", type=click.IntRange(1))
@calls
async def show(api: Api, as_json: bool, number: int) -> None:
    """One contact, and every way to reach them."""
    one = await api.ask("GET", f"/contacts/{number}")
    if as_json:
        return told(one)
    company = f", {one['company']['name']}" if one["company"] else ""
    click.echo(f"{one['name']}{company}{' (blocked)' if one['blocked_at'] else ''}")
    for identity in one["identities"]:
        click.echo(f"  {identity['kind']}: {identity['value']}")
    for key, value in one["fields"].items():
        click.echo(f"  {key}: {value}")
    return None


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def import_(file: Path, dry_run: bool, as_json: bool) -> None:
    """Import contacts from a CSV file with a header line; columns are known by their names."""

    content = file.read_bytes()

    async def act(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            made = await imports.upload(desk, session, file.name, content, by=DESK)
        done = await _do(desk, made.id, State.check_wanted)
        if not dry_run and done.state is State.checked:
            done = await _do(desk, made.id, State.run_wanted)
        if done.state is State.failed:
            raise Invalid(done.trouble)
        _tell(done, await _refused(desk, done), as_json=as_json)

    with_desk(act)


@contacts.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def revert(number: int, as_json: bool) -> None:
    """Take an import back, by the number that it was given."""

    async def act(desk: Desk) -> None:
        _tell(await _do(desk, number, State.revert_wanted), [], as_json=as_json)

    with_desk(act)


@contacts.command()
@click.option(
    "--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file; else the output."
)
def export(target: Path | None) -> None:
    """Export all contacts as CSV; importing that file again changes nothing."""

    async def act(desk: Desk) -> None:
        out = target.open("wb") if target else sys.stdout.buffer
        try:
            async with desk.sessions() as session:
                async for chunk in exporting.exported(session, None):
                    out.write(chunk)
        finally:
            out.flush()
            if target:
                out.close()

    with_desk(act)


async def _do(desk: Desk, number: int, state: State) -> ContactImport:
    async with committed(desk.sessions) as session:
        found = await session.scalar(
            select(ContactImport).where(ContactImport.id == number).with_for_update()
        )
        if found is None:
            raise NotFound(f"There is no import {number}. /contacts/import in the console lists them.")
        await imports.want(session, found, state, by=DESK)
    return await imports.do(desk, number)


async def _refused(desk: Desk, done: ContactImport) -> list[RefusedRow]:
    async with desk.sessions() as session:
        rows = await session.scalars(
            select(RefusedRow).where(RefusedRow.import_id == done.id).order_by(RefusedRow.line)
        )
        return list(rows)


def _tell(done: ContactImport, refused: list[RefusedRow], *, as_json: bool) -> None:
    counts = {key: count for key, count in done.report.items() if key in WORDS}
    if as_json:
        rows = [{"line": row.line, "error": row.error} for row in refused]
        told: dict[str, Any] = {"import": done.id, "state": done.state.value, **counts, "refused": rows}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(
        f"Import {done.id}, {done.state.value}: "
        + ", ".join(f"{n} {WORDS[key]}" for key, n in counts.items())
    )
    for row in refused[:MOST_TOLD]:
        click.echo(f"  line {row.line}: {row.error}")
    if len(refused) > MOST_TOLD:
        click.echo(f"  … and {len(refused) - MOST_TOLD} more; the console has all of them as CSV.")
