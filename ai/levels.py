"""How sure the gate must be at this desk, measured on its own articles and without anybody's verdict.

Every title is asked as a question whose answer was taken away: the best hit is a neighbour, which does not answer.
Where neighbours look like answers, as in a help centre with many notes on one thing, the shipped threshold stays.
Where they do not, less is enough; but then the best article must also stand closer to the question than
neighbours stand to each other, or a question about a known thing would pass for an answered one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, pstdev

import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ai.answerability import gate
from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.ports import Embedder
from kb.articles import CUSTOMERS, Article, State
from kb.search import TITLE, Hit, search

ENOUGH = 20
"""With fewer articles nothing is known about the neighbourhood."""
SAMPLE = 100
"""More titles change the third digit."""
NEIGHBOURS = 0.85
"""The share of neighbours that stay below the desk's threshold."""
UNLIKE = 0.5
"""The threshold sinks only where those neighbours are more likely no answer, by the gate's own account."""
APART = 0.45
"""Standard deviations above the neighbours' mean closeness."""


class AnswerLevel(Base):
    """What `measure` found, for one model; renewed whenever articles have changed."""

    __tablename__ = "answer_level"

    embedder: Mapped[str] = mapped_column(primary_key=True)
    threshold: Mapped[float]
    closeness: Mapped[float]
    articles: Mapped[int]
    """How many titles were asked."""
    measured_at: Mapped[datetime] = mapped_column(insert_default=now)


@dataclass(frozen=True)
class Level:
    """Either sure by any desk's measure, or sure enough for this desk and closer than its neighbours."""

    threshold: float
    closeness: float = 0.0

    def is_sure(self, chance: float) -> bool:
        return chance >= min(self.threshold, gate().threshold)

    def is_close(self, chance: float, hits: Sequence[Hit]) -> bool:
        return chance >= gate().threshold or closeness(hits[0]) >= self.closeness

    def lets_through(self, chance: float, hits: Sequence[Hit]) -> bool:
        return bool(hits) and self.is_sure(chance) and self.is_close(chance, hits)


def closeness(hit: Hit) -> float:
    return hit.dense + TITLE * hit.title_score


async def level(session: AsyncSession, embedder: Embedder) -> Level:
    """The desk's own, or the shipped threshold where none was measured."""
    known = await session.get(AnswerLevel, embedder.name)
    return Level(known.threshold, known.closeness) if known else Level(gate().threshold)


async def measure(session: AsyncSession, embedder: Embedder) -> Level:
    """Ask the titles and keep the result: some 15 ms for each of at most SAMPLE articles."""
    neighbours = [each for each in await neighbours_of_titles(session, embedder) if each]
    found = level_of(neighbours) if len(neighbours) >= ENOUGH else Level(gate().threshold)
    await session.execute(delete(AnswerLevel).where(AnswerLevel.embedder == embedder.name))
    session.add(
        AnswerLevel(
            embedder=embedder.name,
            threshold=found.threshold,
            closeness=found.closeness,
            articles=len(neighbours),
        )
    )
    await session.flush()
    return found


async def neighbours_of_titles(session: AsyncSession, embedder: Embedder) -> list[list[Hit]]:
    """The hits of each title without its own article; translations are no neighbours."""
    articles = await session.scalars(
        select(Article)
        .where(Article.state == State.published, Article.audience.in_(CUSTOMERS))
        .order_by(func.md5(Article.slug))
        .limit(SAMPLE)
    )
    return [
        [
            hit
            for hit in await search(
                session, embedder, article.title, audiences=CUSTOMERS, limit=12, locale=article.locale
            )
            if hit.article_id != article.id and hit.locale == article.locale
        ]
        for article in articles.all()
    ]


def level_of(neighbours: Sequence[Sequence[Hit]]) -> Level:
    chances = [gate().chance(hits) for hits in neighbours]
    near = [max(closeness(hit) for hit in hits) for hits in neighbours]
    threshold = float(np.quantile(chances, NEIGHBOURS))
    if threshold >= UNLIKE:
        return Level(gate().threshold)
    return Level(round(threshold, 4), round(fmean(near) + APART * pstdev(near), 4))
