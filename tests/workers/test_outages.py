"""Whose fault an error of the database is: a mail that is too much for it must not be tried for ever."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.messages import Sender
from helpdesk.people import known_as
from workers.outages import is_outage


async def test_what_no_index_can_hold_is_the_mails_own_fault(session: AsyncSession):
    scattered = "".join(chr(0x4E00 + (n * 7_919) % 20_000) for n in range(1_900))  # hard to pack
    with pytest.raises(DBAPIError) as refused:
        await known_as(session, Sender(address=f"{scattered}@evil.example"))
    assert not is_outage(refused.value)


async def test_a_statement_that_takes_too_long_is_its_own_fault(session: AsyncSession):
    await session.execute(text("SET LOCAL statement_timeout = '20ms'"))
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text("SELECT pg_sleep(1)"))
    assert not is_outage(refused.value)


async def test_a_connection_that_was_ended_is_an_outage(session: AsyncSession):
    with pytest.raises(DBAPIError) as refused:
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert is_outage(refused.value)
