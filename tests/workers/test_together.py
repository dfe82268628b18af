"""Things that end together, one of which loses the cancellation that it is sent."""

import asyncio

import pytest

from workers import together as module
from workers.together import end, together


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN", 0.05)


async def deaf(times: int = 1) -> None:
    """Loses as many cancellations as asyncio.wait_for may."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if times == 0:
                raise
            times -= 1


async def test_what_loses_a_cancellation_ends_all_the_same():
    at_work = asyncio.create_task(together(deaf(), deaf(2)))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end([at_work])
    assert at_work.cancelled()


async def test_what_one_raises_ends_the_others():
    other = asyncio.Event()

    async def failing() -> None:
        raise LookupError("gone")

    async def waiting() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            other.set()

    with pytest.raises(LookupError, match="gone"):
        await together(waiting(), failing())
    assert other.is_set()


async def test_the_first_that_is_done_ends_the_others():
    async with asyncio.timeout(5):
        await together(deaf(), asyncio.sleep(0))


async def test_nothing_is_ended_at_once():
    await end([])
