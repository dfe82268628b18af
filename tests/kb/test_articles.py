"""An article's texts are kept for ever, its name is readable, and publishing is a decision."""

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Invalid
from kb.articles import AlreadyPublished, Article, ArticleVersion, Audience
from kb.importers import markdown_folder
from kb.names import slugify


async def test_every_revision_is_kept_under_its_version(session: AsyncSession) -> None:
    article = Article.write("Refunds", "Within 14 days.")
    session.add(article)
    article.revise(body="Within 30 days.")
    article.revise(body="Within 30 days.")
    await session.flush()
    kept = await session.scalars(
        select(ArticleVersion).where(ArticleVersion.article_id == article.id).order_by(ArticleVersion.version)
    )
    assert [(v.version, v.body) for v in kept] == [(1, "Within 14 days."), (2, "Within 30 days.")]
    assert article.version == 2


def test_an_article_is_published_once() -> None:
    article = Article.write("Refunds", "Within 14 days.")
    article.publish()
    with pytest.raises(AlreadyPublished):
        article.publish()
    article.unpublish()
    assert not article.is_published


def test_an_article_needs_a_title() -> None:
    with pytest.raises(Invalid, match="title"):
        Article.write("  ", "text")


def test_slugs_are_readable_in_any_script() -> None:
    assert slugify("Wie lösche ich mein Konto?") == "wie-losche-ich-mein-konto"
    assert slugify("返品について") == "返品について"
    assert slugify("???") == "article"


def test_a_folder_of_markdown_becomes_drafts(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "---\ntitle: API keys: how to\ncategory: API\naudience: internal\n---\n\nText."
    )
    (tmp_path / "b.md").write_text("# From the heading\n\nText.")
    first, second = markdown_folder(tmp_path)
    assert (first.title, first.slug) == ("API keys: how to", "a")
    assert first.audience is Audience.internal
    assert (second.title, second.body) == ("From the heading", "Text.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("---\nno colon here\n---\nx", "a.md:2"),
        ("just text", "title"),
        ("---\ntitle: T\naudience: everyone\n---\nx", "audience"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.md").write_text(text)
    with pytest.raises(Invalid, match=says):
        list(markdown_folder(tmp_path))
