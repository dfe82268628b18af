"""Several things at once that come to an end together, although a cancellation may be lost on the way.

Until Python 3.12, `asyncio.wait_for` swallows a cancellation that comes in the same moment as what it waits for, and
libraries wait with it, psycopg among them. A task group cancels once; whoever lost that would hold it up for ever.
"""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

AGAIN = 5.0  # seconds that a task may take to clean up before it is asked to end once more


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Until the first of them ends; then all are ended. Raises what one of them raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel them, again as long as they go on. Raises nothing of theirs."""
    asked = False
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=AGAIN)
        except asyncio.CancelledError:
            asked = True
    if asked:
        raise asyncio.CancelledError
