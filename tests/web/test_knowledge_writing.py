"""Writing articles in the console, by every press there is, and what is refused."""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from helpdesk import clock
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.people import Company
from helpdesk.portal import Described, HelpCentre, centres
from kb import feedback
from kb.articles import Article, ArticleVersion, State
from kb.feedback import ArticleDay
from kb.images import ArticleImage
from kb.shelves import ArticleCategory, Collection
from tests.web.served import Console, Person
from web.knowledge.counting import once

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
HOSTILE = """# Hi <script>alert(1)</script>

[click](javascript:alert(1)) [ok](https://example.com) ![spy](https://evil.example/p.png) ![x](/knowledge/images/1)

<img src=x onerror=alert(1)> <style>*{}</style>

| a | b |
| --- | ---: |
| 1 | 2 |
"""


@pytest.fixture
async def ada(console: Console) -> Person:
    return await console.person("Ada")


async def fetched(console: Console, article_id: int = 1) -> Article:
    async with console.scene.desk.sessions() as session:
        return await session.get_one(Article, article_id)


async def written(
    ada: Person, title: str = "Refunds", body: str = "Within **five** days.", **fields: str
) -> str:
    """An article with a working copy; returns the beginning of its addresses."""
    answer = await ada.does("/knowledge/articles", data={"title": title, **fields})
    at = answer.headers["hx-redirect"].removesuffix("/edit")
    if body:
        assert (await saved(ada, at, title, body)).status_code == 200
    return str(at)


async def saved(ada: Person, at: str, title: str, body: str, **fields: object):
    given = {"title": title, "body": body, "revision": 0, "version": 1, **fields}
    return await ada.does(f"{at}/copy", files={name: (None, str(value)) for name, value in given.items()})


async def test_what_is_typed_is_kept_and_shown_without_anything_that_could_harm(
    console: Console, ada: Person
):
    at = await written(ada, body="")
    answer = await saved(ada, at, "Refunds", HOSTILE)
    told = answer.json()
    assert told["revision"] == 1
    for harm in ("<script", 'href="javascript', "onerror=a", "<style", "evil.example", "<img src=x"):
        assert harm not in told["preview"].replace("&lt;img src=x onerror", ""), harm
    assert 'src="/knowledge/images/1"' in told["preview"]
    assert '<td align="right">2</td>' in told["preview"]
    assert (await fetched(console)).body == ""
    assert "Refunds" in (await ada.look("/knowledge/refunds")).text
    crossed = await saved(ada, at, "Refunds", "Other words.")
    assert crossed.status_code == 409
    assert "<ins>" in crossed.json()["notice"]
    page = (await ada.look(f"{at}/edit")).text
    assert "Hi &lt;script&gt;" in page


async def test_published_changed_published_again_and_compared(console: Console, ada: Person):
    at = await written(ada)
    assert (await ada.does(f"{at}/publish", data={})).headers[
        "hx-redirect"
    ] == "/knowledge/refunds?done=published"
    await saved(ada, at, "Refunds", "Within **ten** days.")
    page = (await ada.look("/knowledge/refunds")).text
    assert "<strong>five</strong>" in page
    assert "has begun a newer text" in page
    changes = (await ada.look(f"{at}/changes")).text
    assert "<del>five</del>" in changes
    await ada.does(f"{at}/publish", data={})
    assert "<strong>ten</strong>" in (await ada.look("/knowledge/refunds")).text
    assert "<strong>five</strong>" in (await ada.look("/knowledge/1?version=1")).text
    back = await ada.does(f"{at}/restore", data={"value": "1"})
    assert back.headers["hx-redirect"] == f"{at}/edit"
    await ada.does(f"{at}/discard", data={})
    assert (await fetched(console)).version == 2
    assert (await ada.does(f"{at}/restore", data={"value": "9"})).status_code == 404


async def test_who_may_write_asks_and_who_may_publish_decides(console: Console, ada: Person):
    liam = await console.person("Liam")
    at = await written(liam)
    assert (await liam.does(f"{at}/publish", data={})).status_code == 403
    ids = {name: agent.id for name, agent in console.scene.agents.items()}
    asked = await liam.does(f"{at}/review", data={"reviewer": str(ids["Ada"]), "question": "Right?"})
    assert asked.status_code == 204
    assert "Waiting for a review" in (await ada.look("/knowledge?show=review")).text
    assert "Right?" in (await ada.look("/knowledge/refunds")).text
    assert (await liam.does(f"{at}/decision", data={"decision": "approved"})).status_code == 400
    assert (await ada.does(f"{at}/decision", data={"decision": "sent_back"})).status_code == 400
    await ada.does(f"{at}/decision", data={"decision": "sent_back", "answer": "Say which card."})
    assert "Say which card." in (await liam.look("/knowledge/refunds")).text
    await liam.does(f"{at}/review", data={})
    await ada.does(f"{at}/decision", data={"decision": "publish"})
    assert (await fetched(console)).state is State.published
    for path, data in (
        ("/unpublish", {}),
        ("/slug", {"value": "x"}),
        ("/settings", {"audience": "internal"}),
    ):
        assert (await liam.does(at + path, data=data)).status_code == 403, path


async def test_readers_category_owner_and_address(console: Console, ada: Person):
    at = await written(ada)
    async with committed(console.scene.desk.sessions) as session:
        session.add_all([Company(name="Lumen, Inc."), Company(name="Acme")])
    await ada.does("/knowledge/shelves/collections", data={"name": "Billing"})
    await ada.does("/knowledge/shelves/categories", data={"name": "Refunds", "place": "c1"})
    settings = {
        "audience": "companies",
        "companies": "Acme\nLumen, Inc.",
        "category": "1",
        "review_due": "2020-01-02",
    }
    assert (await ada.does(f"{at}/settings", data=settings)).status_code == 204
    page = (await ada.look("/knowledge/refunds")).text
    assert "Acme, Lumen, Inc." in page
    assert "2020-01-02" in page
    for show in ("due", "draft", ""):
        assert "/knowledge/refunds" in (await ada.look(f"/knowledge?show={show}&category=1")).text
    assert "No such article" in (await ada.look("/knowledge?audience=public")).text
    unknown = await ada.does(f"{at}/settings", data=settings | {"companies": "Nobody"})
    assert unknown.status_code == 400
    assert "Nobody" in unknown.text
    assert (await ada.does(f"{at}/slug", data={"value": "money-back"})).status_code == 204
    old = await ada.get("/knowledge/refunds?version=1")
    assert (old.status_code, old.headers["location"]) == (302, "/knowledge/money-back?version=1")
    assert (await ada.does(f"{at}/slug", data={"value": "../x"})).status_code == 400


async def test_times_are_local_and_to_come(console: Console, ada: Person):
    at = await written(ada)
    later = (now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    for wrong in ("2020-01-01T00:00", "soon", "9999-99-99T00:00"):
        assert (await ada.does(f"{at}/publish", data={"at": wrong})).status_code == 400, wrong
    await ada.does(f"{at}/publish", data={"at": later})
    assert "Scheduled" in (await ada.look("/knowledge?show=scheduled")).text
    lou = await console.stranger()
    await lou.sign_in("lou@desk.example")
    assert (await lou.look("/knowledge/refunds")).status_code == 404
    with clock.moved(timedelta(days=3)):
        tess = await console.person("Tess")
        assert (await tess.look("/knowledge/refunds")).status_code == 200
    ada = await console.person("Ada")
    await ada.does(f"{at}/unschedule", data={})
    assert (await fetched(console)).state is State.draft
    await ada.does(f"{at}/publish", data={})
    await ada.does(f"{at}/archive", data={"at": later})
    assert (await fetched(console)).archive_at is not None
    await ada.does(f"{at}/archive", data={})
    assert "/knowledge/refunds" in (await ada.look("/knowledge?show=archived")).text
    assert "/knowledge/refunds" not in (await ada.look("/knowledge")).text


async def test_languages_lead_to_each_other(console: Console, ada: Person):
    at = await written(ada)
    await ada.does(f"{at}/publish", data={})
    other = await written(ada, "Opening hours", "Nine to six.")
    begun = await ada.does(f"{at}/translations", data={"value": "de"})
    german = begun.headers["hx-redirect"].removesuffix("/edit")
    assert (await ada.does(f"{at}/translations", data={"value": "de"})).status_code == 409
    assert (await ada.does(f"{at}/translations", data={"value": "no such"})).status_code == 400
    page = (await ada.look("/knowledge/opening-hours")).text
    assert "German" in page
    assert "missing" in page
    await saved(ada, at, "Refunds", "Within ten days.")
    await ada.does(f"{at}/publish", data={})
    number = german.rpartition("/")[2]
    assert "has changed since" in (await ada.look(f"/knowledge/{number}")).text
    await ada.does(f"{german}/translated", data={})
    assert "has changed since" not in (await ada.look(f"/knowledge/{number}")).text
    assert (
        await ada.does(f"{other}/translation-of", data={"value": "/knowledge/refunds"})
    ).status_code == 409
    await ada.does(f"{german}/translation-of", data={"value": ""})
    assert (await fetched(console, int(number))).source_id is None
    await ada.does(f"{german}/translation-of", data={"value": "refunds"})
    assert (await fetched(console, int(number))).source_id == 1, "in the language of who asks"


async def test_an_article_says_where_customers_find_it(console: Console, ada: Person):
    async def shown() -> str:
        return (await ada.look("/knowledge/refunds")).text

    at = await written(ada)
    nowhere = "Customers find it in no help centre"
    await ada.does(f"{at}/publish", data={})
    assert nowhere not in await shown(), "there is none"
    said = Described(name="Lumen", slug="lumen", active=True, languages=("de",))
    async with committed(console.scene.desk.sessions) as session:
        centre = await centres.save(session, None, said, by=DESK)
    assert f"{nowhere}: none has this language" in await shown()
    both = replace(said, languages=("de", "en"))
    async with committed(console.scene.desk.sessions) as session:
        await centres.save(session, await session.get_one(HelpCentre, centre.id), both, by=DESK)
    page = await shown()
    assert nowhere not in page
    (address,) = re.findall(r'href="([^"]+)"[^>]*>.{0,400}Open in Lumen', page)
    assert (await (await console.stranger()).get(urlsplit(address).path)).status_code == 200
    await ada.does(f"{at}/settings", data={"audience": "internal"})
    page = await shown()
    assert nowhere not in page
    assert "Open in Lumen" not in page


async def test_pictures_are_what_they_are(console: Console, ada: Person):
    at = await written(ada)
    answer = await ada.does(f"{at}/images", files={"image": ("my ](x) card.png", PNG, "text/html")})
    assert answer.json()["markdown"] == "![my (x) card](/knowledge/images/1)"
    shown = await ada.get("/knowledge/images/1")
    assert shown.headers["content-type"] == "image/png"
    assert "sandbox" in shown.headers["content-security-policy"]
    for name, content in (("x.svg", b"<svg onload=alert(1)>"), ("x.png", b"<html>"), ("x.png", b"")):
        refused = await ada.does(f"{at}/images", files={"image": (name, content, "image/png")})
        assert refused.status_code == 400, name
    assert (await ada.does(f"{at}/images", data={"image": "text"})).status_code == 400
    lou = await console.stranger()
    await lou.sign_in("lou@desk.example")
    assert (await lou.get("/knowledge/images/1")).status_code == 404, "the article is a draft"
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(ArticleImage)) == 1


async def test_readers_are_counted_once_and_reads_together(console: Console, ada: Person):
    at = await written(ada, audience="internal")
    await ada.does(f"{at}/publish", data={})
    for _ in range(3):
        await ada.look("/knowledge/refunds")
    await once(console.scene.desk, console.app.state.article_views)
    await ada.look("/knowledge/refunds")
    await once(console.scene.desk, console.app.state.article_views)
    await ada.does(f"{at}/feedback", data={"helpful": "true"})
    await ada.does(f"{at}/feedback", data={"helpful": "false", "comment": "Which card?"})
    tess = await console.person("Tess")
    await tess.does(f"{at}/feedback", data={"helpful": "true"})
    async with committed(console.scene.desk.sessions) as session:
        assert await session.scalar(select(ArticleDay.views)) == 4
        figures = (await feedback.figures(session, [1]))[1]
        assert (figures.views, figures.helpful, figures.not_helpful, figures.helpfulness) == (4, 1, 1, 50)
    assert "Which card?" in (await ada.look("/knowledge/refunds")).text


async def test_a_machine_that_says_a_lot_is_not_listened_to(console: Console):
    async with console.scene.desk.sessions() as session:
        articles = [Article.write(f"A {number}", "Text.") for number in range(feedback.MOST + 1)]
        session.add_all(articles)
        await session.flush()
        for article in articles[:-1]:
            await feedback.give(session, article, reader="machine", helpful=True)
        with pytest.raises(feedback.TooOften):
            await feedback.give(session, articles[-1], reader="machine", helpful=True)


async def test_shelves_are_named_moved_ordered_and_removed_when_empty(console: Console, ada: Person):
    base = "/knowledge/shelves"
    for name in ("Billing", "Technical"):
        await ada.does(f"{base}/collections", data={"name": name, "icon": "zap"})
    for name, place in (("A", "c1"), ("B", "c1"), ("C", "1"), ("D", "3")):
        assert (
            await ada.does(f"{base}/categories", data={"name": name, "place": place})
        ).status_code == 204, name
    too_deep = await ada.does(f"{base}/categories", data={"name": "E", "place": "4"})
    assert too_deep.status_code == 400
    in_itself = await ada.does(f"{base}/categories/1", data={"name": "A", "place": "4"})
    assert in_itself.status_code == 400
    assert (await ada.does(f"{base}/categories/2", data={"name": "B", "place": "9"})).status_code == 404
    moved = await ada.does(
        f"{base}/categories/2/place", data={"go": "up"}, headers={"hx-target": "div#shelves"}
    )
    assert moved.text.index(">B<") < moved.text.index(">A<")
    dragged = await ada.does(f"{base}/collections/1/order", data={"rule": ["2", "1", "77"]})
    assert dragged.text.index("Technical") < dragged.text.index("Billing")
    await ada.does(f"{base}/categories/1", data={"name": "A2", "place": "c2"})
    async with console.scene.desk.sessions() as session:
        rows = await session.execute(
            select(ArticleCategory.name, ArticleCategory.collection_id).order_by(ArticleCategory.id)
        )
        assert [tuple(row) for row in rows] == [("A2", 2), ("B", 1), ("C", 2), ("D", 2)]
    assert (await ada.does(f"{base}/categories/3/remove", data={})).status_code == 409
    assert (await ada.does(f"{base}/categories/4/remove", data={})).status_code == 204
    assert (await ada.does(f"{base}/collections/1/remove", data={})).status_code == 409
    assert (await ada.does(f"{base}/collections", data={"name": " "})).status_code == 400
    assert (await ada.look(f"{base}/all")).status_code == 200
    async with console.scene.desk.sessions() as session:
        assert (await session.scalars(select(Collection.name).order_by(Collection.position))).all() == [
            "Technical",
            "Billing",
        ]


async def test_what_was_never_published_is_not_cited_to_who_only_reads(console: Console, ada: Person):
    await written(ada, title="Secret plan", body="")
    lou = await console.stranger()
    await lou.sign_in("lou@desk.example")
    for path in (
        "/knowledge/secret-plan",
        "/knowledge/1",
        "/knowledge/1?version=1",
        "/knowledge/articles/1/edit",
    ):
        assert (await lou.look(path)).status_code in {403, 404}, path
    assert "Secret plan" not in (await lou.look("/knowledge?show=draft")).text
    assert (await lou.does("/knowledge/articles", data={"title": "Mine"})).status_code == 403
    async with console.scene.desk.sessions() as session:
        versions = select(func.count()).select_from(ArticleVersion)
        assert await session.scalar(versions) == 1
