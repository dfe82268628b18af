"""What search engines and feed readers fetch, also of very many articles."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from sqlalchemy import func, insert, select

from helpdesk.clock import now
from helpdesk.database import committed
from kb.articles import Article, Audience
from kb.shelves import ArticleCategory
from tests.scenes import Scene
from tests.web.served import Console
from tests.web.test_help_centre import brand, looks, published, shelved
from web.portal import maps, reading

NAMES = {"s": maps.SCHEMA, "x": "http://www.w3.org/1999/xhtml"}


async def many(scene: Scene, count: int, category: ArticleCategory) -> None:
    """Articles as they stand in the table, and a German one of each third."""
    at = now() - timedelta(days=1)
    given = {
        "state": "published",
        "audience": Audience.public,
        "category_id": category.id,
        "published_at": at,
    }
    async with committed(scene.desk.sessions) as session:
        await published(scene, "A pattern", category_id=category.id)
        pattern = await session.scalar(select(Article).where(Article.title == "A pattern"))
        assert pattern is not None
        kept = {c.key: getattr(pattern, c.key) for c in Article.__mapper__.column_attrs} | given
        kept = {key: value for key, value in kept.items() if key not in {"id", "public_id"}}
        rows = [kept | {"slug": f"a-{n:05}", "title": f"Article {n:05}"} for n in range(count)]
        ids = (await session.scalars(insert(Article).returning(Article.id), rows)).all()
        german = [
            kept | {"slug": f"d-{n}", "title": f"Artikel {n}", "locale": "de", "source_id": n}
            for n in ids[::3]
        ]
        await session.execute(insert(Article), german)


async def test_maps_hold_every_page_once_with_its_languages(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = console.scene
    await brand(scene, languages=["en", "de"])
    shelf = await shelved(scene, "Devices", "Power")
    await many(scene, 30, shelf)
    await published(scene, "Only for us", audience=Audience.internal)
    visitor = await console.stranger()
    whole = await visitor.get("/help/sitemap.xml")
    expected = _addresses(whole.text)
    assert (
        len(expected) == len(set(expected)) == 31 + 10 + 2 + 1
    )  # articles, German ones, homes, a collection
    monkeypatch.setattr(maps, "OF_A_MAP", 10)
    index = ElementTree.fromstring((await visitor.get("/help/sitemap.xml")).content)  # noqa: S314 - our own
    parts = [each.text or "" for each in index.findall("s:sitemap/s:loc", NAMES)]
    assert len(parts) == 5
    found: list[str] = []
    for part in parts:
        answer = await visitor.get(part.removeprefix(scene.desk.settings.url))
        found += _addresses(answer.text)
        for url in ElementTree.fromstring(answer.content).findall("s:url", NAMES):  # noqa: S314
            tongues = [each.get("hreflang") for each in url.findall("x:link", NAMES)]
            assert "/help/de/articles" not in (url.findtext("s:loc", "", NAMES)) or tongues == ["en", "de"]
    assert sorted(found) == sorted(expected)
    for wrong in ("0", "6", "x", "-1", "9" * 30, "\u0661"):
        assert (await visitor.get("/help/sitemap.xml", params={"part": wrong})).status_code == 404, wrong


async def test_what_has_not_changed_is_not_sent_again(console: Console) -> None:
    """By its mark or by its time; and what changes, is taken back or comes is told at once. 50 newest, no more."""
    scene = console.scene
    await brand(scene)
    shelf = await shelved(scene, "Devices", "Power")
    await many(scene, 60, shelf)
    visitor = await console.stranger()
    feed = await visitor.get("/help/feed")
    assert feed.text.count("<item>") == 50
    for path in ("/help/feed", "/help/sitemap.xml"):
        first = await visitor.get(path)
        mark, when = first.headers["etag"], first.headers["last-modified"]
        for known in (
            {"if-none-match": mark},
            {"if-none-match": f'"x", {mark}'},
            {"if-modified-since": when},
        ):
            again = await visitor.get(path, headers=known)
            assert (again.status_code, again.content) == (304, b""), known
        for other in (
            {"if-none-match": '"x"', "if-modified-since": when},
            {"if-modified-since": "yesterday"},
        ):
            assert (await visitor.get(path, headers=other)).status_code == 200
        async with committed(scene.desk.sessions) as session:
            gone = await session.scalar(
                select(Article).where(Article.state == "published").order_by(Article.id)
            )
            assert gone is not None
            gone.archive()
        assert (await visitor.get(path, headers={"if-none-match": mark})).status_code == 200


async def test_a_shelf_of_many_articles_has_pages(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it the others are whole: nothing that stands late in the alphabet disappears."""
    scene = console.scene
    await brand(scene)
    shelf = await shelved(scene, "Devices", "Power")
    await many(scene, 40, shelf)
    async with committed(scene.desk.sessions) as session:
        other = ArticleCategory(name="Zebra", slug="zebra", collection_id=shelf.collection_id, position=9)
        session.add(other)
        await session.flush()
    await published(scene, "Zoo", category_id=other.id)
    monkeypatch.setattr(reading, "OF_A_PAGE", 15)
    visitor = await console.stranger()
    collection = await looks(visitor, "/help/collections/devices")
    assert "Zoo" in collection.text
    assert "All 41 articles" in collection.text
    found: list[str] = []
    path = "/help/collections/devices/power"
    while path:
        page = (await looks(visitor, path)).text
        found += re.findall(r'href="/help/articles/([^"]+)"', page)
        more = re.findall(r'href="(/help/collections/devices/power\?part=\d+)"', page)
        path = more[0] if more else ""
    async with scene.desk.sessions() as session:
        english = select(func.count()).where(Article.category_id == shelf.id, Article.locale == "en")
        assert len(found) == len(set(found)) == await session.scalar(english)
    for wrong in ("0", "99", "x", "9" * 30):
        nothing = await visitor.get("/help/collections/devices/power", params={"part": wrong})
        assert nothing.status_code == 404, wrong


def _addresses(text: str) -> list[str]:
    return re.findall("<url><loc>([^<]+)</loc>", text)
