"""What people do to articles: write, publish, take back, archive. Each tells the rest of the desk of it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, false, select, true
from sqlalchemy import insert as insert_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, Company
from helpdesk.texts import clean, written
from kb import reviews, slugs
from kb.articles import Article, ArticleCompany, ArticleVersion, Audience, titled
from kb.copies import WorkingCopy
from kb.readers import Reader, readable
from kb.shelves import ArticleCategory

LONGEST = 200_000  # characters of one article


class TooLong(Invalid):
    message = _("This article is too long: 200,000 characters at most. Make two of it.")


class BadLocale(Invalid):
    message = _("Give the language as a code such as en, de or pt-BR.")


class BadTime(Invalid):
    message = _("Choose a time that is still to come.")


class NothingToPublish(Conflict):
    message = _("An article needs a text before it can be published.")


class NotReviewed(Conflict):
    message = _(
        "A colleague has to read and approve this text before it is published. Ask for a review; what is changed "
        "after it needs another one."
    )


class NoCompany(Invalid):
    message = _("Name at least one company, or choose other readers.")


def seen(agent: Agent) -> ColumnElement[bool]:
    """The articles that an agent knows of, as a condition on Article: who writes sees unfinished ones, too."""
    if not may(agent, Action.read_knowledge):
        return false()
    return true() if may(agent, Action.write_knowledge) else readable(Reader.agent())


async def opened(
    session: AsyncSession, agent: Agent, name: str, *, locale: str = "", lock: bool = False
) -> Article:
    """An article that the agent knows of by its number, its slug or a former slug. Raises NotFound."""
    article_id = await slugs.found(session, name, locale or agent.locale)
    query = select(Article).where(Article.id == article_id, seen(agent)).options(joinedload(Article.category))
    article = await session.scalar(query.with_for_update(of=Article) if lock else query)
    if article is None:
        raise NotFound
    return article


async def write(
    session: AsyncSession,
    title: str,
    body: str = "",
    *,
    by: Actor,
    category_id: int | None = None,
    locale: str = "en",
    audience: Audience = Audience.public,
    slug: str = "",
) -> Article:
    """A draft with an address of its own."""
    locale = locale_of(locale)
    if category_id is not None and await session.get(ArticleCategory, category_id) is None:
        raise NotFound
    title, body = text_of(title, body)
    article = Article.write(
        title,
        body,
        slug=await slugs.free(session, slug or title, locale),
        category_id=category_id,
        locale=locale,
        audience=audience,
        author_id=agent_id(by),
    )
    session.add(article)
    await session.flush()
    tell(session, article, "written", by=by)
    return article


async def settle(session: AsyncSession, article: Article, *, by: Actor, note: str = "") -> bool:
    """The working copy becomes the settled text. Returns whether there was anything new in it."""
    copy = await session.get(WorkingCopy, article.id, with_for_update=True)
    if copy is None:
        return False
    if article.version == 1 and article.published_at is None and not article.body:
        await session.execute(delete(ArticleVersion).where(ArticleVersion.article_id == article.id))
        article.title, article.body = titled(copy.title), copy.body
        article.keep_version(author_id=copy.agent_id, note=note or copy.note)
        changed = True
    else:
        changed = article.revise(
            title=copy.title, body=copy.body, author_id=copy.agent_id, note=note or copy.note
        )
    await session.delete(copy)
    await session.flush()
    if changed:
        tell(session, article, "revised", by=by, version=article.version)
    return changed


async def publish(
    session: AsyncSession, article: Article, *, by: Actor, at: datetime | None = None, note: str = ""
) -> None:
    """Now, or at a time to come: the settled text of an article that nobody reads yet, and the working copy."""
    if at is not None and at <= now():
        raise BadTime
    await check_readers(session, article)
    if not await reviews.let_through(session, article):
        raise NotReviewed
    if article.is_published and not article.is_scheduled:
        copy = await session.get(WorkingCopy, article.id)
        if copy is None:
            article.publish()  # says that it is published
        elif at is not None:
            copy.publish_at, copy.note = at, note or copy.note
            tell(session, article, "scheduled", by=by, at=at.isoformat())
            await session.flush()
        else:
            await settle(session, article, by=by, note=note)
            article.updated_at = now()
            await reviews.end(session, article)
        return
    await settle(session, article, by=by, note=note)
    if not article.body.strip():
        raise NothingToPublish
    article.publish(at=at)
    await reviews.end(session, article)
    await session.flush()
    tell(
        session, article, "scheduled" if at else "published", by=by, **({"at": at.isoformat()} if at else {})
    )


async def unpublish(session: AsyncSession, article: Article, *, by: Actor) -> None:
    article.unpublish()
    tell(session, article, "unpublished", by=by)


async def archive(session: AsyncSession, article: Article, *, by: Actor, at: datetime | None = None) -> None:
    """Now, or at a time to come."""
    if at is not None:
        if at <= now() or not article.is_published or (article.publish_at and at <= article.publish_at):
            raise BadTime
        article.archive_at = at
        tell(session, article, "to be archived", by=by, at=at.isoformat())
        return
    article.archive()
    await reviews.end(session, article)
    tell(session, article, "archived", by=by)


async def unschedule(session: AsyncSession, article: Article, *, by: Actor) -> None:
    """Nothing happens by itself any more: what waited to be published is a draft again."""
    if article.is_scheduled:
        article.unpublish()
    article.archive_at = None
    if copy := await session.get(WorkingCopy, article.id):
        copy.publish_at = None
    tell(session, article, "unscheduled", by=by)


async def arrange(
    session: AsyncSession,
    article: Article,
    *,
    by: Actor,
    audience: Audience,
    companies: Iterable[int],
    category_id: int | None,
    owner_id: int | None,
    review_due: date | None,
) -> None:
    """Who may read it, and where it stands. Who publishes decides of what is published."""
    before = (article.audience, article.category_id)
    if category_id is not None and await session.get(ArticleCategory, category_id) is None:
        raise NotFound
    if owner_id is not None and await session.get(Agent, owner_id) is None:
        raise NotFound
    article.audience, article.category_id = audience, category_id
    article.owner_id, article.review_due = owner_id, review_due
    wanted = set(companies) if audience is Audience.companies else set()
    known = set(await session.scalars(select(Company.id).where(Company.id.in_(wanted))))
    if known != wanted:
        raise NotFound
    await session.execute(delete(ArticleCompany).where(ArticleCompany.article_id == article.id))
    if known:
        await session.execute(
            insert_(ArticleCompany),
            [{"article_id": article.id, "company_id": each} for each in sorted(known)],
        )
    await session.flush()
    if article.is_published:
        await check_readers(session, article)
    tell(session, article, "arranged", by=by, was=list(map(str, before)), now=[audience, str(category_id)])


async def rename(session: AsyncSession, article: Article, slug: str, *, by: Actor) -> None:
    """Another address; the old one keeps leading here."""
    if await slugs.change(session, article, slug):
        tell(session, article, "renamed", by=by)


async def check_readers(session: AsyncSession, article: Article) -> None:
    if article.audience is Audience.companies and not await session.scalar(
        select(ArticleCompany.company_id).where(ArticleCompany.article_id == article.id).limit(1)
    ):
        raise NoCompany


def tell(session: AsyncSession, article: Article, what: str, *, by: Actor, **data: Any) -> None:
    session.add(Event(Kind.article_changed, by=by, about=article, what=what, **data))


def agent_id(by: Actor) -> int | None:
    return by.id if isinstance(by, Agent) else None


def text_of(title: str, body: str) -> tuple[str, str]:
    """As it is kept: plain line ends, no NUL, nothing around it."""
    body = written(body)
    if len(body) > LONGEST:
        raise TooLong
    return titled(clean(title)), body


def locale_of(locale: str) -> str:
    language, *region = locale.strip().replace("_", "-").split("-")
    parts = [language, *region]
    if not (
        2 <= len(language) <= 3
        and len(parts) <= 3
        and all(p.isascii() and p.isalnum() and len(p) <= 8 for p in parts)
    ):
        raise BadLocale
    return "-".join([language.lower(), *(p.upper() if len(p) == 2 else p.title() for p in region)])
