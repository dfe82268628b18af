"""What an import would do, and doing it: the same comparison both times."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.events import Actor
from kb import reviews, writing
from kb.articles import Article, ArticleVersion, Audience
from kb.imports.documents import Document
from kb.imports.pictures import Waiting, placed
from kb.imports.rows import ImportedArticle
from kb.shelves import ArticleCategory, Collection, edit_category, edit_collection


class Fate(StrEnum):
    """What becomes of one document."""

    new = "new"
    changed = "changed"
    unchanged = "unchanged"
    edited = "edited"  # here, since it was imported: left alone
    gone = "gone"  # not in the file any more: left alone


@dataclass(frozen=True)
class Step:
    fate: Fate
    id: str
    title: str
    article_id: int | None = None
    document: Document | None = None
    adopted: bool = False
    """An article that was here before, of the same address."""


async def foresee(session: AsyncSession, source: str, documents: Sequence[Document]) -> list[Step]:
    """In the order of the documents; then those that are gone."""
    known = {
        row.external_id: row
        for row in await session.scalars(select(ImportedArticle).where(ImportedArticle.source == source))
    }
    numbers = [row.article_id for row in known.values()]
    articles = {row.id: row for row in await session.scalars(select(Article).where(Article.id.in_(numbers)))}
    steps = [await _fate(session, document, known.get(document.id), articles) for document in documents]
    named = {document.id for document in documents}
    return [
        *steps,
        *(
            Step(Fate.gone, row.external_id, articles[row.article_id].title, row.article_id)
            for row in sorted(known.values(), key=lambda row: row.external_id)
            if row.external_id not in named
        ),
    ]


async def _fate(
    session: AsyncSession, document: Document, row: ImportedArticle | None, articles: dict[int, Article]
) -> Step:
    if row is None:
        found = await _of_address(session, document)
        if found is None:
            return Step(Fate.new, document.id, document.title, None, document)
        fate = Fate.unchanged if await _says(session, found, document) else Fate.changed
        return Step(fate, document.id, document.title, found.id, document, adopted=True)
    article = articles[row.article_id]
    fate = Fate.changed
    if row.digest == document.digest:
        fate = Fate.unchanged
    elif article.version != row.version and not await _says(session, article, document):
        fate = Fate.edited
    return Step(fate, document.id, document.title, article.id, document)


async def _of_address(session: AsyncSession, document: Document) -> Article | None:
    """Only a file that says an address means the article that has it."""
    if not document.slug:
        return None
    query = select(Article).where(Article.slug == document.slug, Article.locale == document.locale)
    found: Article | None = await session.scalar(query)
    return found


async def _says(session: AsyncSession, article: Article, document: Document) -> bool:
    body = await placed(session, article, document)
    return (article.title, article.body) == (document.title, body)


async def write(
    session: AsyncSession,
    source: str,
    documents: Sequence[Document],
    *,
    by: Actor,
    publish: bool = False,
    overwrite: bool = False,
    pictures: Waiting | None = None,
    tell: Callable[[int, int], Awaitable[None]] | None = None,
) -> list[Step]:
    """All of it or, where the transaction ends, nothing; returns what it did.

    `publish`: what was published where it comes from, unless a colleague has to approve it here first.
    `overwrite`: what was edited here as well; every text that was there stays among the article's versions.
    `pictures`: where those of the documents wait; without it none comes along.
    """
    steps = await foresee(session, source, documents)
    shelves: dict[tuple[str, ...], int | None] = {}
    for done, step in enumerate(steps):
        if tell:
            await tell(done, len(steps))
        document = step.document
        if document is None or (step.fate is Fate.edited and not overwrite):
            continue
        if step.fate is Fate.unchanged and not step.adopted:
            continue
        if document.shelves not in shelves:
            shelves[document.shelves] = await _shelf(session, document.shelves, by=by)
        article = await _written(session, step, document, shelves[document.shelves], pictures, by=by)
        wanted = publish and document.published and not article.is_published
        if wanted and await reviews.let_through(session, article):
            await writing.publish(session, article, by=by)
        await session.merge(
            ImportedArticle(
                source=source,
                external_id=document.id,
                article_id=article.id,
                digest=document.digest,
                version=article.version,
                imported_at=now(),
            )
        )
    await session.flush()
    return steps


async def _written(
    session: AsyncSession,
    step: Step,
    document: Document,
    category_id: int | None,
    pictures: Waiting | None,
    *,
    by: Actor,
) -> Article:
    agent_id = writing.agent_id(by)
    if step.article_id is None:
        article = await writing.write(
            session,
            document.title,
            document.body,
            by=by,
            category_id=category_id,
            locale=document.locale,
            audience=document.audience,
            slug=document.slug,
        )
        body = await placed(session, article, document, agent_id=agent_id, bring=pictures)
        if body != article.body:  # only now that it has a number can its pictures have addresses
            article.body = body
            first = ArticleVersion.article_id == article.id
            await session.execute(update(ArticleVersion).where(first).values(body=body))
        return article
    article = await session.get_one(Article, step.article_id, with_for_update=True)
    body = await placed(session, article, document, agent_id=agent_id, bring=pictures)
    if article.revise(title=document.title, body=body, author_id=agent_id):
        await session.flush()
        writing.tell(session, article, "revised", by=by, version=article.version)
    _narrow(article, document.audience)
    return article


WIDEST = (Audience.public, Audience.customers, Audience.companies, Audience.internal)


def _narrow(article: Article, audience: Audience) -> None:
    """Who could not read it there any more cannot here; nobody comes to read what a colleague has closed."""
    if WIDEST.index(audience) > WIDEST.index(article.audience):
        article.audience = audience


async def _shelf(session: AsyncSession, names: Sequence[str], *, by: Actor) -> int | None:
    """The category of these names, made where it is not there yet; one name alone is a category of “Imported”."""
    if not names:
        return None
    first, *rest = names if len(names) > 1 else ("Imported", *names)
    collection = await session.scalar(
        select(Collection).where(Collection.name == first).order_by(Collection.id).limit(1)
    ) or await edit_collection(session, None, by=by, name=first)
    parent: int | None = None
    for name in rest[:3]:
        query = select(ArticleCategory).where(
            ArticleCategory.collection_id == collection.id, ArticleCategory.name == name
        )
        within = (
            ArticleCategory.parent_id.is_(None) if parent is None else ArticleCategory.parent_id == parent
        )
        found = await session.scalar(query.where(within).order_by(ArticleCategory.id).limit(1))
        if found is None:
            found = await edit_category(
                session, None, by=by, name=name, collection_id=collection.id, parent_id=parent
            )
        parent = found.id
    return parent


def counted(steps: Sequence[Step]) -> dict[str, int]:
    found = Counter(step.fate for step in steps)
    return {fate.value: found[fate] for fate in Fate}
