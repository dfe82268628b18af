"""`helpdesk config`: a desk's rules, promises, macros, views and lists as a YAML file, compared and put in place."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import configuring
from helpdesk.cli.running import with_desk
from helpdesk.clock import now
from helpdesk.configuring import SECTIONS, Plan, Refused, What
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.people import Agent, Role, with_access

SIGNS = {
    What.added: ("+", "green"),
    What.changed: ("~", "yellow"),
    What.removed: ("-", "red"),
    What.moved: ("↕", "blue"),
}
COLOURS = {"+": "green", "-": "red"}
acting = click.option(
    "--as", "email", metavar="EMAIL", help="The admin in whose name; the first one otherwise."
)
pruning = click.option("--prune", is_flag=True, help="Remove what the file's sections do not have.")
file = click.argument("file", type=click.File(encoding="utf-8"))


@click.group()
def config() -> None:
    """Rules, promises, macros, views and lists as a file: export it, compare it, apply it."""


@config.command()
@click.option(
    "--only", "only", multiple=True, type=click.Choice([s.name for s in SECTIONS]), help="Several times."
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the screen."
)
@acting
def export(only: tuple[str, ...], output: Path | None, email: str | None) -> None:
    """Write this desk's configuration as YAML."""

    async def act(session: AsyncSession, desk: Desk) -> None:
        texts.append(await configuring.written(session, by=await _admin(session, email), only=only))

    texts: list[str] = []
    _with_session(act)
    if output:
        output.write_text(texts[0], encoding="utf-8")
    else:
        click.echo(texts[0], nl=False)


@config.command()
@file
@pruning
@acting
def plan(file: TextIO, prune: bool, email: str | None) -> None:
    """Say what applying FILE would change. Ends with 2 where it would change something, with 1 where it cannot."""
    found: list[Plan] = []
    text = file.read()

    async def act(session: AsyncSession, desk: Desk) -> None:
        found.append(await configuring.plan(session, text, by=await _admin(session, email), prune=prune))

    _with_session(act)
    _show(found[0])
    sys.exit(1 if found[0].troubles else 2 if found[0].steps else 0)


@config.command()
@file
@pruning
@acting
def apply(file: TextIO, prune: bool, email: str | None) -> None:
    """Put FILE in place: all of it or nothing. What was before is kept as a file to go back to."""
    text = file.read()

    async def act(session: AsyncSession, desk: Desk) -> None:
        by = await _admin(session, email)
        before = await configuring.written(session, by=by)
        try:
            made = await configuring.apply(session, text, by=by, prune=prune)
        except Refused as refused:
            _show(refused.plan)
            raise
        _show(made)
        if made.steps:
            kept = _keep(desk, before)
            click.echo(f"\nTo go back: helpdesk config apply --prune {kept}")

    _with_session(act)


def _keep(desk: Desk, text: str) -> Path:
    folder = desk.settings.home / "config"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"before-{now():%Y%m%d-%H%M%S-%f}.yaml"
    kept.write_text(text, encoding="utf-8")
    return kept


def _show(plan: Plan) -> None:
    for step in plan.steps:
        sign, colour = SIGNS[step.what]
        click.secho(f"{sign} {step.section}: {step.key}", fg=colour, bold=True)
        for line in step.diff if step.what is What.changed else ():
            click.secho(f"    {line}", fg=COLOURS.get(line[:1]))
        if step.trouble:
            click.secho(f"    cannot be done: {step.trouble}", fg="red")
    if not plan.steps:
        click.echo("Nothing is different.")
        return
    counts = ", ".join(f"{plan.count(what)} {what.value}" for what in What if plan.count(what))
    click.echo(counts)


def _with_session(act: Callable[[AsyncSession, Desk], Awaitable[None]]) -> None:
    async def acted(desk: Desk) -> None:
        async with committed(desk.sessions) as session:
            await act(session, desk)

    with_desk(acted)


async def _admin(session: AsyncSession, email: str | None) -> Agent:
    query = select(Agent).where(Agent.role == Role.admin, Agent.active).options(*with_access())
    if email:
        query = query.where(func.lower(Agent.email) == email.lower())
    found = (await session.scalars(query.order_by(Agent.id))).unique().first()
    if found is None:
        whose = f" has the address {email}" if email else ""
        raise NotFound(f"No active admin{whose}. `helpdesk user list` shows them.")
    return found
