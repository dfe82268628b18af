"""The help centre as strangers and customers meet it: what they find, what they never see, and where attacks end."""

import json
import re
from html import unescape
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from sqlalchemy import select, update

from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.portal import Described, HelpCentre, centres
from kb import shelves, slugs, writing
from kb.articles import Article, Audience
from kb.feedback import Feedback
from kb.shelves import ArticleCategory
from tests.scenes import Scene
from tests.web.served import PASSWORD, Console, Person

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
HTML = {"accept": "text/html"}


async def brand(scene: Scene, name: str = "Lumen", **given: Any) -> HelpCentre:
    usual: dict[str, Any] = {"name": name, "slug": name.lower(), "active": True}
    said = Described(**(usual | given))
    async with committed(scene.desk.sessions) as session:
        return await centres.save(session, None, said, by=DESK)


async def published(
    scene: Scene, title: str, body: str = "Press the key for ten seconds.", **given: Any
) -> Article:
    async with committed(scene.desk.sessions) as session:
        article = Article.write(title, body, **given)
        article.publish()
        session.add(article)
        await session.flush()
        return article


async def shelved(scene: Scene, collection: str, category: str) -> ArticleCategory:
    async with committed(scene.desk.sessions) as session:
        made = await shelves.edit_collection(
            session, None, by=DESK, name=collection, description="All about it."
        )
        return await shelves.edit_category(session, None, by=DESK, name=category, collection_id=made.id)


async def looks(person: Person, path: str, **headers: str) -> httpx.Response:
    return await person.get(path, headers=HTML | headers)


@pytest.fixture
async def visitor(console: Console) -> Person:
    return await console.stranger()


async def test_a_stranger_finds_and_reads(console: Console, visitor: Person) -> None:
    """Home, collection, article, search: with the brand's look, cacheable, and with what search engines read."""
    scene = console.scene
    shelf = await shelved(scene, "Devices", "Power")
    article = await published(
        scene,
        "How do I reset it?",
        "## Why does it hang?\n\nHeat.\n\n## Steps\n\nSee [more](/knowledge/other).",
        category_id=shelf.id,
    )
    await published(scene, "Only for us", audience=Audience.internal, category_id=shelf.id)
    assert (await looks(visitor, "/help")).status_code == 404  # before there is one
    await brand(scene, greeting="Ask us", words="We know Lumen", colour="#ffee00")
    home = await looks(visitor, "/help")
    assert home.status_code == 200
    assert "Ask us" in home.text
    assert "1 article" in home.text
    assert "max-age=60" in home.headers["cache-control"]
    assert "cookie" in home.headers["vary"].lower()
    again = await looks(visitor, "/help", **{"if-none-match": home.headers["etag"]})
    assert (again.status_code, again.text) == (304, "")
    look = await visitor.get("/help/look.css")
    assert "--brand: oklch(" in look.text
    assert look.headers["content-type"].startswith("text/css")
    collection = await looks(visitor, "/help/collections/devices")
    assert "How do I reset it?" in collection.text
    assert "Only for us" not in collection.text
    assert (await looks(visitor, "/help/collections/devices/power")).status_code == 200
    page = await looks(visitor, f"/help/articles/{article.slug}")
    assert '<h2 id="h-why-does-it-hang">Why does it hang?<a class="anchor" href="#h-why' in page.text
    assert 'href="/help/articles/other"' in page.text
    graph = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page.text)[0])[
        "@graph"
    ]
    assert [each["@type"] for each in graph] == ["Article", "FAQPage", "BreadcrumbList"]
    assert graph[1]["mainEntity"][0]["acceptedAnswer"]["text"] == "Heat."
    assert graph[2]["itemListElement"][1]["item"] == f"{scene.desk.settings.url}/help/collections/devices"
    found = await looks(visitor, "/help/search?q=reset")
    assert "How do I reset it?" in found.text
    assert found.headers["cache-control"] == "no-store"
    offers = (await visitor.get("/help/offers?q=reset")).json()
    assert [each["href"] for each in offers] == [f"/help/articles/{article.slug}"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


async def test_what_is_not_for_everybody_is_not_there(console: Console, visitor: Person) -> None:
    """Drafts, articles for colleagues, customers and companies, and those of another brand's collections."""
    scene = console.scene
    ours, theirs = await shelved(scene, "Ours", "One"), await shelved(scene, "Theirs", "Two")
    await brand(scene, "Lumen", collection_ids=[ours.collection_id])
    await brand(scene, "Acme")
    secrets = [
        await published(scene, f"Secret {each.value}", audience=each, category_id=ours.id)
        for each in (Audience.internal, Audience.customers, Audience.companies)
    ]
    other = await published(scene, "Secret of Acme", category_id=theirs.id)
    loose = await published(scene, "Secret in no collection")
    async with committed(scene.desk.sessions) as session:
        draft = Article.write("Secret draft", "Text.")
        old = await session.get_one(Article, (await published(scene, "Secret archived")).id)
        old.archive()
        session.add(draft)
    for article in (*secrets, other, loose, draft, old):
        assert (await looks(visitor, f"/help/articles/{article.slug}")).status_code == 404, article.title
        assert (await looks(visitor, f"/help/articles/{article.id}")).status_code == 404, article.title
    for path in ("", "/search?q=secret", "/offers?q=secret", "/feed", "/sitemap.xml", "/collections/ours"):
        assert "Secret" not in (await looks(visitor, f"/help{path}")).text, path
    for article in (other, loose):
        assert (await looks(visitor, f"/help/acme/articles/{article.slug}")).status_code == 200
    assert (await looks(visitor, "/help/acme/collections/theirs")).status_code == 200
    assert (await looks(visitor, "/help/collections/theirs")).status_code == 404


async def test_languages_versions_and_former_addresses(console: Console, visitor: Person) -> None:
    scene = console.scene
    await brand(scene, languages=["en", "de", "ar"])
    article = await published(scene, "Reset it", "First words.")
    german = await published(scene, "Zurücksetzen", "Taste drücken.", locale="de")
    async with committed(scene.desk.sessions) as session:
        row = await session.get_one(Article, article.id)
        row.revise(body="Second words.")
        await slugs.change(session, row, "restart-it")
        (await session.get_one(Article, german.id)).source_id = article.id
    moved = await looks(visitor, "/help/articles/reset-it")
    assert (moved.status_code, moved.headers["location"]) == (301, "/help/articles/restart-it")
    page = await looks(visitor, "/help/articles/restart-it")
    base = scene.desk.settings.url
    assert f'<link rel="alternate" hreflang="de" href="{base}/help/de/articles/{german.slug}">' in page.text
    assert f'<link rel="canonical" href="{base}/help/articles/restart-it">' in page.text
    wrong = await looks(visitor, f"/help/articles/{german.slug}")
    assert wrong.headers["location"] == f"/help/de/articles/{german.slug}"
    there = await looks(visitor, f"/help/de/articles/{german.slug}")
    assert '<html lang="de" dir="ltr">' in there.text
    assert "Hat das geholfen?" in there.text
    assert "Zuletzt geändert" in there.text
    assert "Zurücksetzen" in (await looks(visitor, "/help/de")).text
    assert "Reset it" not in (await looks(visitor, "/help/de")).text
    assert 'dir="rtl"' in (await looks(visitor, "/help/ar")).text
    assert "Hier ist nichts" in (await looks(visitor, "/help/de/articles/nowhere")).text
    assert (await looks(visitor, "/help/fr")).status_code == 404
    earlier = await looks(visitor, "/help/articles/restart-it?version=1")
    assert "First words." in earlier.text
    assert "noindex" in earlier.text
    assert earlier.headers["cache-control"] == "no-store"
    assert (await looks(visitor, "/help/articles/restart-it?version=9")).status_code == 404


async def test_drafts_and_what_was_written_for_colleagues_stay_theirs(
    console: Console, visitor: Person
) -> None:
    """An earlier version is shown only to those for whom it was: not before it was published, and not for others."""
    scene = console.scene
    await brand(scene)
    article = await published(scene, "Reset it", "The master code is 4711.", audience=Audience.internal)
    for body in ("Now without the code.", "Press the key."):
        async with committed(scene.desk.sessions) as session:
            (await session.get_one(Article, article.id)).revise(body=body)
    async with committed(scene.desk.sessions) as session:
        row = await session.get_one(Article, article.id)
        arranged: dict[str, Any] = {
            "category_id": None,
            "owner_id": None,
            "review_due": None,
            "companies": (),
        }
        await writing.arrange(session, row, by=DESK, audience=Audience.public, **arranged)
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Article, article.id)).revise(body="Hold the key.")
    answers = [
        (await looks(visitor, f"/help/articles/{article.slug}?version={each}")).status_code
        for each in range(1, 5)
    ]
    assert answers == [404, 404, 200, 200]


async def test_a_brand_has_its_own_address_and_believes_no_other(console: Console, visitor: Person) -> None:
    """The host chooses among brands that are known; nothing that a cache or a mail keeps is made of it."""
    scene = console.scene
    await brand(scene, "Lumen")
    await brand(scene, "Acme", host="help.acme.example")
    await published(scene, "Reset it")
    at_acme = await looks(visitor, "/help", host="help.acme.example:8123")
    assert "Acme" in at_acme.text
    assert "Lumen" not in at_acme.text
    first = await looks(visitor, "/", host="help.acme.example")
    assert (first.status_code, first.headers["location"]) == (302, "/help")
    robots = await visitor.get("/robots.txt", headers={"host": "help.acme.example"})
    assert "help.acme.example" in robots.text
    assert "Disallow: /" in robots.text
    plain = await looks(visitor, "/help/articles/reset-it")
    for evil in (
        "evil.example",
        "help.acme.example.evil.example",
        "evil.example@help.acme.example:1",
        '"><script>',
    ):
        answer = await looks(
            visitor,
            "/help/articles/reset-it",
            host=evil,
            **{"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
        )
        assert "evil.example" not in answer.text
        assert "<script>" not in answer.text
        assert answer.status_code in {200, 400}  # no name of a host at all is refused before
        if answer.status_code == 200:
            assert answer.text == plain.text
    sitemap = (await visitor.get("/help/sitemap.xml", headers={"host": "evil.example"})).text
    ElementTree.fromstring(sitemap)  # noqa: S314 - our own
    assert "evil" not in sitemap
    feed = (await visitor.get("/help/feed")).text
    assert ElementTree.fromstring(feed).findtext("channel/item/title") == "Reset it"  # noqa: S314


async def test_at_a_brands_own_host_there_is_nothing_but_its_help_centre(
    console: Console, visitor: Person
) -> None:
    """No console, API, sign-in, hooks or other brands: an address that is there looks as one that is not, with the
    cookie of a colleague as well, however the host is written."""
    scene = console.scene
    theirs, other = await form_inbox(scene), await form_inbox(scene, address="other@desk.example")
    await brand(scene, "Lumen")
    await brand(scene, "Acme", host="help.acme.example", inbox_ids=[theirs.id], contact_inbox_id=theirs.id)
    ada = await console.person("Ada")
    nothing = await looks(ada, "/nothing/at/all", host="help.acme.example")
    assert (nothing.status_code, "Acme" in nothing.text) == (404, True)
    secret = (
        "/tickets", "/sign-in", "/welcome", "/api/v1/tickets", "/api/openapi.json", "/settings", "/live",
        "/health/ready", "/knowledge", "/help/../tickets", "/HELP", "/helpx", "/ratings", f"/hooks/{theirs.public_id}",
        f"/forms/{other.public_id}", f"/forms//{theirs.public_id}", "/chat/nobody/frame", "/forms/%00", "/help/lumen",
    )  # fmt: skip
    for path in secret:
        for host in ("help.acme.example", "HELP.acme.example:8123", "help.acme.example."):
            got = await looks(ada, path, host=host)
            assert (got.status_code, got.text) == (404, nothing.text), (path, host)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):  # nor does a wrong method tell what there is
        got = await ada.request(method, "/tickets", headers=HTML | {"host": "help.acme.example"})
        assert got.status_code == 404, method
    signing = {"email": scene.agents["Ada"].email, "password": PASSWORD}
    refused = await visitor.post("/sign-in", data=signing, headers={"host": "help.acme.example"})
    assert (refused.status_code, "set-cookie" in refused.headers) == (404, False)
    for path in ("/help", "/help/acme", f"/forms/{theirs.public_id}", "/robots.txt", "/help/look.css"):
        assert (await looks(visitor, path, host="help.acme.example")).status_code == 200, path
    assert (await looks(ada, "/tickets")).status_code == 200  # at the desk's own
    at, url = "http://help.acme.example", "http://desk.example"
    async with scene.desk.sessions() as session:
        for inbox, origin in ((theirs, at), (other, url), (scene.inbox, url)):  # where mails lead
            assert await centres.origin_for(session, inbox.id, url) == origin
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(HelpCentre).where(HelpCentre.slug == "acme").values(active=False))
    for path in ("/", "/help", "/tickets", "/sign-in", "/robots.txt", f"/forms/{theirs.public_id}"):
        assert (await looks(ada, path, host="help.acme.example")).status_code == 404, path


async def form_inbox(scene: Scene, address: str = "form@desk.example") -> Inbox:
    async with committed(scene.desk.sessions) as session:
        made = Inbox(
            name=address, channel="api", address=address, team_id=scene.teams["Billing"].id,
            sealed_settings=scene.desk.keys.seal({"form_open": True}),
        )  # fmt: skip
        session.add(made)
        return made


async def test_hostile_words_stay_words(console: Console, visitor: Person) -> None:
    """In a brand, a title, an article, a question: nothing ends an attribute, an element, a style or a script."""
    scene = console.scene
    evil = "</script><img src=x onerror=alert(1)>\"'><b>&#x27;"
    await brand(scene, "Lumen", greeting=evil, words=evil, website="https://x.example/a")
    article = await published(
        scene,
        evil,
        f"{evil}\n\n[x](javascript:alert(1)) <iframe></iframe> ![p](https://spy.example/a.png)\n\n## {evil}?\n\nSo.",
    )
    await published(scene, "Control \x0b character")
    for path in ("", f"/articles/{article.slug}", "/search?q=" + "%3Csvg%20onload%3Dalert(1)%3E", "/contact"):
        page = (await looks(visitor, f"/help{path}")).text
        assert "<img src=x" not in page
        assert "<svg onload" not in page
        assert 'href="javascript:' not in page
        assert "spy.example" not in page
        assert page.count("<script") == page.count("</script>") <= 2
    for path in ("/feed", "/sitemap.xml"):
        ElementTree.fromstring((await visitor.get(f"/help{path}")).content)  # noqa: S314
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(HelpCentre).values(colour="red;} body{display:none} /*"))
    look = (await visitor.get("/help/look.css")).text
    assert "display" not in look
    for huge in (
        "/help/search?q=" + "a%20" * 9000,
        "/help/offers?q=" + "%F0%9F%98%80" * 3000,
        "/help/search?q=%00%ED%A0%80",
        "/help/search?q=%26+%7C+%21+%3C-%3E+%28+%29+%3A%2A+%27+%22+%5C",  # what a tsquery is written with
        "/help/offers?q=" + "%22%27" * 100,
        "/help/search?q=-a+%E2%80%AE%D9%85%D8%B1%D8%AD%D8%A8%D8%A7+e" + "%CC%81" * 500,
    ):
        assert (await looks(visitor, huge)).status_code < 500


async def test_readers_say_whether_it_helped(console: Console, visitor: Person) -> None:
    """One word of each reader, and no cookie for it."""
    scene = console.scene
    await brand(scene)
    article = await published(scene, "Reset it")
    path = f"/help/articles/{article.slug}"
    asked = await visitor.post(f"{path}/feedback", data={"helpful": "false"})
    assert asked.headers["location"] == f"{path}?thanks=no#feedback"
    assert "What was missing?" in (await looks(visitor, f"{path}?thanks=no")).text
    await visitor.post(f"{path}/feedback", data={"helpful": "false", "comment": "Which key?"})
    assert "set-cookie" not in asked.headers
    async with scene.desk.sessions() as session:
        (said,) = await session.scalars(select(Feedback))
    assert (said.helpful, said.comment, said.contact_id) == (False, "Which key?", None)
    foreign = await visitor.post(
        f"{path}/feedback", data={"helpful": "true"}, headers={"sec-fetch-site": "cross-site"}
    )
    assert foreign.status_code == 403


async def test_the_settings_make_a_help_centre(console: Console, visitor: Person) -> None:
    """A colleague makes one with a form for questions, sees it before it is saved, and gives it a logo."""
    scene = console.scene
    ada = await console.person("Ada")
    assert "No help centre yet" in (await ada.look("/settings/help-centres")).text
    form = {
        "name": "Lumen", "slug": "lumen", "colour": "#0a7f5a", "languages": "en, de", "active": "true",
        "indexed": "true", "signs_in": "true", "contact": f"new-{scene.inbox.id}", "greeting": "Hi", "words": "",
        "host": "", "website": "",
    }  # fmt: skip
    for wrong in (
        {"name": ""}, {"slug": "a b"}, {"slug": "tickets"}, {"colour": "url(x)"}, {"languages": "english!"},
        {"host": "https://a.example/"}, {"website": "javascript:alert(1)"}, {"contact": "new-999"},
    ):  # fmt: skip
        refused = await ada.does("/settings/help-centres", data=form | wrong)
        assert refused.status_code in {400, 409}, (wrong, refused.status_code)
    preview = await ada.look("/settings/help-centres/preview?name=Draft+%3Cb%3E&colour=%23ff0000")
    assert "Draft &lt;b&gt;" in preview.text
    assert "frame-ancestors 'self'" in preview.headers["content-security-policy"]
    made = await ada.does("/settings/help-centres", data=form)
    assert "done=added" in made.headers["hx-redirect"]
    async with scene.desk.sessions() as session:
        (centre,) = await session.scalars(select(HelpCentre))
    assert centre.is_default
    page = f"/settings/help-centres/{centre.id}"
    assert f"{scene.desk.settings.url}/help" in (await ada.look(page)).text
    assert "Lumen" in (await ada.look("/settings/help-centres")).text
    data = {"csrf": ada.token}
    bad = await ada.post(f"{page}/logo", data=data, files={"logo": ("x.svg", b"<svg/>", "image/png")})
    assert bad.status_code == 400
    await ada.post(f"{page}/logo", data=data, files={"logo": ("x.png", PNG, "image/png")})
    logo = await visitor.get("/help/logo")
    assert (logo.content, logo.headers["content-type"]) == (PNG, "image/png")
    assert "/help/logo?v=" in (await looks(visitor, "/help")).text
    assert "Contact us" in (await looks(visitor, "/help")).text
    again = await ada.does("/settings/help-centres", data=form)
    assert again.status_code == 409
    await ada.does(
        page, data=form | {"active": "", "contact": str(centre.contact_inbox_id)} | {"active": "false"}
    )
    assert (await looks(visitor, "/help")).status_code == 404
    gone = await ada.does(f"{page}/removal", data={"confirmation": "Lumen"})
    assert "done=removed" in gone.headers["hx-redirect"]


def words_of(page: httpx.Response) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", page.text))


async def test_whoever_asks_too_often_waits(console: Console, visitor: Person) -> None:
    """Strangers are slowed down, in the brand's own words."""
    await brand(console.scene)
    answers = [await looks(visitor, "/help/search?q=") for _ in range(45)]
    assert {each.status_code for each in answers} == {200, 429}
    assert "A little slower" in words_of(answers[-1])
