"""Whose articles somebody sees: asked of every place in which a help centre shows, finds or tells of one."""

import re
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import select, update

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Company, Contact, ContactIdentity
from helpdesk.portal import HelpCentre
from kb.articles import Article, ArticleCompany, Audience
from tests.scenes import mail
from tests.web.chatting import Frame, chat_inbox
from tests.web.served import Console, Person
from tests.web.test_help_centre import HTML, brand, looks, published, shelved, words_of
from tests.web.test_help_centre_customers import form_inbox, signed_in, token
from web import public_forms

TITLES = {
    "public": "Lantern for everybody",
    "customers": "Lantern for customers",
    "lumen": "Lantern for Lumen",
    "acme": "Lantern for Acme",
    "internal": "Lantern for colleagues",
    "draft": "Lantern not finished",
    "other brand": "Lantern of the other brand",
}
READ = {
    "a stranger": {"public"},
    "a customer of no company": {"public", "customers"},
    "a customer of Lumen": {"public", "customers", "lumen"},
    "a customer of Acme": {"public", "customers", "acme"},
}
ADDRESSES = {
    "a customer of no company": "noor@private.example",
    "a customer of Lumen": "marta@lumen.example",
    "a customer of Acme": "jon@acme.example",
}


@dataclass
class Shop:
    """A brand with an article for each kind of reader, all of them about the same."""

    console: Console
    centre: HelpCentre
    chat: Inbox
    articles: dict[str, Article] = field(default_factory=dict)
    shelf: str = ""

    async def reader(self, who: str) -> Person:
        address = ADDRESSES.get(who)
        return await signed_in(self.console, address) if address else await self.console.stranger()

    def named(self, text: str) -> set[str]:
        return {kind for kind, title in TITLES.items() if title in text}


@pytest.fixture
async def shop(console: Console) -> Shop:
    scene = console.scene
    for address in ADDRESSES.values():
        await scene.receives(mail(sender=address))
    ours, theirs = await shelved(scene, "Lights", "Lanterns"), await shelved(scene, "Other", "Brand")
    chat = await chat_inbox(scene)
    centre = await brand(
        scene,
        collection_ids=[ours.collection_id],
        contact_inbox_id=await form_inbox(scene),
        chat_inbox_id=chat.id,
    )
    made = Shop(console, centre, chat, shelf="/help/collections/lights")
    body = "How a lantern is lit: turn the wick."
    kinds = {
        "public": Audience.public,
        "customers": Audience.customers,
        "lumen": Audience.companies,
        "acme": Audience.companies,
        "internal": Audience.internal,
    }
    for kind, audience in kinds.items():
        made.articles[kind] = await published(
            scene, TITLES[kind], body, audience=audience, category_id=ours.id
        )
    made.articles["other brand"] = await published(scene, TITLES["other brand"], body, category_id=theirs.id)
    async with committed(scene.desk.sessions) as session:
        made.articles["draft"] = Article.write(TITLES["draft"], body, category_id=ours.id)
        session.add(made.articles["draft"])
        for name in ("lumen", "acme"):
            company = Company(name=name.title(), fields={})
            session.add(company)
            await session.flush()
            session.add(ArticleCompany(article_id=made.articles[name].id, company_id=company.id))
            theirs_of = select(ContactIdentity.contact_id).where(
                ContactIdentity.value == ADDRESSES[f"a customer of {name.title()}"]
            )
            await session.execute(
                update(Contact).where(Contact.id.in_(theirs_of)).values(company_id=company.id)
            )
    return made


@pytest.mark.parametrize("who", READ)
async def test_each_reader_is_shown_theirs_and_nobody_elses(shop: Shop, who: str) -> None:
    """Lists, search, what is offered while they type, what stands beside an article, and the form's own answers."""
    reader, reads = await shop.reader(who), READ[who]
    hidden = await token(reader, "/help/contact")
    for path in ("/help", shop.shelf, f"{shop.shelf}/lanterns"):
        page = await looks(reader, path)
        assert shop.named(page.text) == reads, path
    counted = re.findall(r"<small>(\d+) articles?</small>", (await looks(reader, "/help")).text)
    assert counted == [str(len(reads))]
    for path in ("/help/search?q=lantern", "/help/offers?q=lantern"):
        assert shop.named((await looks(reader, path)).text) == reads, path
    for kind, article in shop.articles.items():
        for name in (article.slug, str(article.id)):
            page = await looks(reader, f"/help/articles/{name}")
            if kind in reads:
                seen = (await looks(reader, f"/help/articles/{article.slug}")).text
                assert shop.named(seen) == reads, kind  # itself and what is related to it
            else:
                assert page.status_code == 404, kind
                assert not shop.named(page.text), kind
        said = {"helpful": "true", "csrf": hidden.get("csrf", "")}
        refused = await reader.post(f"/help/articles/{article.slug}/feedback", data=said)
        assert refused.status_code == (303 if kind in reads else 404), kind
    stamp = public_forms.stamp(shop.console.app.state.csrf_key, await _form(shop), now().timestamp() - 60)
    form = hidden | {
        "stamp": stamp, "email": "x@y.example", "text": "lantern",
    }  # fmt: skip
    asked = await reader.post("/help/contact", data=form, headers=HTML)
    assert shop.named(asked.text) <= reads
    assert shop.named(asked.text)


@pytest.mark.parametrize("who", READ)
async def test_maps_feeds_and_the_chat_tell_everybody_the_same(shop: Shop, who: str) -> None:
    """What browsers, proxies and search engines keep holds public articles alone, whoever asks for it."""
    reader = await shop.reader(who)
    sitemap = (await looks(reader, "/help/sitemap.xml")).text
    for kind, article in shop.articles.items():
        assert (f"/articles/{article.slug}<" in sitemap) == (kind == "public"), kind
    feed = await looks(reader, "/help/feed")
    assert shop.named(feed.text) == {"public"}
    frame = Frame(reader, shop.chat)
    word = re.findall(r'data-word="([^"]*)"', (await looks(reader, "/help")).text)[0]
    assert bool(word) == (who in ADDRESSES)
    assert (await frame.arrives(jwt=word)).status_code == 201
    found = await frame.asks("/articles?q=lantern")
    assert shop.named(found.text) == {"public"}
    for kind, article in shop.articles.items():
        shown = await frame.asks(f"/articles/{article.id}")
        assert shown.status_code == (200 if kind == "public" else 404), kind


@pytest.mark.parametrize("who", READ)
async def test_what_is_ones_own_is_kept_nowhere(shop: Shop, who: str) -> None:
    """Only the pages of people who have not signed in may be kept, apart from those who have; never what was asked."""
    reader = await shop.reader(who)
    public = "/help/articles/" + shop.articles["public"].slug
    for path in ("/help", shop.shelf, public):
        answer = await looks(reader, path)
        if who in ADDRESSES:
            _private(answer, path)
            marked = await looks(reader, path, **{"if-none-match": "*"})
            assert marked.status_code == 200, path
        else:
            assert "public" in answer.headers["cache-control"], path
            assert "cookie" in answer.headers["vary"].lower(), path
    for path in (
        "/help/search?q=lantern",
        "/help/offers?q=lantern",
        "/help/contact",
        "/help/tickets",
        "/help/sign-in",
        f"{public}?thanks=yes",
    ):
        _private(await looks(reader, path), path)


def _private(answer: httpx.Response, path: str) -> None:
    assert answer.headers["cache-control"] == "no-store", path
    assert "etag" not in answer.headers, path


async def _form(shop: Shop) -> str:
    async with shop.console.scene.desk.sessions() as session:
        return (await session.get_one(Inbox, shop.centre.contact_inbox_id)).public_id


async def test_what_is_found_reads_as_the_article_does(console: Console) -> None:
    """On one line, without the marks that it is written with."""
    await brand(console.scene)
    visitor = await console.stranger()
    body = (
        "## Steps\n\n- Press the **green** key\n- Wait - for [ten](https://a.example) seconds\n\n| a | b |\n"
    )
    await published(console.scene, "Reset it", body)
    (offered,) = (await visitor.get("/help/offers?q=reset")).json()
    assert offered["words"].startswith("Press the green key Wait - for ten seconds")
    assert offered["words"] in words_of(await looks(visitor, "/help/search?q=reset"))
