"""Articles from elsewhere: read as they were meant, never twice, never over what was written here."""

import io
import zipfile
from pathlib import Path

import mammoth  # noqa: F401 - the parser of .docx is there
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Invalid
from helpdesk.events import DESK
from helpdesk.storage import Files
from kb import writing
from kb.articles import Article, Audience
from kb.images import ArticleImage, address
from kb.imports import exporting, reading, running
from kb.imports.converting import Given, converted
from kb.imports.documents import Document
from kb.imports.pictures import Gallery
from kb.imports.running import Fate
from kb.shelves import Tree
from tests.kb.papers import png

FIXTURES = Path(__file__).parent / "fixtures"


def zipped(files: dict[str, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return into.getvalue()


def export_of(vendor: str) -> bytes:
    return zipped({path.name: path.read_bytes() for path in sorted((FIXTURES / vendor).iterdir())})


async def test_an_export_of_zendesk_guide_is_read():
    found = await reading.read("guide.zip", export_of("zendesk"))
    assert found.troubles == ()
    crate, lost, levels = found.documents
    assert (crate.id, crate.title, crate.locale) == ("35467/en-us", "Return a crate", "en-US")
    assert crate.shelves == ("Shipping", "Crates")
    assert "## Before you begin" in crate.body
    assert "**long**" in crate.body
    assert "- one crate" in crate.body
    assert "| Size | Price |" in crate.body
    assert "alert" not in crate.body
    assert (crate.published, lost.published) == (True, False)
    assert levels.audience is Audience.internal, "a segment that nobody here knows of"


async def test_exports_of_intercom_and_freshdesk_are_read():
    found = await reading.read("intercom.zip", export_of("intercom"))
    assert [(one.id, one.locale, one.published, one.shelves) for one in found.documents] == [
        ("39/en", "en", True, ("Trees", "Care")),
        ("39/fr", "fr", False, ("Trees", "Care")),
        ("40/en", "en", False, ()),
    ]
    found = await reading.read("freshdesk.zip", export_of("freshdesk"))
    assert [(one.title, one.body, one.audience, one.published) for one in found.documents] == [
        ("Ladders", "Lean it at *75* degrees.", Audience.public, True),
        ("Known trouble", "Ask the yard.", Audience.internal, False),
    ]


async def test_files_of_several_kinds_are_read_and_what_is_wrong_is_told():
    found = await reading.read(
        "help.zip",
        zipped(
            {
                "Billing/refunds.md": b"---\ntitle: Refunds\nstate: published\n---\n\nWithin 14 days.",
                "Billing/old.md": "Öre".encode("latin-1"),
                "page.html": b"<title>x</title><nav>Menu</nav><main><h1>Opening hours</h1><p>From 9.</p></main>",
                "broken.pdf": b"%PDF-1.4 nothing",
                "deep.html": b"<div>" * 200_000,
                "../../etc/passwd.md": b"# Root\n\nNobody.",
                ".hidden.md": b"# No\n\nNo.",
                "logo.png": b"x",
            }
        ),
    )
    assert [(one.id, one.title, one.shelves) for one in found.documents] == [
        ("Billing/refunds.md", "Refunds", ("Billing",)),
        ("page.html", "Opening hours", ()),
    ]
    assert {one.name for one in found.troubles} == {"Billing/old.md", "broken.pdf", "deep.html"}
    assert "From 9." in found.documents[1].body
    assert "Menu" not in found.documents[1].body


async def test_a_file_that_kills_its_reader_costs_only_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("kb.imports.converting.PATIENCE", 0.001)
    assert [made.trouble for made in [one async for one in converted([Given(".html", b"<p>x")])]] == [
        "Reading it took too much time or memory."
    ]
    monkeypatch.setattr("kb.imports.converting.PATIENCE", 60.0)
    made = [one async for one in converted([Given(".html", b"<p>x"), Given(".html", b"<h1>T</h1>y")])]
    assert [(one.title, one.text, one.trouble) for one in made] == [("", "x", ""), ("T", "y", "")]


async def test_a_zip_that_is_larger_than_it_says_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    with pytest.raises(reading.TooLarge):
        await reading.read("bomb.zip", zipped({"a.md": b"x" * 2000}))
    with pytest.raises(Invalid, match="damaged"):
        await reading.read(
            "bad.zip", zipped({"a.md": b"x" * 90})[:-8].replace(b"a.md", b"b.md", 1) + b"x" * 8
        )
    with pytest.raises(reading.Unreadable):
        await reading.read("photo.png", b"x")


def document(name: str = "1", title: str = "Refunds", body: str = "Within 14 days.", **more) -> Document:
    return Document(id=name, title=title, body=body, **more)


async def test_the_same_article_is_brought_in_once_and_then_updated(session: AsyncSession):
    async def fates(*documents: Document, **how) -> list[str]:
        steps = await running.write(session, "guide", documents, by=DESK, **how)
        assert await running.foresee(session, "guide", documents) is not None
        return [f"{step.fate} {step.id}" for step in steps]

    first, second = (
        document(published=True, shelves=("Shipping", "Crates")),
        document("2", "Hours", "From 9."),
    )
    assert [step.fate for step in await running.foresee(session, "guide", [first, second])] == [Fate.new] * 2
    assert await fates(first, second, publish=True) == ["new 1", "new 2"]
    assert await fates(first, second, publish=True) == ["unchanged 1", "unchanged 2"]

    refunds = await session.scalar(select(Article).where(Article.slug == "refunds"))
    assert refunds is not None
    assert refunds.is_published
    tree = await Tree.load(session)
    assert [one.name for one in tree.collections] == ["Shipping"]
    assert refunds.category_id == tree.shelves[tree.collections[0].id][0].category.id

    later = document(body="Within 30 days.", published=True, shelves=("Shipping", "Crates"))
    assert await fates(later) == ["changed 1", "gone 2"]
    assert (refunds.body, refunds.version) == ("Within 30 days.", 2)

    refunds.revise(body="Within 30 days, said a colleague.")
    await session.flush()
    again = document(body="Within 31 days.", published=True)
    assert await fates(again, second) == ["edited 1", "unchanged 2"]
    assert refunds.body == "Within 30 days, said a colleague."
    assert await fates(again, second, overwrite=True) == ["edited 1", "unchanged 2"]
    assert (refunds.body, refunds.version) == ("Within 31 days.", 4)
    assert await fates(document(body="Within 31 days.", audience=Audience.internal), second) == [
        "changed 1",
        "unchanged 2",
    ]
    assert refunds.audience is Audience.internal, "closed there, closed here"


async def test_what_was_exported_imports_again_unchanged(session: AsyncSession, tmp_path: Path):
    article = await writing.write(
        session, 'Say "hello": a guide', "# One\n\nTwo\n\n---\n\nthree", by=DESK, locale="de"
    )
    await writing.publish(session, article, by=DESK)
    draft = await writing.write(session, "Draft", "x", by=DESK, audience=Audience.internal)
    files, picture = Files(tmp_path), png()
    image = ArticleImage(
        article_id=draft.id,
        name="one.png",
        content_type="image/png",
        size=len(picture),
        key=await files.put(picture),
    )
    session.add(image)
    await session.flush()
    draft.body = f"Look:\n\n![It]({address(image)})"
    into = io.BytesIO()
    assert await exporting.export(session, files, into) == 2
    found = await reading.read("all.zip", into.getvalue(), Gallery(files))
    assert found.troubles == ()
    assert [each.key for document in found.documents for each in document.pictures] == [image.key]
    assert [step.fate for step in await running.foresee(session, "all", found.documents)] == [
        Fate.unchanged
    ] * 2
    steps = await running.write(session, "all", found.documents, by=DESK, publish=True)
    assert running.counted(steps)["unchanged"] == 2
    assert article.version == 1
