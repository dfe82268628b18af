"""Which model's vectors the search answers with, while those of another one are still being made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.ports import Embedder
from kb.articles import Article, State
from kb.index import Chunk, ChunkVector, seen_by

BATCH = 5_000  # vectors of a model that is done with, deleted in one statement


class EmbeddingModel(Base):
    """A model that has vectors here. At most one answers, and one is wanted; mostly they are the same."""

    __tablename__ = "embedding_model"

    name: Mapped[str] = mapped_column(primary_key=True)
    dimensions: Mapped[int]
    answers: Mapped[bool] = mapped_column(default=False, server_default="false")
    wanted: Mapped[bool] = mapped_column(default=False, server_default="false")
    begun_at: Mapped[datetime]
    complete_at: Mapped[datetime | None]
    overruled: Mapped[bool] = mapped_column(default=False, server_default="false")
    """It may answer although somebody's questions come out worse with it."""


async def answering(session: AsyncSession) -> str | None:
    """The name of the model to ask with; None before anything was indexed."""
    return await session.scalar(select(EmbeddingModel.name).where(EmbeddingModel.answers))


async def want(session: AsyncSession, embedder: Embedder) -> str:
    """From now on the index is to have this model's vectors. Returns the name of the one that answers meanwhile:
    the one there was before, if it has any vector, else this one."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('embedding_model'))"))
    await session.execute(
        insert(EmbeddingModel)
        .values(name=embedder.name, dimensions=embedder.dimensions, begun_at=now())
        .on_conflict_do_nothing()
    )
    await session.execute(update(EmbeddingModel).values(wanted=EmbeddingModel.name == embedder.name))
    if (current := await answering(session)) is None:
        current = await _from_before(session, embedder)
        await session.execute(update(EmbeddingModel).values(answers=EmbeddingModel.name == current))
    return current


async def waiting(session: AsyncSession) -> EmbeddingModel | None:
    """The model that is wanted while another one answers."""
    wanted = EmbeddingModel.wanted & ~EmbeddingModel.answers
    return await session.scalar(select(EmbeddingModel).where(wanted))


async def overrule(session: AsyncSession) -> bool:
    """Let the waiting model answer all the same; False where none waits."""
    if (model := await waiting(session)) is None:
        return False
    model.overruled = True
    return True


async def _from_before(session: AsyncSession, embedder: Embedder) -> str:
    """The model with most vectors, of a desk that did not keep yet which one answers."""
    most = (
        select(ChunkVector.embedder, func.max(func.vector_dims(ChunkVector.embedding)).label("dimensions"))
        .group_by(ChunkVector.embedder)
        .order_by(func.count().desc())
        .limit(1)
    )
    found = (await session.execute(most)).first()
    if found is None or found.embedder == embedder.name:
        return embedder.name
    old = {"name": found.embedder, "dimensions": found.dimensions, "begun_at": now(), "complete_at": now()}
    await session.execute(insert(EmbeddingModel).values(old).on_conflict_do_nothing())
    return str(found.embedder)


async def take_over(session: AsyncSession, embedder: Embedder) -> bool:
    """Answer with this model if it knows every published article; whether it does so from now on."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('embedding_model'))"))
    if await answering(session) == embedder.name:
        missing = EmbeddingModel.complete_at.is_(None)
        if not await is_behind(session, embedder):
            done = update(EmbeddingModel).where(EmbeddingModel.name == embedder.name, missing)
            await session.execute(done.values(complete_at=now()))
        return False
    if await is_behind(session, embedder):
        return False
    await session.execute(update(EmbeddingModel).values(answers=EmbeddingModel.name == embedder.name))
    await session.execute(
        update(EmbeddingModel).where(EmbeddingModel.name == embedder.name).values(complete_at=now())
    )
    return True


async def is_behind(session: AsyncSession, embedder: Embedder) -> bool:
    """Whether it has yet to read a published article as it is now."""
    lacking = (
        select(Article.id)
        .where(Article.state == State.published)
        .where((Article.indexed_version != Article.version) | ~seen_by(embedder))
    )
    return bool(await session.scalar(select(lacking.exists())))


async def forget_others(session: AsyncSession) -> int:
    """Delete a batch of vectors of models that neither answer nor are wanted; how many were deleted."""
    kept = select(EmbeddingModel.name).where(EmbeddingModel.answers | EmbeddingModel.wanted)
    if not await session.scalar(select(EmbeddingModel.name).where(EmbeddingModel.answers)):
        return 0
    gone = 0
    for table, key in (("chunk_vector", "chunk_id"), ("precedent_vector", "precedent_id")):
        deleted = await session.execute(
            text(f"""
                DELETE FROM {table} WHERE ({key}, embedder) IN (
                  SELECT {key}, embedder FROM {table} WHERE embedder NOT IN (
                    SELECT name FROM embedding_model WHERE answers OR wanted) LIMIT {BATCH})
            """)  # noqa: S608 - names of ours
        )
        gone += max(0, deleted.rowcount)  # type: ignore[attr-defined]
    if not gone:
        await session.execute(delete(EmbeddingModel).where(EmbeddingModel.name.not_in(kept)))
    return gone


@dataclass(frozen=True)
class Progress:
    """How far the index is with one model."""

    name: str
    dimensions: int
    answers: bool
    wanted: bool
    begun_at: datetime
    complete_at: datetime | None
    vectors: int
    articles: int


@dataclass(frozen=True)
class Status:
    articles: int  # published ones
    current: int  # of them, those whose passages are of their newest version
    passages: int
    models: Sequence[Progress]

    @property
    def wanted(self) -> Progress | None:
        return next((model for model in self.models if model.wanted), None)

    @property
    def answering(self) -> Progress | None:
        return next((model for model in self.models if model.answers), None)

    @property
    def share(self) -> float:
        """Of the published articles, those that the wanted model knows as they are now."""
        known = self.wanted.articles if self.wanted else 0
        return min(1.0, known / self.articles) if self.articles else 1.0

    @property
    def is_complete(self) -> bool:
        return self.wanted is not None and self.wanted.articles >= self.articles


async def status(session: AsyncSession) -> Status:
    published = Article.state == State.published
    articles, current = (
        await session.execute(
            select(func.count(), func.count().filter(Article.indexed_version == Article.version)).where(
                published
            )
        )
    ).one()
    passages = await session.scalar(select(func.count()).where(Chunk.position > 0))
    rows = await session.execute(
        select(
            ChunkVector.embedder,
            func.count().label("vectors"),
            func.count(Article.id.distinct())
            .filter(published, Article.indexed_version == Article.version)
            .label("articles"),
        )
        .join(Chunk, Chunk.id == ChunkVector.chunk_id)
        .join(Article, Article.id == Chunk.article_id)
        .group_by(ChunkVector.embedder)
    )
    counted = {row.embedder: row for row in rows}
    models = []
    for model in await session.scalars(select(EmbeddingModel).order_by(EmbeddingModel.begun_at)):
        row = counted.get(model.name)
        models.append(
            Progress(
                model.name,
                model.dimensions,
                model.answers,
                model.wanted,
                model.begun_at,
                model.complete_at,
                row.vectors if row else 0,
                row.articles if row else 0,
            )
        )
    return Status(articles, current, passages or 0, models)
