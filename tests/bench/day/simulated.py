"""One day from its beginning to its sums."""

import time
from collections.abc import Callable
from datetime import timedelta
from random import Random

from helpdesk.desk import Desk
from tests.bench.day.checking import Report, checked
from tests.bench.day.running import Day
from tests.bench.day.world import World


async def simulated(
    desk: Desk,
    *,
    agents: int,
    tickets: int,
    start: int = 0,
    hours: int = 24,
    seed: int = 1,
    count_every: timedelta,
    told: Callable[[str], None] | None = None,
) -> Report:
    began, random = time.monotonic(), Random(seed)  # noqa: S311 - a day, no secret
    world = await World.made(desk, agents=agents, start=start, hours=hours, random=random)
    day = Day(world, random, tickets, count_every, told)
    await day.run()
    ran = time.monotonic() - began
    report = await checked(day)
    report.numbers |= {"wall seconds": round(ran), "of the model": round(time.monotonic() - began - ran)}
    return report
