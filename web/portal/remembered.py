"""What is dear to work out and seldom changes: which articles are read most, and which belong beside one.

Only numbers of articles are kept, in this process and for ten minutes. Whether somebody may read them is asked each
time, so that what was taken back is gone at once.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic

FRESH = 600  # seconds
MOST = 20_000
"""Answers; who asks for more of them than that pushes out the oldest."""


class Remembered:
    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, list[int]]] = OrderedDict()

    async def of(self, key: Hashable, work: Callable[[], Awaitable[list[int]]], *, least: int) -> list[int]:
        """What was found a while ago, else what `work` finds now, which is kept if it is at least so many."""
        at, found = self._kept.get(key, (0.0, []))
        if found and monotonic() - at < FRESH:
            return found
        found = await work()
        if len(found) >= least:
            self._kept[key] = monotonic(), found
            self._kept.move_to_end(key)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return found
