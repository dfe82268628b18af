"""What the engine's connections remember from one transaction to the next."""

from contextlib import AsyncExitStack

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from helpdesk.desk import Desk

OFTEN = 12  # the driver prepares what it has run twice
PREPARED = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 40 +%'")


async def asked_often(desk: Desk) -> None:
    """On the pool's one connection, in transactions that only read and end without a commit."""
    for n in range(OFTEN):
        async with desk.sessions() as session:
            assert await session.scalar(text("SELECT 40 + CAST(:n AS bigint)"), {"n": n}) == 40 + n


async def test_reading_transactions_keep_their_plans(desk: Desk):
    await asked_often(desk)
    async with desk.sessions() as session:
        assert await session.scalar(PREPARED) == 1


async def test_a_connection_keeps_the_plans_of_all_that_the_desk_asks(desk: Desk):
    """Some 200 statements; where each drove out another, all would be planned anew again and again."""
    for _ in range(4):
        async with desk.sessions() as session:
            for n in range(200):
                await session.execute(text(f"SELECT 50 + CAST(:n AS bigint) AS kept_{n}"), {"n": n})
    async with desk.sessions() as session:
        kept = text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 50 +%'")
        assert await session.scalar(kept) == 200


async def test_connections_that_were_needed_at_once_are_kept_and_the_last_one_works_on(desk: Desk):
    """A new one has no plan of anything, and would come when most is to be done."""

    async def backends(count: int) -> list[int]:
        async with AsyncExitStack() as together:
            sessions = [await together.enter_async_context(desk.sessions()) for _ in range(count)]
            return [await session.scalar(text("SELECT pg_backend_pid()")) or 0 for session in sessions]

    burst = await backends(14)
    assert len({*burst}) == 14
    assert {*await backends(14)} == {*burst}
    assert len({(await backends(1))[0] for _ in range(5)}) == 1


async def test_a_transaction_that_failed_makes_its_connection_forget(desk: Desk):
    """Whether what it began to prepare is there, nobody knows."""
    await asked_often(desk)
    async with desk.sessions() as session:
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT 1 / 0"))
    async with desk.sessions() as session:
        assert await session.scalar(PREPARED) == 0
    await asked_often(desk)


async def test_what_was_written_and_not_committed_is_gone(desk: Desk):
    async with desk.sessions() as session:
        await session.execute(text("INSERT INTO tag (name, colour) VALUES ('lost', '')"))
    async with desk.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM tag WHERE name = 'lost'")) == 0
