"""Parts that run for ever: one that fails is started again, later each time, and never takes the others down."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import structlog

from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from workers.outages import is_outage

SOONEST, LATEST = 0.2, 30.0  # seconds until a part is started again
SETTLED = 60.0  # seconds after which a part counts as running well

log = structlog.get_logger(__name__)


@dataclass
class Part:
    """One thing that is to run for ever, and how it is."""

    name: str
    running: bool = False
    restarts: int = 0
    since: datetime = field(default_factory=now)
    trouble: str = ""
    """Why it does not run, or why it last ended, in words."""


class Supervisor:
    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` until this is cancelled, again whenever it ends or raises."""
        part = self.parts[name] = Part(name)
        delay = SOONEST
        try:
            while True:
                started = time.monotonic()
                await self._once(part, work)
                if _is_asked_to_end():
                    raise asyncio.CancelledError
                if time.monotonic() - started > SETTLED:
                    delay = SOONEST
                await asyncio.sleep(delay * random.uniform(0.75, 1.25))  # noqa: S311 - spreads, hides nothing
                delay = min(delay * 2, LATEST)
                part.restarts += 1
        finally:
            self.parts.pop(name, None)

    async def _once(self, part: Part, work: Callable[[], Awaitable[None]]) -> None:
        part.running, part.since = True, now()
        try:
            await work()
            part.trouble = "It ended by itself."
            log.warning("part ended", part=part.name)
        except Exception as error:
            part.trouble = str(error) or type(error).__name__
            if is_outage(error) or isinstance(error, HelpdeskError):
                log.warning("part failed", part=part.name, error=part.trouble)
            else:
                log.exception("part failed", part=part.name)
        finally:
            part.running, part.since = False, now()

    def health(self) -> dict[str, Any]:
        """For /health/ready: whether everything runs, and each part by name."""
        parts = {name: asdict(part) for name, part in sorted(self.parts.items())}
        return {"ok": all(part["running"] for part in parts.values()), "parts": parts}


def _is_asked_to_end() -> bool:
    """Work that fails while it is being cancelled, because the database is away, hides that it was."""
    task = asyncio.current_task()
    return bool(task and task.cancelling())
