"""A desk with its database: the private PostgreSQL started where there is no other, the schema up to date."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

from helpdesk import logs
from helpdesk.cli import migrating
from helpdesk.desk import Desk
from helpdesk.embedded import AlreadyServed, EmbeddedPostgres
from helpdesk.errors import Misconfigured
from helpdesk.settings import Settings, load

OWNER = "helpdesk_owner"


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """Yields the application's URL, migrated; a private server is ended when the block is left."""
    logs.configure(settings)
    if settings.embedded:
        with EmbeddedPostgres(settings.home, settings.pg_bin) as server:
            migrating.upgrade(server.url(role=OWNER))
            yield server.url(), server
        return
    refuse_old_schema(settings.database_url)
    yield settings.database_url, None


def refuse_old_schema(url: str) -> None:
    """Migrating somebody's own database is theirs to decide, so it is only said."""
    if pending := migrating.pending(url):
        raise Misconfigured(
            f"The database lacks {len(pending)} migration(s) of this version ({', '.join(pending)}). "
            "Run `helpdesk migrate`, with HELPDESK_OWNER_DATABASE_URL set if the tables belong to another role."
        )


@asynccontextmanager
async def running(settings: Settings, *, pool: int = 10) -> AsyncIterator[Desk]:
    """A desk for one command, beside a `helpdesk serve` that may be running already."""
    migrating.tables()  # they name each other, whichever few of them the command itself imports
    with ExitStack() as stack:
        try:
            url, _ = stack.enter_context(database(settings))
        except AlreadyServed:
            url = EmbeddedPostgres(settings.home).url()
        desk = Desk.open(settings, url, pool=pool)
        try:
            yield desk
        finally:
            await desk.close()


def with_desk(act: Callable[[Desk], Awaitable[None]]) -> None:
    """What a short command does, from its own settings to its end."""

    async def acted() -> None:
        async with running(load(), pool=2) as desk:
            await act(desk)

    asyncio.run(acted())


@contextmanager
def stopped_by_signals() -> Iterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; the second one ends the process as usual."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def first(received: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(received)

    for received in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(received, first, received)
    try:
        yield stop
    finally:
        for received in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(received)
