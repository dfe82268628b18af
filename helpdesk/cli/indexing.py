"""helpdesk knowledge index: bring the index of the search up to date now, and say how far it is."""

import asyncio
from contextlib import suppress

import click

from ai.embedding import embedder
from helpdesk.cli.running import running
from helpdesk.desk import Desk
from helpdesk.settings import load
from kb import serving

EVERY = 2.0  # seconds between two looks at the progress


@click.command()
@click.option("--status", "only_status", is_flag=True, help="Only say how far it is.")
def index(only_status: bool) -> None:
    """Read what the search does not know yet: articles, solved tickets, macros. The desk does so by itself; this
    shows how far it is, may be stopped at any time, and goes on where it was."""
    asyncio.run(_told() if only_status else _read())


async def _told() -> None:
    async with running(load(), pool=2) as desk:
        click.echo(await _said(desk))


async def _read() -> None:
    from ai.embedding.export import export  # needs torch, once
    from workers.indexing import Indexing

    settings = load()
    export(settings)
    async with running(settings, pool=4) as desk:
        reading = asyncio.create_task(Indexing(desk, embedder(settings)).everything())
        while not reading.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await asyncio.shield(reading)
            click.echo(await _said(desk), err=True)
        await reading
        click.echo(await _said(desk))


async def _said(desk: Desk) -> str:
    async with desk.sessions() as session:
        found = await serving.status(session)
    model = found.wanted
    words = f"{model.articles if model else 0} of {found.articles} articles, {found.passages} passages"
    if model is None:
        return f"{words}; no model has read anything yet"
    answers = found.answering.name if found.answering else "none"
    return f"{words}, {model.vectors} vectors of {model.name}; {answers} answers"
