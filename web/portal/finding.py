"""What a help centre has that answers: by meaning and words, or by words alone while no model is there or has not read
everything yet."""

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, cast, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import ModelNotReady
from ai.embedding.remote import RemoteFailed
from helpdesk.outbound import Unreachable
from helpdesk.texts import clean, preview
from kb import search
from kb.articles import Article
from kb.chunks import split
from kb.readers import Reader, readable
from kb.serving import is_behind
from web.lookup import Lookup

LONGEST = 200  # characters of a question that are read
BEGINNING = 4_000  # characters of an article that its first words are taken of
MARK = re.compile(r"^\s*[-*•]\s+", re.MULTILINE)
WORDS = 8  # of them, where words alone are looked for
FAR, NEAR = 0.3, 0.4
"""What shares no word with the question and scores less than FAR, or less than this share of the best, is none."""
SURE = 0.5
"""Score from which an article is likely enough an answer to be shown before a message is sent."""


@dataclass(frozen=True)
class Answer:
    id: int
    slug: str
    title: str
    category: str
    words: str
    """The passage that answers best, or how the article begins."""
    score: float


async def answers(
    session: AsyncSession,
    lookup: Lookup,
    question: str,
    *,
    reader: Reader,
    limit: int = 10,
    locale: str = "",
) -> list[Answer]:
    """The best first; of what this reader may read. `locale`: of the question, where the reader reads all. What the
    session has to write is committed: no connection is held while another machine makes the vector."""
    asked = " ".join(clean(question)[: 4 * LONGEST].split())[:LONGEST]
    if not asked:
        return []
    try:
        embedder = await lookup.embedder(session)
        await session.commit()
        hits = await search.search(
            session, embedder, asked, reader=reader, limit=limit, locale=locale or reader.locale or "en"
        )
    except (ModelNotReady, Unreachable, RemoteFailed):
        return await _by_words(session, asked, reader=reader, limit=limit)
    if not hits and await is_behind(session, embedder):
        return await _by_words(session, asked, reader=reader, limit=limit)
    best = max((hit.fused for hit in hits), default=0.0)
    return [
        Answer(hit.article_id, hit.slug, hit.title, hit.category, _passage(hit.best.text), hit.fused)
        for hit in hits
        if hit.fused >= NEAR * best and (hit.fused >= FAR or hit.words)
    ]


def _passage(text: str) -> str:
    """On one line, where the marks of a list's items would stand in the middle of it."""
    return preview(MARK.sub("", text).replace("|", "·"), 220)


def _beginning(body: str) -> str:
    """How an article begins, as it is read: without the marks that it is written with."""
    passages = split(body[:BEGINNING])
    return _passage(passages[0].text) if passages else ""


async def _by_words(session: AsyncSession, asked: str, *, reader: Reader, limit: int) -> list[Answer]:
    """Articles that have the most of the words, those in the title counting three times."""
    words = sorted({word for word in asked.lower().split() if len(word) > 2}, key=len, reverse=True)[:WORDS]
    if not words:
        return []
    titles = [func.lower(Article.title).contains(word, autoescape=True) for word in words]
    bodies = [func.lower(Article.body).contains(word, autoescape=True) for word in words]
    points: ColumnElement[int] = literal(0)
    for weight, found in ((3, titles), (1, bodies)):
        for each in found:
            points = points + cast(each, Integer) * weight
    rows = await session.execute(
        select(Article.id, Article.slug, Article.title, Article.body, points.label("points"))
        .where(readable(reader), or_(*titles, *bodies))
        .order_by(points.desc(), Article.title)
        .limit(limit)
    )
    most = 4 * len(words)
    return [Answer(r.id, r.slug, r.title, "", _beginning(r.body), r.points / most) for r in rows]
