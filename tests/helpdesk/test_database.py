"""What the engine's connections remember from one transaction to the next."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from helpdesk.desk import Desk

OFTEN = 12  # the driver prepares what it has run five times
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
