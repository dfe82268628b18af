"""An import is read by several at once, and nobody who comes meanwhile waits for its end."""

from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.desk import Desk
from kb import serving
from kb.articles import Article
from kb.index import Chunk
from tests.kb.hashing import Hashing
from workers.indexing import NEWS, Indexing

MANY = NEWS * 5


async def test_what_is_published_during_an_import_is_found_before_the_import_ends(desk: Desk) -> None:
    await published(desk, *(f"Imported {number}" for number in range(MANY)))
    calls = 0

    async def between() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await published(desk, "Just now")

    model = Hashing()
    assert await Indexing(desk, model).everything(between=between)
    assert calls > 1
    async with desk.sessions() as session:
        assert (await serving.status(session)).is_complete
        assert await serving.answering(session) == model.name
        last = await session.scalar(select(Chunk.title).order_by(Chunk.id.desc()).limit(1))
        assert last != "Just now"
    assert model.embedded == (MANY + 1) * 2  # title and passage, once each


async def published(desk: Desk, *titles: str) -> None:
    made = [Article.write(title, f"All about {title}.") for title in titles]
    for article in made:
        article.publish()
    async with committed(desk.sessions) as session:
        session.add_all(made)
