"""Hybrid search: what a passage means and which telling words it shares, added up per article.

The fusion is z(dense + .3 title) + .25 z(words), z over the candidates: measured against reciprocal ranks,
BM25 and each part alone (docs/ai.md). Scores order one question's articles; they are no probabilities.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import fmean, pstdev
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.ports import Embedder
from kb.articles import Audience
from kb.index import DIMENSIONS, STEMMERS

TITLE = 0.3
WORDS = 0.25
PASSAGE_WORDS = 0.2
"""Within an article: weight of the share of the question's words against the cosine."""
CANDIDATES = 100
"""Passages taken by vector, and as many by words, before their articles are compared exactly."""
QUERY_WORDS = 24
"""The most telling words of a long question; the rest costs time and finds nothing."""


@dataclass(frozen=True)
class Word:
    lexeme: str
    idf: float


@dataclass(frozen=True, kw_only=True)
class FoundPassage:
    chunk_id: int
    position: int
    path: str
    text: str
    dense: float  # cosine of question and passage
    lexical: float  # sum over the question's words: idf × how strongly the passage has them, 0 to 1
    words: tuple[str, ...]  # the question's words (stemmed) that it has, most telling first


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An article that may answer, its best passages first."""

    article_id: int
    version: int
    slug: str
    title: str
    category: str
    locale: str
    passages: tuple[FoundPassage, ...]
    dense: float  # of its best passage
    title_score: float  # cosine of question and title
    lexical: float  # of its best passage
    coverage: float  # share of the question's idf that its best passage has: 1 when every word is there
    fused: float

    @property
    def best(self) -> FoundPassage:
        return self.passages[0]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words it shares with the question, for people."""
        return self.best.words[:5]


async def search(
    session: AsyncSession,
    embedder: Embedder,
    question: str,
    *,
    audiences: Collection[Audience],
    limit: int = 5,
    locale: str = "en",
) -> list[Hit]:
    """The articles that answer best, of those that these audiences may read; nothing for an empty question."""
    if not question.strip() or not audiences:
        return []
    vector = (await embedder.embed([question]))[0]
    words = await telling_words(session, question, locale=locale)
    found = await session.execute(
        text(candidates_sql(len(vector))),
        {
            "vector": "[" + ",".join(f"{x:.6f}" for x in vector) + "]",
            "embedder": embedder.name,
            "dimensions": len(vector),
            "audiences": [each.value for each in audiences],
            "words": [each.lexeme for each in words],
            "terms": [as_tsquery(each.lexeme) for each in words],
            "idfs": [each.idf for each in words],
            "any_word": " | ".join(as_tsquery(each.lexeme) for each in words),
            "candidates": CANDIDATES,
        },
    )
    return fuse(found, total_idf=sum(each.idf for each in words))[:limit]


async def telling_words(session: AsyncSession, question: str, *, locale: str) -> list[Word]:
    """The question's stemmed words with their idf; one that no passage has tells nothing and is left out
    of the ranking, but it counts against the coverage."""
    rows = await session.execute(
        text("""
            SELECT word, idf FROM unnest(tsvector_to_array(to_tsvector(CAST(:stemmer AS regconfig), :question)))
            AS word LEFT JOIN lexeme USING (word)
            ORDER BY idf DESC NULLS FIRST LIMIT :limit
        """),
        {
            "stemmer": STEMMERS.get(locale.split("-")[0].lower(), "simple"),
            "question": question[:8000],
            "limit": QUERY_WORDS,
        },
    )
    known = [(row.word, row.idf) for row in rows]
    unknown = max((idf for _, idf in known if idf is not None), default=log(10))
    return [Word(word, unknown if idf is None else idf) for word, idf in known]


def as_tsquery(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def candidates_sql(dimensions: int) -> str:
    """Readable passages near the question in meaning or in words, with every exact score of theirs.

    The cast to halfvec(n) is what the partial HNSW index is built on, so n is part of the statement.
    """
    cast = f"halfvec({dimensions})" if dimensions in DIMENSIONS else "halfvec"
    near = f"""
        SELECT chunk.id FROM chunk_vector AS v JOIN chunk ON chunk.id = v.chunk_id JOIN readable USING (article_id)
        WHERE v.embedder = :embedder AND vector_dims(v.embedding) = :dimensions
        ORDER BY v.embedding::{cast} <#> CAST(:vector AS {cast}) LIMIT :candidates
    """  # noqa: S608 - `cast` is one of ours
    return f"""
        WITH readable AS (
            SELECT id AS article_id FROM article WHERE state = 'published' AND audience = ANY(:audiences)
        ),
        term AS (
            SELECT * FROM unnest(CAST(:words AS text[]), CAST(:terms AS tsquery[]), CAST(:idfs AS float[]))
            AS term (word, query, idf)
        ),
        worded AS (
            SELECT chunk.id FROM chunk JOIN readable USING (article_id)
            WHERE lexemes @@ CAST(:any_word AS tsquery)
            ORDER BY ts_rank('{{.1,.2,.4,1}}', lexemes, CAST(:any_word AS tsquery), 1) DESC LIMIT :candidates
        ),
        candidate AS (SELECT id FROM ({near}) AS near UNION SELECT id FROM worded)
        SELECT chunk.id, chunk.position, chunk.path, chunk.text, chunk.version,
               article.id AS article_id, article.slug, article.title, article.category, article.locale,
               -(v.embedding::{cast} <#> CAST(:vector AS {cast})) AS dense,
               coalesce(score.lexical, 0) AS lexical, coalesce(score.covered, 0) AS covered,
               coalesce(score.words, '{{}}') AS words
        FROM chunk
        JOIN article ON article.id = chunk.article_id
        JOIN chunk_vector AS v ON v.chunk_id = chunk.id AND v.embedder = :embedder
        LEFT JOIN LATERAL (
            SELECT sum(idf * r / (r + .02)) AS lexical, sum(idf) FILTER (WHERE r > 0) AS covered,
                   array_agg(word ORDER BY idf DESC) FILTER (WHERE r > 0) AS words
            FROM (SELECT word, idf, ts_rank('{{.1,.2,.4,1}}', chunk.lexemes, query, 1) AS r FROM term) AS ranked
        ) AS score ON true
        WHERE article.id IN (SELECT article_id FROM chunk WHERE id IN (SELECT id FROM candidate))
    """  # noqa: S608


def fuse(rows: Iterable[Any], *, total_idf: float) -> list[Hit]:
    """Hits in order, from all passages of the candidate articles."""
    articles: dict[int, list[Any]] = {}
    for row in rows:
        articles.setdefault(row.article_id, []).append(row)
    found = [hit_of(chunks, total_idf) for chunks in articles.values() if any(c.position for c in chunks)]
    dense = standard([hit.dense + TITLE * hit.title_score for hit in found])
    lexical = standard([hit.lexical for hit in found])
    fused = [replace(hit, fused=d + WORDS * w) for hit, d, w in zip(found, dense, lexical, strict=True)]
    return sorted(fused, key=lambda hit: (-hit.fused, hit.article_id))


def hit_of(chunks: Sequence[Any], total_idf: float) -> Hit:
    first = chunks[0]
    passages = sorted(
        (passage_of(row) for row in chunks if row.position > 0),
        key=lambda p: -(p.dense + PASSAGE_WORDS * p.lexical / (total_idf or 1)),
    )
    return Hit(
        article_id=first.article_id,
        version=first.version,
        slug=first.slug,
        title=first.title,
        category=first.category,
        locale=first.locale,
        passages=tuple(passages),
        dense=max(p.dense for p in passages),
        title_score=next((row.dense for row in chunks if row.position == 0), 0.0),
        lexical=max(p.lexical for p in passages),
        coverage=max(row.covered for row in chunks) / (total_idf or 1),
        fused=0.0,
    )


def passage_of(row: Any) -> FoundPassage:
    return FoundPassage(
        chunk_id=row.id,
        position=row.position,
        path=row.path,
        text=row.text,
        dense=row.dense,
        lexical=row.lexical,
        words=tuple(row.words),
    )


def standard(values: Sequence[float]) -> list[float]:
    """z-scores; all zero where there is nothing to tell apart."""
    if not values or not (deviation := pstdev(values)):
        return [0.0] * len(values)
    mean = fmean(values)
    return [(x - mean) / deviation for x in values]
