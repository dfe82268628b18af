"""Hybrid search: what a passage means, and which telling words its article shares with the question.

An article scores max(passage, title) + .2 title + .2 words: cosines of its best passage and of its title, and for
each word of the question how telling it is (idf, at most 1) and how strongly the article's best passage for it has
it. Scores are absolute: those of other kinds (kb/everything.py) stand beside them. They are no probabilities.
What else was tried is in docs/ai.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.ports import Embedder, Reranker
from kb.index import DIMENSIONS
from kb.readers import Reader, readable_sql
from kb.words import Words, telling_words

TITLE = 0.3
"""Of the measure of closeness that the gate of drafts and its levels were made with (dense + .3 title)."""
NAMED = 0.2
"""Weight of the title beside the better of passage and title."""
WORDS = 0.2
"""Weight of one word that only one passage has, fully there."""
PASSAGE_WORDS = 0.2
"""Within an article: weight of the share of the question's words against the cosine."""
STRONG = 0.02
"""ts_rank at which a word counts half: it saturates, as in BM25."""
CANDIDATES = 60
"""Passages taken by vector, and as many by words, before their articles are compared exactly."""
BROAD = 1000
"""Passages among which candidates are looked for by words: the rarest words come first."""
ATTEMPTS = 3
"""Where passages are replaced between the two statements of a search: their article is asked for again."""
RERANKED = 20
"""Articles that a reranker reads."""


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
    words: tuple[str, ...] = ()  # the question's words that any of its passages has, most telling first

    @property
    def best(self) -> FoundPassage:
        return self.passages[0]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words it shares with the question, for people."""
        return (self.words or self.best.words)[:5]


async def search(
    session: AsyncSession,
    embedder: Embedder,
    question: str,
    *,
    reader: Reader,
    limit: int = 5,
    locale: str = "en",
    reranker: Reranker | None = None,
) -> list[Hit]:
    """The articles that answer best, of those that this reader may read; nothing for an empty question."""
    if not question.strip():
        return []
    reranker = reranker or getattr(
        embedder, "reranker", None
    )  # what reads letters in the models' process has one
    asked = await Asked.of(session, embedder, question, locale=locale)
    hits: list[Hit] = []
    for _ in range(ATTEMPTS):
        rows = await session.execute(text(scores_sql(len(asked.vector), reader)), asked.parameters)
        found = ranked(rows, asked.words)[: max(limit, RERANKED if reranker else 0)]
        hits = await told(session, found)
        if len(hits) == len(found):
            break
    return (await reranked(reranker, question, hits))[:limit] if reranker else hits[:limit]


@dataclass(frozen=True)
class Asked:
    """A question as the database is asked it."""

    vector: Sequence[float]
    words: Words
    embedder: str

    @classmethod
    async def of(cls, session: AsyncSession, embedder: Embedder, question: str, *, locale: str) -> "Asked":
        if choose := getattr(embedder, "for_search", None):
            embedder = await choose(session)  # another model's vectors may be complete, and this one's not
        vector = (await embedder.embed([question]))[0]
        words = await telling_words(session, question, locale=locale, breadth=CANDIDATES + 20)
        return cls(vector, words, embedder.name)

    @property
    def parameters(self) -> dict[str, Any]:
        terms = [(i, *term) for i, word in enumerate(self.words.all) for term in word.terms]
        return {
            "vector": "[" + ",".join(f"{x:.6f}" for x in self.vector) + "]",
            "embedder": self.embedder,
            "dimensions": len(self.vector),
            "places": [place for place, _, _ in terms],
            "terms": [query for _, query, _ in terms],
            "counts": [count for _, _, count in terms],
            "any_word": self.words.rare(BROAD),
            "candidates": CANDIDATES,
        }


TERMS = """
    term AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:places AS int[]), CAST(:terms AS tsquery[]), CAST(:counts AS float4[]))
        AS term (place, query, counts)
    )
"""
STRENGTHS = """
    LATERAL (SELECT {lexemes} || ''::tsvector AS lexemes OFFSET 0) AS had
    CROSS JOIN LATERAL (
        SELECT array_agg(place) AS places, array_agg(r) AS strengths
        FROM (
            SELECT place, counts * ts_rank('{{.1,.2,.4,1}}', had.lexemes, query, 1) AS r FROM term
            WHERE had.lexemes @@ query
        ) AS ranked
    ) AS score
"""
"""The lexemes of a long passage lie apart from its row: adding nothing fetches them once and not for each word."""


def scores_sql(dimensions: int, reader: Reader) -> str:
    """All passages of the articles that are near the question in meaning or in words, with exact scores.

    The cast to halfvec(n) is what the partial HNSW index is built on, so n is part of the statement.
    """
    cast = f"halfvec({dimensions})" if dimensions in DIMENSIONS else "halfvec"
    readable = readable_sql(reader)
    near = f"""
        SELECT chunk.article_id FROM chunk_vector AS v JOIN chunk ON chunk.id = v.chunk_id
        WHERE v.embedder = :embedder AND vector_dims(v.embedding) = :dimensions
          AND chunk.article_id IN ({readable})
        ORDER BY v.embedding::{cast} <#> CAST(:vector AS {cast}) LIMIT :candidates
    """  # noqa: S608 - `cast` is one of ours
    return f"""
        WITH {TERMS},
        worded AS (
            SELECT chunk.article_id FROM chunk
            WHERE lexemes @@ CAST(:any_word AS tsquery) AND chunk.article_id IN ({readable})
            ORDER BY ts_rank('{{.1,.2,.4,1}}', lexemes, CAST(:any_word AS tsquery), 1) DESC LIMIT :candidates
        ),
        candidate AS MATERIALIZED (
            SELECT article_id FROM ({near}) AS near UNION SELECT article_id FROM worded
        )
        SELECT chunk.id, chunk.position, chunk.article_id,
               -(v.embedding::{cast} <#> CAST(:vector AS {cast})) AS dense, score.places, score.strengths
        FROM candidate
        JOIN chunk ON chunk.article_id = candidate.article_id
        JOIN chunk_vector AS v ON v.chunk_id = chunk.id AND v.embedder = :embedder
        CROSS JOIN {STRENGTHS.format(lexemes="chunk.lexemes")}
    """  # noqa: S608


@dataclass(frozen=True)
class Strengths:
    """Which of the question's words a text has: place in `Words.all` → 0 to 1."""

    by_place: dict[int, float]

    @classmethod
    def of(cls, places: Sequence[int] | None, ranks: Sequence[float] | None) -> "Strengths":
        found: dict[int, float] = {}
        for place, rank in zip(places or (), ranks or (), strict=True):
            found[place] = max(found.get(place, 0.0), rank / (rank + STRONG))
        return cls(found)

    @classmethod
    def best(cls, texts: Iterable["Strengths"]) -> "Strengths":
        """Of several passages that stand together: for each word the one that has it most."""
        found: dict[int, float] = {}
        for each in texts:
            for place, strength in each.by_place.items():
                found[place] = max(found.get(place, 0.0), strength)
        return cls(found)

    def lexical(self, words: Words) -> float:
        return sum(words.all[place].idf * strength for place, strength in self.by_place.items())

    def covered(self, words: Words) -> float:
        return sum(words.all[place].idf for place in self.by_place)

    def shared(self, words: Words) -> float:
        """In words that only one passage has: those weigh 1."""
        return self.lexical(words) / (words.highest_idf or 1)

    def named(self, words: Words) -> tuple[str, ...]:
        """For programs: stems."""
        return tuple(words.all[place].meant or words.all[place].lexeme for place in sorted(self.by_place))

    def shown(self, words: Words) -> tuple[str, ...]:
        """For people: as they stand in the question, or as what they were taken for."""
        found = (words.all[place] for place in sorted(self.by_place))
        return tuple(word.meant or word.written or word.lexeme for word in found)


@dataclass(frozen=True)
class Scored:
    """A passage with its scores, its text not read yet."""

    id: int
    position: int
    dense: float
    strengths: Strengths


@dataclass(frozen=True)
class Candidate:
    article_id: int
    chunks: tuple[Scored, ...]
    words: Words

    @cached_property
    def passages(self) -> list[Scored]:
        return [chunk for chunk in self.chunks if chunk.position > 0]

    @cached_property
    def dense(self) -> float:
        return max(passage.dense for passage in self.passages)

    @cached_property
    def title_score(self) -> float:
        return next((chunk.dense for chunk in self.chunks if chunk.position == 0), 0.0)

    @cached_property
    def together(self) -> Strengths:
        return Strengths.best(passage.strengths for passage in self.passages)

    @cached_property
    def fused(self) -> float:
        return score(self.dense, self.title_score, self.together.shared(self.words))


def score(dense: float, title: float, shared: float) -> float:
    return max(dense, title) + NAMED * title + WORDS * shared


def ranked(rows: Iterable[Any], words: Words) -> list[Candidate]:
    """Articles, best first, from all passages of the candidates; one without any passage answers nothing."""
    chunks: dict[int, list[Scored]] = {}
    for row in rows:
        strengths = Strengths.of(row.places, row.strengths)
        chunks.setdefault(row.article_id, []).append(Scored(row.id, row.position, row.dense, strengths))
    found = [Candidate(id_, tuple(of_it), words) for id_, of_it in chunks.items()]
    found = [candidate for candidate in found if candidate.passages]
    return sorted(found, key=lambda candidate: (-candidate.fused, candidate.article_id))


TEXTS = text("""
    SELECT chunk.id, chunk.path, chunk.text, chunk.version, article.slug, article.title, article.locale,
           coalesce(category.name, '') AS category
    FROM chunk JOIN article ON article.id = chunk.article_id
    LEFT JOIN article_category AS category ON category.id = article.category_id
    WHERE chunk.article_id = ANY(:articles)
""")


async def told(session: AsyncSession, found: Sequence[Candidate]) -> list[Hit]:
    """With their texts, which are read for the best alone."""
    if not found:
        return []
    rows = await session.execute(TEXTS, {"articles": [candidate.article_id for candidate in found]})
    texts = {row.id: row for row in rows}
    return [hit_of(each, texts) for each in found if all(chunk.id in texts for chunk in each.chunks)]


def hit_of(candidate: Candidate, texts: dict[int, Any]) -> Hit:
    words, total = candidate.words, candidate.words.total_idf or 1
    first = texts[candidate.chunks[0].id]
    passages = sorted(
        (passage_of(passage, texts[passage.id], words) for passage in candidate.passages),
        key=lambda p: (-(p.dense + PASSAGE_WORDS * p.lexical / total), p.position),
    )
    return Hit(
        article_id=candidate.article_id,
        version=first.version,
        slug=first.slug,
        title=first.title,
        category=first.category,
        locale=first.locale,
        passages=tuple(passages),
        dense=candidate.dense,
        title_score=candidate.title_score,
        lexical=max(p.lexical for p in passages),
        coverage=max(chunk.strengths.covered(words) for chunk in candidate.chunks) / total,
        fused=candidate.fused,
        words=candidate.together.shown(words),
    )


def passage_of(passage: Scored, row: Any, words: Words) -> FoundPassage:
    return FoundPassage(
        chunk_id=passage.id,
        position=passage.position,
        path=row.path,
        text=row.text,
        dense=passage.dense,
        lexical=passage.strengths.lexical(words),
        words=passage.strengths.named(words),
    )


async def reranked(reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
    """By what a model says that reads question and passage together; its word is the last one."""
    if not hits:
        return []
    scores = await reranker.rerank(question, [f"{hit.title}\n{hit.best.text}" for hit in hits])
    order = sorted(range(len(hits)), key=lambda i: (-scores[i], i))
    return [hits[i] for i in order]
