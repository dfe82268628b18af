"""All articles as Markdown files with front matter, and their pictures, in a zip that an import reads again."""

import json
import re
import zipfile
from typing import BinaryIO

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import NotFound
from helpdesk.storage import Files
from kb.articles import Article
from kb.images import ArticleImage, address
from kb.markup import IMAGES
from kb.shelves import Tree

NAMED = re.compile(re.escape(IMAGES) + r"\d+")
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp"}


async def export(
    session: AsyncSession, files: Files, into: BinaryIO, *, which: ColumnElement[bool] | None = None
) -> int:
    """How many. The settled text of each, whatever its state, with the pictures that it shows."""
    tree = await Tree.load(session)
    collections = {one.id: one.name for one in tree.collections}
    shelves = {shelf.category.id: shelf.category for one in tree.collections for shelf in tree.walk(one.id)}

    def path(category_id: int | None) -> str:
        names: list[str] = []
        category = shelves.get(category_id) if category_id else None
        while category is not None:
            names.insert(0, category.name.replace("/", "-"))
            if category.parent_id is None:
                names.insert(0, collections[category.collection_id].replace("/", "-"))
            category = shelves.get(category.parent_id) if category.parent_id else None
        return "/".join(names)

    n = 0
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        articles = await session.stream_scalars(
            select(Article).where(true() if which is None else which).order_by(Article.id)
        )
        async for article in articles:
            fields = {
                "id": f"{article.locale}/{article.slug}",
                "title": article.title,
                "slug": article.slug,
                "locale": article.locale,
                "audience": article.audience.value,
                "state": article.state.value,
                "category": path(article.category_id),
                "updated": article.updated_at.isoformat(timespec="seconds"),
            }
            matter = "\n".join(
                f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items()
            )
            body = await _with_pictures(session, files, archive, article)
            archive.writestr(f"{article.locale}/{article.slug}.md", f"---\n{matter}\n---\n\n{body}\n")
            n += 1
    return n


async def _with_pictures(
    session: AsyncSession, files: Files, archive: zipfile.ZipFile, article: Article
) -> str:
    """Its text, with the pictures by their places in the zip; one whose file is lost keeps its address."""
    shown = set(NAMED.findall(article.body))
    if not shown:
        return article.body
    places: dict[str, str] = {}
    for image in await session.scalars(select(ArticleImage).where(ArticleImage.article_id == article.id)):
        if address(image) not in shown:
            continue
        try:
            content = await files.get(image.key)
        except NotFound:
            continue
        place = f"pictures/{image.id}{SUFFIXES.get(image.content_type, '')}"
        archive.writestr(place, content, zipfile.ZIP_STORED)  # packed already
        places[address(image)] = f"../{place}"
    return NAMED.sub(lambda found: places.get(found[0], found[0]), article.body)
