"""`helpdesk serve`, `helpdesk work`: the console with the work beside it, or the work alone."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from socket import socket

import click
import uvicorn
import uvloop

from helpdesk import first_day
from helpdesk.cli.connections import Guarded, allow_many_files
from helpdesk.cli.running import database, running, stopped_by_signals
from helpdesk.desk import Desk
from helpdesk.embedded import EmbeddedPostgres
from helpdesk.errors import Misconfigured
from helpdesk.memory import spare_the_collector
from helpdesk.settings import Settings, load

Beside = Callable[[Desk, asyncio.Event], Coroutine[None, None, None]]
"""Something else that runs in the same process until the event is set."""
DRAIN = 10  # seconds that open requests and streams get to end


@click.command()
@click.option("--host", help="Where to listen; HELPDESK_HOST otherwise.")
@click.option("--port", type=int, help="HELPDESK_PORT otherwise.")
@click.option("--workers/--no-workers", default=True, help="Also listen, deliver and assist in this command.")
def serve(host: str | None, port: int | None, workers: bool) -> None:
    """Serve the console and do the work, all in one command."""
    settings = load(os.environ | given(host, port))
    with database(settings) as (url, server):
        run(served(settings, url, server, workers=workers))


def run(work: Coroutine[None, None, None]) -> None:
    """On uvloop, which costs a third less CPU a request than asyncio's own loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def given(host: str | None, port: int | None) -> dict[str, str]:
    options = {"HELPDESK_HOST": host, "HELPDESK_PORT": port}
    return {name: str(value) for name, value in options.items() if value is not None}


async def served(
    settings: Settings,
    url: str,
    server: EmbeddedPostgres | None = None,
    *,
    workers: bool = True,
    beside: Sequence[Beside] = (),
    started: Callable[[], None] = lambda: None,
) -> None:
    """Until a signal comes. The private server's death ends the desk with words, not silently."""
    desk = Desk.open(settings, url)
    try:
        if address := await first_day.welcome(desk):
            click.echo(f"Nobody is here yet. Begin as the first admin: {address}")
        with stopped_by_signals() as stop:
            async with asyncio.TaskGroup() as group:
                web = group.create_task(serve_console(desk, stop, started))
                if workers:
                    group.create_task(work_beside(desk, stop))
                for other in beside:
                    group.create_task(other(desk, stop))
                if server:
                    watching = group.create_task(server.watch())
                    web.add_done_callback(lambda _: watching.cancel())
    except* Misconfigured as group_of_one:
        raise group_of_one.exceptions[0] from None
    finally:
        await desk.close()


async def serve_console(desk: Desk, stop: asyncio.Event, started: Callable[[], None]) -> None:
    from web.app import create_app

    allow_many_files()
    config = uvicorn.Config(
        create_app(desk),
        host=desk.settings.host,
        port=desk.settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN,
        http=Guarded,
        ws="none",
        server_header=False,
        forwarded_allow_ips=desk.settings.trusted_proxies,
    )
    console = Console(config, started)
    stopping = asyncio.create_task(console.stopped_by(stop))
    spare_the_collector()
    try:
        await console.serve()
    finally:
        stopping.cancel()
        stop.set()
    if not console.started:
        raise Misconfigured(
            f"Nothing can listen on {desk.settings.host}:{desk.settings.port}: another program may be using it. "
            "Choose another with --port or HELPDESK_PORT."
        )


class Console(uvicorn.Server):
    """Signals are the command's, which also has workers to stop."""

    def __init__(self, config: uvicorn.Config, tell_started: Callable[[], None]) -> None:
        super().__init__(config)
        self.tell_started = tell_started

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.tell_started()

    async def stopped_by(self, stop: asyncio.Event) -> None:
        await stop.wait()
        # Open streams would otherwise hold up the end for as long as DRAIN.
        self.config.app.state.live.close()  # type: ignore[union-attr]
        self.should_exit = True


async def work_beside(desk: Desk, stop: asyncio.Event) -> None:
    """In a process of its own where there is a core for it, so that no page waits while mail is read."""
    from workers.apart import apart, is_apart
    from workers.supervision import Supervisor

    if not is_apart(desk.settings):
        return await do_work(desk, stop)
    kept = asyncio.create_task(Supervisor().keep("workers", apart(desk).run))
    await stop.wait()
    kept.cancel()
    await asyncio.wait({kept})
    return None


async def do_work(desk: Desk, stop: asyncio.Event) -> None:
    from workers.run import run as run_workers

    await run_workers(desk, stop=stop)


@click.command()
def work() -> None:
    """Do the work without the console: listeners, deliveries, models."""
    run(worked(load()))


async def worked(settings: Settings) -> None:
    if settings.embedded:
        raise Misconfigured(
            "A worker of its own needs a database that both can reach: set DATABASE_URL. "
            "With the private PostgreSQL, `helpdesk serve` does the work too."
        )
    async with running(settings) as desk:
        with stopped_by_signals() as stop:
            await do_work(desk, stop)
