"""What comes from outside: pictures of imported texts, Word and PDF files, and websites by their sitemaps."""

import asyncio
import gzip
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.events import DESK
from helpdesk.outbound import NotAllowed, Outbound, Policy
from helpdesk.storage import Files
from kb.articles import Article, ArticleVersion
from kb.images import ArticleImage
from kb.imports import reading, running, sites
from kb.imports.pictures import Gallery, Waiting
from kb.imports.running import Fate
from tests.helpdesk.servers import Asked, says, server
from tests.kb.papers import docx, pdf, png, zipped


async def test_pictures_become_the_articles_own_and_are_not_doubled(session: AsyncSession, tmp_path: Path):
    pictures = Waiting(Files(tmp_path / "waiting"), Files(tmp_path / "kept"))
    gallery = Gallery(pictures.read, Outbound(Policy.of("")))
    text = (
        "# Crates\n\nOpen it: ![a lid](../img/the%20lid.png)\n\n![gone](no.png) ![spy](http://127.0.0.1:9/x.png)"
        " ![svg](../img/x.svg)"
    )
    shop = {"img/the lid.png": png(), "img/x.svg": b"<svg/>"}
    found = await reading.read("g.zip", zipped({"help/crates.md": text.encode(), **shop}), gallery)
    assert [(one.name, "3" in one.because) for one in found.troubles] == [("help/crates.md", True)]
    assert not pictures.kept.folder.exists(), "nobody has said yes"
    await running.write(session, "g", found.documents, by=DESK, pictures=pictures)
    article = (await session.scalars(select(Article))).one()
    image = (await session.scalars(select(ArticleImage))).one()
    assert f"![a lid](/knowledge/images/{image.id})" in article.body
    assert "127.0.0.1" in article.body, "not fetched; what is not ours is not shown"
    assert await pictures.kept.get(image.key) == png()
    assert (image.name, image.content_type, image.article_id) == ("the lid.png", "image/png", article.id)
    assert (await session.scalars(select(ArticleVersion.body))).all() == [article.body]

    async def fates(**files: bytes) -> list[Fate]:
        again = await reading.read(
            "g.zip", zipped({"help/crates.md": text.encode(), **shop} | files), gallery
        )
        steps = await running.write(session, "g", again.documents, by=DESK, pictures=pictures)
        return [step.fate for step in steps]

    assert await fates() == [Fate.unchanged]
    text += "\n\nClose it."
    assert await fates() == [Fate.changed]
    assert len((await session.scalars(select(ArticleImage))).all()) == 1
    assert await fates(**{"img/the lid.png": png(10)}) == [Fate.changed], "another picture of the same name"
    assert len((await session.scalars(select(ArticleImage))).all()) == 2
    assert article.version == 3


async def test_word_and_pdf_are_read_with_their_pictures(tmp_path: Path):
    gallery = Gallery(Files(tmp_path))
    files = {"a.docx": docx("Crates", "Open the lid first.", png()), "b.pdf": pdf("Within 14 days.")}
    files["c.html"] = b"<h1>T</h1><p>x <img alt=y src='data:image/png;base64,bm8='><img src='data:x,y'></p>"
    found = await reading.read("papers.zip", zipped(files), gallery)
    word, paper, page = found.documents
    assert (word.title, paper.title, paper.body) == ("Crates", "b", "Within 14 days.")
    assert "Open the lid first." in word.body
    assert "| Plan | Days |" in word.body
    assert "![The lid](picture:0)" in word.body
    assert [one.size for one in word.pictures] == [len(png())]
    assert page.pictures == (), "what says that it is a picture and is none"
    assert [one.name for one in found.troubles] == ["c.html"]


PAGE = """<html lang="de"><title>%s | Shop</title><body><nav>Menu</nav><main><h1>%s</h1><p>Words. <a href="/x">Link</a>
<img src="/logo.png" alt="Logo"></p></main><footer>Imprint</footer></body></html>"""


async def test_a_website_is_read_by_its_sitemap_as_far_as_it_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sites, "PAUSE", 0.0)
    pages: dict[str, tuple[str, bytes, Mapping[str, str]]] = {}

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        status, body, headers = pages.get(asked.path, ("404 Not Found", b"", {}))
        await says(status, body, **headers)(asked, writer)

    async with server(answer) as site, server(answer) as other:
        base = f"http://127.0.0.1:{site.port}"

        def stands(path: str, body: str | bytes, kind: str = "text/html", status: str = "200 OK") -> None:
            pages[path] = (status, body.encode() if isinstance(body, str) else body, {"content-type": kind})

        stands(
            "/robots.txt", f"User-agent: *\nDisallow: /help/secret\nSitemap: {base}/maps.xml", "text/plain"
        )
        maps = f"<loc>{base}/one.xml.gz</loc><loc>{base}/maps.xml</loc><loc>http://127.0.0.1:{other.port}/s.xml</loc>"
        stands("/maps.xml", f"<sitemapindex>{maps}</sitemapindex>", "text/xml")
        places = [
            "/help/money/refunds",
            "/help/secret",
            "/help/a.pdf",
            "/help/gone",
            "/blog/x",
            "/help/hours#top",
        ]
        urls = "".join(f"<url><loc> <![CDATA[{base}{place}]]> </loc></url>" for place in places)
        foreign = f"<url><loc>http://127.0.0.1:{other.port}/help/x</loc></url><url><loc>file:///etc/passwd</loc></url><url><loc>http://[</loc></url>"
        stands("/one.xml.gz", gzip.compress(f"<urlset>{urls}{foreign}</urlset>".encode()), "application/gzip")
        for path, title in (("/help/money/refunds", "Geld zurück"), ("/help/hours", "Zeiten")):
            stands(path, PAGE % (title, title))
        within = f'<img src="http://127.0.0.1:{other.port}/logo.png" alt="Inside"></p>'
        stands("/help/hours", (PAGE % ("Zeiten", "Zeiten")).replace("</p>", within))
        stands("/help/a.pdf", b"%PDF", "application/pdf")
        stands("/logo.png", png(), "image/png")

        allowed = Outbound(Policy.of(f"127.0.0.1:{site.port},127.0.0.1:{other.port}"))
        said: list[tuple[int, int]] = []

        async def tell(done: int, total: int) -> None:
            said.append((done, total))

        found = await sites.read(f"{base}/help", Gallery(Files(tmp_path), allowed), tell)
        assert {one.id: (one.title, one.locale) for one in found.documents} == {
            f"{base}/help/hours": ("Zeiten", "de"),
            f"{base}/help/money/refunds": ("Geld zurück", "de"),
        }
        refunds = next(one for one in found.documents if one.title == "Geld zurück")
        assert refunds.shelves == ("Money",)
        assert refunds.body == f"Words. [Link]({base}/x)\n![Logo]({base}/logo.png)"
        assert [one.src for one in refunds.pictures] == [f"{base}/logo.png"]
        assert {one.name for one in found.troubles} == {
            base + each for each in ("/help/secret", "/help/a.pdf", "/help/gone", "/help/hours")
        }
        assert said[-1] == (4, 4)
        assert other.asked == [], "another server is not this site, nor do its pages say what else is called"
        asked = [each.path for each in site.asked]
        assert asked.count("/logo.png") == 1
        assert "/help/secret" not in asked
        assert "/blog/x" not in asked
        with pytest.raises(NotAllowed):
            await sites.read(f"{base}/help", Gallery(Files(tmp_path), Outbound(Policy.of(""))), tell)
        with pytest.raises(sites.NoPages):
            await sites.read(f"{base}/logo.xml", Gallery(Files(tmp_path), allowed), tell)
        stands("/robots.txt", "User-agent: *\nDisallow: /", "text/plain")
        with pytest.raises(sites.Closed):
            await sites.read(f"{base}/maps.xml", Gallery(Files(tmp_path), allowed), tell)
