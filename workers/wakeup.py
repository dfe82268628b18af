"""One LISTEN connection that wakes everyone who waits for something in the database.

A notification is a hint: whoever waits also looks for itself every second, so that a lost connection costs
latency, never work. After a reconnect everybody is woken, since something may have been missed.
"""

import asyncio
from contextlib import suppress

import structlog
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from helpdesk.database import CHANNEL, libpq_url

POLL = 1.0  # seconds
QUIET = 20.0  # seconds without a notification after which the connection is tried

log = structlog.get_logger(__name__)


class Bell:
    """Rings for names that begin with one of its prefixes."""

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, at_most: float = POLL) -> None:
        """Until it has rung since the last time, or the time is over."""
        with suppress(TimeoutError):  # wait_for of Python 3.11 loses a cancellation that comes with the ring
            async with asyncio.timeout(at_most):
                await self._rung.wait()
        self._rung.clear()


class Wakeup:
    def __init__(self, url: str) -> None:
        self.url = libpq_url(url)
        self._bells: list[Bell] = []

    def bell(self, *prefixes: str) -> Bell:
        bell = Bell(*prefixes)
        self._bells.append(bell)
        return bell

    async def run(self) -> None:
        """Listens until the connection is lost, which raises; its supervisor calls it again."""
        async with await AsyncConnection.connect(
            self.url, autocommit=True, application_name="helpdesk listen"
        ) as connection:
            await connection.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
            self._ring("")
            while True:
                async for notification in connection.notifies(timeout=QUIET):
                    self._ring(notification.payload)
                async with asyncio.timeout(QUIET):
                    await connection.execute("SELECT 1")  # a half-open connection shows only when it is used

    def _ring(self, name: str) -> None:
        for bell in self._bells:
            if not name or name.startswith(bell.prefixes):
                bell.ring()
