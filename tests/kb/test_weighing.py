"""Words are counted one after the other for the desk, and beside it for evaluations: neither waits for the other."""

import asyncio

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import committed
from helpdesk.desk import Desk
from kb.articles import Article
from kb.index import Lexeme, cut, weigh_lexemes

SOON = 20.0  # seconds; who waits for a lock here would wait for ever


async def _own(session: AsyncSession) -> None:
    """As an evaluation hides the desk's tables."""
    for table in ("chunk", "lexeme"):
        await session.execute(
            text(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
        )


@pytest.fixture
async def known(desk: Desk) -> Desk:
    async with committed(desk.sessions) as session:
        article = Article.write("Return a parcel", "Print the label from your account.")
        article.publish()
        session.add(article)
        await session.flush()
        session.add_all(cut(article))
    return desk


async def test_evaluations_hold_up_neither_each_other_nor_the_desk(known: Desk):
    async with asyncio.timeout(SOON), known.sessions() as one, known.sessions() as other:
        await _own(one)
        assert await weigh_lexemes(one) == 0
        await _own(other)
        assert await weigh_lexemes(other) == 0
        async with committed(known.sessions) as session:
            assert await weigh_lexemes(session) > 0
        assert await one.scalar(select(func.count()).select_from(Lexeme)) == 0
    async with known.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Lexeme))


async def test_the_desks_own_count_is_one_after_the_other(known: Desk):
    async with known.sessions() as first, known.sessions() as second:
        await weigh_lexemes(first)
        waiting = asyncio.create_task(weigh_lexemes(second))
        assert not (await asyncio.wait([waiting], timeout=0.3))[0]
        await first.commit()
        async with asyncio.timeout(SOON):
            assert await waiting > 0
        await second.commit()
