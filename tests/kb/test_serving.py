"""Another model takes over when it knows every article, and not before."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kb import serving
from kb.articles import Article
from kb.index import ChunkVector, index_changed
from kb.readers import Reader
from kb.search import search
from tests.kb.hashing import Hashing

OLD, NEW = Hashing("old@1"), Hashing("new@1")


async def written(session: AsyncSession, *titles: str) -> list[Article]:
    made = [Article.write(title, f"All about {title}.") for title in titles]
    for article in made:
        article.publish()
    session.add_all(made)
    await session.flush()
    return made


async def test_the_old_model_answers_until_the_new_one_is_complete(session: AsyncSession):
    await written(session, "apples", "pears", "plums")
    assert await serving.want(session, OLD) == OLD.name
    await index_changed(session, OLD)
    assert not await serving.take_over(session, OLD)
    assert await serving.want(session, NEW) == OLD.name
    await index_changed(session, NEW, limit=2)
    assert not await serving.take_over(session, NEW)
    assert await serving.answering(session) == OLD.name
    status = await serving.status(session)
    assert (status.articles, status.wanted.articles if status.wanted else 0) == (3, 2)
    assert not status.is_complete
    await index_changed(session, NEW, limit=2)
    assert await serving.take_over(session, NEW)
    assert await serving.answering(session) == NEW.name
    assert (await serving.status(session)).is_complete


async def test_what_changes_meanwhile_is_known_to_both(session: AsyncSession):
    (apples, *_) = await written(session, "apples", "pears", "plums")
    await serving.want(session, OLD)
    await index_changed(session, OLD)
    await serving.want(session, NEW)
    apples.revise(title="quinces", body="All about quinces.")
    await session.flush()
    assert await index_changed(session, NEW, beside=OLD, limit=1) == 1
    (best, *_) = await search(session, OLD, "quinces", reader=Reader.public())
    assert best.title == "quinces"


async def test_vectors_that_nobody_asks_for_are_deleted(session: AsyncSession):
    await written(session, "apples", "pears")
    await serving.want(session, OLD)
    await index_changed(session, OLD)
    await serving.want(session, NEW)
    assert await serving.forget_others(session) == 0
    await index_changed(session, NEW)
    await serving.take_over(session, NEW)
    assert await serving.forget_others(session) == 4
    assert await serving.forget_others(session) == 0
    names = await session.scalars(select(ChunkVector.embedder).distinct())
    assert names.all() == [NEW.name]
    assert [model.name for model in (await serving.status(session)).models] == [NEW.name]


async def test_a_desk_from_before_goes_on_with_the_model_it_had(session: AsyncSession):
    await written(session, "apples")
    await index_changed(session, OLD)
    assert await serving.want(session, NEW) == OLD.name
    assert await session.scalar(select(func.count()).select_from(serving.EmbeddingModel)) == 2
