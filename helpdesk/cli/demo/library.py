"""The demo's help centre: collections, and articles for colleagues, for one company, in German, and in review."""

from datetime import timedelta
from typing import Literal

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import clock
from helpdesk.cli.demo import content
from helpdesk.errors import Misconfigured
from helpdesk.events import DESK
from helpdesk.people import Agent, Company
from kb import reviews, shelves, writing
from kb.articles import Article, ArticleCompany, Audience


class Shelf(content.Told, frozen=True):
    name: str
    description: str
    icon: str
    categories: tuple[str, ...]


class More(content.Told, frozen=True):
    title: str
    slug: str
    category: str
    body: str
    """Markdown."""
    audience: Audience = Audience.public
    company: str = ""
    locale: str = "en"
    translation_of: str = ""
    """A slug."""
    state: Literal["published", "review"] = "published"
    author: str = ""
    question: str = ""
    ago: timedelta = timedelta(days=41)


class Library(content.Told, frozen=True):
    collections: tuple[Shelf, ...]
    articles: tuple[More, ...] = msgspec.field(default=())


def load() -> Library:
    return content.toml(content.FOLDER / "library.toml", Library)


async def arrange(session: AsyncSession) -> dict[str, int]:
    """Makes collections and categories; returns categories' numbers by name."""
    made = {}
    for shelf in load().collections:
        collection = await shelves.edit_collection(
            session, None, by=DESK, name=shelf.name, description=shelf.description, icon=shelf.icon
        )
        for name in shelf.categories:
            category = await shelves.edit_category(
                session, None, by=DESK, name=name, collection_id=collection.id
            )
            made[name] = category.id
    return made


async def add(session: AsyncSession, categories: dict[str, int]) -> None:
    """Beside the articles of the help centre, which are there by now."""
    for told in load().articles:
        if told.category not in categories:
            raise Misconfigured(f"library.toml: no collection has the category {told.category!r}.")
        with clock.moved(-told.ago):
            await _add(session, told, categories[told.category])


async def _add(session: AsyncSession, told: More, category: int) -> None:
    author = await session.scalar(select(Agent).where(Agent.email == told.author))
    article = await writing.write(
        session,
        told.title,
        told.body,
        by=author or DESK,
        slug=told.slug,
        category_id=category,
        locale=told.locale,
        audience=told.audience,
    )
    if told.company:
        company = (await session.scalars(select(Company).where(Company.name == told.company))).one()
        session.add(ArticleCompany(article_id=article.id, company_id=company.id))
    if told.translation_of:
        source = select(Article).where(Article.slug == told.translation_of, Article.locale == "en")
        first = (await session.scalars(source)).one()
        article.source_id, article.source_version = first.id, first.version
    await session.flush()
    if told.state == "review" and author:
        await reviews.ask(session, article, by=author, reviewer=None, question=told.question)
    else:
        await writing.publish(session, article, by=DESK)
