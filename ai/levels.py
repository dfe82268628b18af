"""How sure the gate must be at this desk, measured on its own articles and without anybody's verdict.

Every title is asked as a question whose answer was taken away: the best hit is a neighbour, which does not answer.
What the search says of neighbours is what is usual here where there is no answer, and questions are judged against
it; and the chance that all but a chosen share of the neighbours stay below is the desk's threshold. So it is known
before the first customer writes how often something false will be offered, at most (docs/ai.md has the proof).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from statistics import fmean, pstdev
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ai.answerability import FEATURES, Usual, features, gate
from ai.verdicts import Verdict, raised, verdicts
from helpdesk import options
from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.ports import Embedder
from kb.articles import Article
from kb.readers import Reader, readable
from kb.search import Hit, search

ENOUGH = 20
"""With fewer articles nothing is known about the neighbourhood."""
SAMPLE = 150
"""Titles that are asked; more change the third digit."""
LEAST = 1e-6
"""Of a deviation: what is the same for all neighbours tells nothing."""


FEW = 0.4
"""Risk of a draft where a desk has too few articles to know its own, among the neighbours of the help centre that
stands in: the largest at which no more than 15 % of the questions without an article get one, at small desks drawn out
of three larger ones (ai/training/small.py)."""


ASKED_IN_VAIN = 1 / 3
"""Share of the questions without an answer that may be asked back about: it costs a customer one message, not the
truth."""


class Neighbourhood(msgspec.Struct, frozen=True):
    """What the search says where there is no answer."""

    usual: Usual
    chances: tuple[float, ...]
    """Of neighbours, ascending."""

    @classmethod
    def of(cls, neighbours: Sequence[Sequence[Hit]]) -> "Neighbourhood":
        rows = [features(hits) for hits in neighbours if hits]
        if len(rows) < ENOUGH:
            return cls.shipped()
        columns = list(zip(*rows, strict=True))
        usual = Usual(
            tuple(round(fmean(each), 5) for each in columns),
            tuple(round(max(pstdev(each), LEAST), 6) for each in columns),
        )
        chances = sorted(round(gate().chance_of(row, usual), 4) for row in rows)
        return cls(usual, tuple(chances))

    @classmethod
    def shipped(cls) -> "Neighbourhood":
        """Of the help centre that the gate was fitted on."""
        return cls(gate().stored.usual, tuple(gate().stored.neighbours))

    def threshold(self, risk: float) -> float:
        """The chance that all but this share of neighbours stay below, of those to come, too (split conformal
        prediction, Vovk 2005: the quantile is that of one neighbour more)."""
        n = len(self.chances)
        place = min(1.0, ceil((n + 1) * (1 - risk)) / n)
        return float(np.quantile(self.chances, place, method="higher"))


class AnswerLevel(Base):
    """What `measure` found, for one model; renewed whenever articles have changed."""

    __tablename__ = "answer_level"

    embedder: Mapped[str] = mapped_column(primary_key=True)
    threshold: Mapped[float]
    """For drafts, as it was when it was measured."""
    closeness: Mapped[float]
    """Of neighbours: their median chance."""
    articles: Mapped[int]
    """How many titles were asked."""
    measured_at: Mapped[datetime] = mapped_column(insert_default=now)
    about: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`Neighbourhood`."""


@dataclass(frozen=True)
class Level:
    """From which chance on something may be said here."""

    threshold: float
    hardly: float = 0.0
    """The chance of an ordinary neighbour: below it the article is not even about the question."""
    usual: Usual | None = None
    asks: float = 1.0
    """The chance from which it is worth asking whether this is what is meant."""

    def chance(self, hits: Sequence[Hit]) -> float:
        """That hits[0] answers the question, at this desk."""
        return gate().chance(hits, self.usual)

    def is_sure(self, chance: float) -> bool:
        """The best article is at least about the question."""
        return chance >= min(self.hardly, self.threshold)

    def is_worth_asking(self, chance: float) -> bool:
        return chance >= self.asks

    def is_close(self, chance: float, hits: Sequence[Hit]) -> bool:
        """It is not only near, but answers."""
        return bool(hits) and chance >= self.threshold

    def lets_through(self, chance: float, hits: Sequence[Hit]) -> bool:
        return self.is_sure(chance) and self.is_close(chance, hits)


async def level(session: AsyncSession, embedder: Embedder, *, alone: bool = False) -> Level:
    """For a draft that an agent reads; `alone`: for an answer that nobody reads before it leaves."""
    chosen = await options.load(session)
    risk = chosen.answer_risk if alone else chosen.draft_risk
    known = await neighbourhood(session, embedder)
    if not alone:
        risk = risk_of_drafts(known, risk)
    return level_of(known, risk, await verdicts(session))


def risk_of_drafts(known: Neighbourhood, chosen: float) -> float:
    return max(chosen, FEW) if known == Neighbourhood.shipped() else chosen


def level_of(known: Neighbourhood, risk: float, judged: Sequence[Verdict] = ()) -> Level:
    """What agents rejected raises the threshold; that they rejected little never lowers it."""
    threshold = raised(known.threshold(risk), judged, wrong=risk)
    asks = min(threshold, known.threshold(ASKED_IN_VAIN))
    return Level(round(threshold, 4), round(known.threshold(0.5), 4), known.usual, round(asks, 4))


async def neighbourhood(session: AsyncSession, embedder: Embedder) -> Neighbourhood:
    """The desk's own, or the shipped one where none was measured."""
    known = await session.get(AnswerLevel, await searched_with(session, embedder))
    if known is None or not known.about:
        return Neighbourhood.shipped()
    try:
        found = msgspec.convert(known.about, Neighbourhood)
    except msgspec.ValidationError:  # written by another version: measured again with the next article
        return Neighbourhood.shipped()
    return found if len(found.usual.means) == len(FEATURES) and found.chances else Neighbourhood.shipped()


async def searched_with(session: AsyncSession, embedder: Embedder) -> str:
    """The name of the model whose vectors its searches use: while another one is read, the one before."""
    choose = getattr(embedder, "for_search", None)
    return str((await choose(session)).name) if choose else embedder.name


async def measure(session: AsyncSession, embedder: Embedder) -> Level:
    """Ask the titles and keep the result: some 15 ms for each of at most SAMPLE articles."""
    neighbours = [each for each in await neighbours_of_titles(session, embedder) if each]
    found, name = Neighbourhood.of(neighbours), await searched_with(session, embedder)
    await session.execute(delete(AnswerLevel).where(AnswerLevel.embedder == name))
    session.add(
        AnswerLevel(
            embedder=name,
            threshold=found.threshold(options.Options().draft_risk),
            closeness=found.threshold(0.5),
            articles=len(neighbours),
            about=msgspec.to_builtins(found),
        )
    )
    await session.flush()
    return await level(session, embedder)


async def neighbours_of_titles(session: AsyncSession, embedder: Embedder) -> list[list[Hit]]:
    """The hits of each title without its own article; translations are no neighbours."""
    articles = await session.scalars(
        select(Article).where(readable(Reader.public())).order_by(func.md5(Article.slug)).limit(SAMPLE)
    )
    return [
        [
            hit
            for hit in await search(
                session, embedder, article.title, reader=Reader.public(), limit=12, locale=article.locale
            )
            if hit.article_id != article.id and hit.locale == article.locale
        ]
        for article in articles.all()
    ]
