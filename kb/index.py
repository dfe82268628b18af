"""The index of the search: passages, their words and their vectors, kept in step with the articles."""

from collections.abc import Sequence
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    delete,
    select,
    text,
)
from sqlalchemy import insert as insert_
from sqlalchemy.dialects.postgresql import REGCONFIG, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Row
from helpdesk.ports import Embedder, Vectors
from kb.articles import Article, State
from kb.chunks import CUTTING, split
from kb.grams import pairs

DIMENSIONS = (384, 768, 1024)
"""Vectors of these lengths have an HNSW index; others are searched exactly, which is fine up to some 20,000."""

STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "nl": "dutch", "no": "norwegian", "nb": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "tr": "turkish",
}  # fmt: skip


def vector_indexes(table: str) -> tuple[Index, ...]:
    """One for each usual length of the column `embedding`, which has no fixed one."""
    return tuple(
        Index(
            f"ix_{table}_{n}",
            text(f"(embedding::halfvec({n})) halfvec_ip_ops"),
            postgresql_using="hnsw",
            postgresql_where=text(f"vector_dims(embedding) = {n}"),
        )
        for n in DIMENSIONS
    )


class Chunk(Row):
    """One passage of an article. Position 0 is the title alone: it is compared, never quoted."""

    __tablename__ = "chunk"
    __table_args__ = (
        UniqueConstraint("article_id", "version", "position"),
        Index("ix_chunk_lexemes", "lexemes", postgresql_using="gin"),
    )

    article_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("article.id", ondelete="CASCADE"))
    version: Mapped[int]
    position: Mapped[int]
    title: Mapped[str]
    path: Mapped[str]
    """The headings above it, joined by " › "."""
    text: Mapped[str]
    grams: Mapped[str] = mapped_column(default="", server_default="")
    """Pairs of letters of what is written without spaces: PostgreSQL finds no words in it."""
    stemmer: Mapped[str] = mapped_column(REGCONFIG)
    lexemes: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector(stemmer, title), 'A') "
            "|| setweight(to_tsvector(stemmer, path || ' ' || text), 'D') "
            "|| setweight(to_tsvector('simple'::regconfig, grams), 'D')",
            persisted=True,
        ),
        deferred=True,
    )


class ChunkVector(Base):
    """A passage as one model sees it. A second model's vectors grow beside the first's until it takes over,
    so the column has no fixed length; there is one HNSW index per usual length (DIMENSIONS)."""

    __tablename__ = "chunk_vector"
    __table_args__ = vector_indexes("chunk_vector")

    chunk_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True
    )
    embedder: Mapped[str] = mapped_column(primary_key=True)
    precision: Mapped[str]
    embedding: Mapped[Any] = mapped_column(HALFVEC(), deferred=True)


class Lexeme(Base):
    """How telling a word is: its inverse passage frequency, refreshed by a job (`weigh_lexemes`)."""

    __tablename__ = "lexeme"
    __table_args__ = (
        Index("ix_lexeme_idf", "idf"),
        Index("ix_lexeme_alike", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    word: Mapped[str] = mapped_column(Text, primary_key=True)
    passages: Mapped[int]
    idf: Mapped[float]


async def index_changed(
    session: AsyncSession,
    embedder: Embedder,
    *,
    limit: int = 20,
    beside: Embedder | None = None,
    backlog: bool = True,
) -> int:
    """Index up to `limit` published articles that changed, or (`backlog`) that were cut in an older way, or that this
    model has not seen; returns how many. `beside` is the model that answers until this one is complete: it learns of
    new passages as well.

    Rows are locked with SKIP LOCKED, so that several workers share the work. Call it until it returns 0.
    """
    new = articles = await _to_index(session, Article.indexed_version != Article.version, limit)
    if not articles and backlog:
        articles = await _to_index(session, Article.indexed_cutting < CUTTING, limit)
        new = [article for article in articles if not await _stays_as_it_is_cut(session, article)]
    if not articles and backlog:
        articles = await _to_index(session, ~seen_by(embedder), limit)
        await index(session, embedder, *articles)
    await index(session, embedder, *new)
    if beside is not None:
        await index(session, beside, *new)
    return len(articles)


async def _stays_as_it_is_cut(session: AsyncSession, article: Article) -> bool:
    """Whether today's way of cutting makes the passages that are stored: they keep their vectors."""
    stored = await session.scalars(
        select(Chunk).where(Chunk.article_id == article.id).order_by(Chunk.position)
    )
    if [embedded_text(chunk) for chunk in stored] != [embedded_text(chunk) for chunk in cut(article)]:
        return False
    article.indexed_cutting = CUTTING
    return True


async def _to_index(session: AsyncSession, which: ColumnElement[bool], limit: int) -> Sequence[Article]:
    """One condition at a time: either is quick, and both joined by `or` ask every article for its vectors."""
    found = await session.scalars(
        select(Article)
        .where(Article.state == State.published, which)
        .order_by(
            Article.updated_at.desc(), Article.id
        )  # somebody waits for the newest, also during an import
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return found.all()


def seen_by(embedder: Embedder) -> Any:
    return (
        select(ChunkVector.chunk_id)
        .join(Chunk, Chunk.id == ChunkVector.chunk_id)
        .where(Chunk.article_id == Article.id, ChunkVector.embedder == embedder.name)
        .correlate(Article)
        .exists()
    )


async def index(session: AsyncSession, embedder: Embedder, *articles: Article) -> None:
    """Make the search know these articles as they are now; all their passages are embedded in one batch."""
    chunks = [chunk for article in articles for chunk in await passages_of(session, article)]
    if not chunks:
        return
    await session.flush()
    vectors = await embedder.embed([embedded_text(chunk) for chunk in chunks])
    await keep_vectors(session, embedder, chunks, vectors)


async def passages_of(session: AsyncSession, article: Article) -> Sequence[Chunk]:
    """The stored passages of the current version, or new ones in place of those of an older version or cutting."""
    if article.indexed_version == article.version and article.indexed_cutting >= CUTTING:
        stored = await session.scalars(select(Chunk).where(Chunk.article_id == article.id))
        return stored.all()
    await session.execute(delete(Chunk).where(Chunk.article_id == article.id))
    chunks = cut(article)
    session.add_all(chunks)
    article.indexed_version, article.indexed_cutting = article.version, CUTTING
    return chunks


def cut(article: Article) -> list[Chunk]:
    stemmer = stemmer_of(article.locale)
    pieces = [("", ""), *((" › ".join(each.path), each.text) for each in split(article.body))]
    return [
        Chunk(
            article_id=article.id,
            version=article.version,
            position=position,
            title=article.title,
            path=path,
            text=text,
            grams=pairs(f"{article.title} {path} {text}"),
            stemmer=stemmer,
        )
        for position, (path, text) in enumerate(pieces)
    ]


def stemmer_of(locale: str) -> str:
    return STEMMERS.get(locale.split("-")[0].lower(), "simple")


def embedded_text(chunk: Chunk) -> str:
    return "\n".join(filter(None, [chunk.title, chunk.path, chunk.text]))


async def keep_vectors(
    session: AsyncSession, embedder: Embedder, chunks: Sequence[Chunk], vectors: Vectors
) -> None:
    """Vectors of this model for these passages, in place of what it may have had."""
    ids = [chunk.id for chunk in chunks]
    await session.execute(
        delete(ChunkVector).where(ChunkVector.embedder == embedder.name, ChunkVector.chunk_id.in_(ids))
    )
    await session.execute(
        insert_(ChunkVector),
        [
            {
                "chunk_id": id_,
                "embedder": embedder.name,
                "precision": getattr(embedder, "precision", "fp32"),
                "embedding": vector,
            }
            for id_, vector in zip(ids, vectors, strict=True)
        ],
    )


async def weigh_lexemes(session: AsyncSession) -> int:
    """Count every word of the index anew; returns how many there are. Cheap: one scan of the passages."""
    # By the table that is counted into: temporary ones are nobody else's, and theirs stay for hours.
    await session.execute(
        text("SELECT pg_advisory_xact_lock(CAST(CAST(to_regclass('lexeme') AS oid) AS bigint))")
    )
    await session.execute(delete(Lexeme))
    counted = await session.execute(
        text("""
            INSERT INTO lexeme (word, passages, idf)
            SELECT word, ndoc, ln(1 + (total - ndoc + 0.5) / (ndoc + 0.5))
            FROM ts_stat('SELECT lexemes FROM chunk WHERE position > 0'),
                 (SELECT count(*) AS total FROM chunk WHERE position > 0) AS passages
        """)
    )
    return int(getattr(counted, "rowcount", 0))
