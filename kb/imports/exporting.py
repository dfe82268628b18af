"""All articles as Markdown files with front matter, in a zip that an import reads again."""

import json
import zipfile
from typing import BinaryIO

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kb.articles import Article
from kb.shelves import Tree


async def export(session: AsyncSession, into: BinaryIO, *, which: ColumnElement[bool] | None = None) -> int:
    """How many. The settled text of each, whatever its state; pictures stay on the desk."""
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
            archive.writestr(f"{article.locale}/{article.slug}.md", f"---\n{matter}\n---\n\n{article.body}\n")
            n += 1
    return n
