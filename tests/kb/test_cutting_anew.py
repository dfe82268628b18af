"""Articles cut in an older way are cut anew behind everybody's back, and are found meanwhile."""

from collections.abc import Sequence

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import committed
from helpdesk.desk import Desk
from kb import index as indexed
from kb import search as searching
from kb import serving
from kb.articles import Article
from kb.chunks import CUTTING, Passage
from kb.index import Chunk, ChunkVector, index_changed
from kb.readers import Reader
from kb.search import Candidate, Hit, search
from tests.kb.hashing import Hashing
from workers.indexing import Indexing

OLD, NEW = Hashing("old@1"), Hashing("new@1")
BODY = "Apples keep in the cellar.\n\nPears have to be eaten soon."


async def published(session: AsyncSession, *titles: str) -> list[Article]:
    made = [Article.write(title, BODY) for title in titles]
    for article in made:
        article.publish()
    session.add_all(made)
    await session.flush()
    return made


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code after a release that cuts a passage of every paragraph."""
    monkeypatch.setattr(indexed, "CUTTING", CUTTING + 1)
    monkeypatch.setattr(indexed, "split", lambda body: [Passage((), each) for each in body.split("\n\n")])


async def passages(session: AsyncSession) -> list[str]:
    rows = await session.scalars(
        select(Chunk.text).where(Chunk.position > 0).order_by(Chunk.article_id, Chunk.position)
    )
    return list(rows)


async def test_an_article_is_cut_anew_though_nobody_edits_it(
    session: AsyncSession, request: pytest.FixtureRequest
) -> None:
    model = Hashing()
    (article,) = await published(session, "Fruit")
    assert await index_changed(session, model) == 1
    assert (article.indexed_cutting, len(await passages(session))) == (CUTTING, 1)
    request.getfixturevalue("newer")
    assert await index_changed(session, model, backlog=False) == 0, "a letter does not wait for it"
    assert await index_changed(session, model) == 1
    assert await passages(session) == BODY.split("\n\n")
    assert (article.version, article.indexed_cutting) == (1, CUTTING + 1)
    without = select(func.count()).where(Chunk.id.not_in(select(ChunkVector.chunk_id)))
    assert await session.scalar(without) == 0
    assert await index_changed(session, model) == 0


async def test_passages_that_stay_the_same_keep_their_vectors(session: AsyncSession) -> None:
    model = Hashing()
    (article,) = await published(session, "Fruit")
    await index_changed(session, model)
    before = (await session.scalars(select(Chunk.id).order_by(Chunk.id))).all()
    article.indexed_cutting = 0  # a desk from before cuttings were counted
    read = model.embedded
    assert await index_changed(session, model) == 1
    assert (model.embedded, article.indexed_cutting) == (read, CUTTING)
    assert (await session.scalars(select(Chunk.id).order_by(Chunk.id))).all() == before
    assert await index_changed(session, model) == 0


async def test_a_worker_of_the_version_before_leaves_newer_passages_alone(session: AsyncSession) -> None:
    (article,) = await published(session, "Fruit")
    await index_changed(session, OLD)
    article.indexed_cutting = CUTTING + 1
    chunk = await session.scalar(select(Chunk).where(Chunk.position == 1))
    assert chunk is not None
    chunk.text = "cut by newer code"
    assert await index_changed(session, OLD) == 0
    assert await index_changed(session, NEW) == 1, "and its own model reads them"
    assert await passages(session) == ["cut by newer code"]


@pytest.mark.usefixtures("newer")
async def test_both_models_read_new_passages_while_one_takes_over_from_the_other(
    session: AsyncSession,
) -> None:
    await published(session, "Fruit", "More fruit")
    await serving.want(session, OLD)
    await index_changed(session, OLD)
    await session.execute(update(Article).values(indexed_cutting=CUTTING))
    await session.execute(delete(Chunk).where(Chunk.position == 2))
    await serving.want(session, NEW)
    assert await index_changed(session, NEW, beside=OLD) == 2
    for model in (OLD, NEW):
        known = select(func.count()).where(ChunkVector.embedder == model.name)
        assert await session.scalar(known) == 6


async def test_it_is_found_at_every_moment(desk: Desk, request: pytest.FixtureRequest) -> None:
    model = Hashing()
    async with committed(desk.sessions) as session:
        await published(session, *(f"Fruit {number}" for number in range(25)))
    await Indexing(desk, model).everything()
    request.getfixturevalue("newer")

    async def found() -> int:
        async with desk.sessions() as other:
            return len(await search(other, model, "pears", reader=Reader.public(), limit=50))

    count, seen = 1, []
    while count:
        async with committed(desk.sessions) as session:
            count = await index_changed(session, model, limit=10)
            seen.append(await found())  # nobody sees what is not committed yet
        seen.append(await found())
    assert seen == [25] * 8
    async with desk.sessions() as session:
        assert len(await passages(session)) == 50


async def test_the_worker_does_it_when_it_starts(desk: Desk, request: pytest.FixtureRequest) -> None:
    model = Hashing()
    async with committed(desk.sessions) as session:
        await published(session, "Fruit", "More fruit")
    await Indexing(desk, model).everything()
    request.getfixturevalue("newer")
    assert await Indexing(desk, model).everything()
    async with desk.sessions() as session:
        assert await passages(session) == BODY.split("\n\n") * 2
        assert await session.scalar(select(func.min(Article.indexed_cutting))) == CUTTING + 1
    assert not await Indexing(desk, model).everything()


async def test_cut_anew_between_the_scores_and_the_texts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    model, read = Hashing(), searching.told
    async with committed(desk.sessions) as session:
        await published(session, "Fruit")
    await Indexing(desk, model).everything()
    monkeypatch.setattr(indexed, "CUTTING", CUTTING + 1)
    monkeypatch.setattr(indexed, "split", lambda body: [Passage((), each) for each in body.split("\n\n")])
    counts: list[int] = []

    async def slowly(session: AsyncSession, found: Sequence[Candidate]) -> list[Hit]:
        if not counts:
            await Indexing(desk, model).everything()
        hits = await read(session, found)
        counts.append(len(hits))
        return hits

    monkeypatch.setattr(searching, "told", slowly)
    async with desk.sessions() as session:
        hits = await search(session, model, "pears", reader=Reader.public())
    assert [hit.title for hit in hits] == ["Fruit"]
    assert counts == [0, 1]
