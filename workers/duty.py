"""Work that one process does at a time: whoever holds the duty. When it ends, another takes over.

Fetching and receiving mail is such a duty: a second fetcher of the same mailbox would fight the first about
the cursor, messages of one sender stay in order, and an attempt to read a mail is counted once.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from psycopg import AsyncConnection

from helpdesk.database import libpq_url
from workers.together import together

BEAT = 2.0  # seconds between looks whether the duty is free, or still ours

log = structlog.get_logger(__name__)


async def on_duty(url: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Wait for the duty, then work while it is ours. Raises when the connection that holds it is lost."""
    async with await AsyncConnection.connect(
        libpq_url(url), autocommit=True, application_name=f"helpdesk duty {name}"
    ) as connection:
        while not await _taken(connection, name):  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(BEAT / 2)
        log.info("duty taken", duty=name)
        await together(_watch(connection), _at(work))


async def _taken(connection: AsyncConnection, name: str) -> bool:
    """An advisory lock of the connection itself: the server frees it when the connection ends."""
    cursor = await connection.execute(
        "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"helpdesk duty {name}"]
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def _watch(connection: AsyncConnection) -> None:
    while True:
        await asyncio.sleep(BEAT)
        async with asyncio.timeout(BEAT * 2):
            await connection.execute("SELECT 1")


async def _at(work: Callable[[], Awaitable[None]]) -> None:
    await work()
