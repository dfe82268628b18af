"""The same article in several languages: every translation names the article that it was made from."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import Conflict
from helpdesk.events import Actor
from helpdesk.i18n import _
from kb import writing
from kb.articles import Article, State


class AlreadyTranslated(Conflict):
    message = _("There is an article in this language already.")


async def group(session: AsyncSession, article: Article) -> Sequence[Article]:
    """The article that was first, and all that say the same."""
    first = article.source_id or article.id
    found = await session.scalars(
        select(Article).where(or_(Article.id == first, Article.source_id == first)).order_by(Article.locale)
    )
    return found.all()


async def begin(session: AsyncSession, article: Article, locale: str, *, by: Actor) -> Article:
    """A draft in another language that begins with the text to translate, for the same readers."""
    locale = writing.locale_of(locale)
    source = await _source(session, article)
    if locale in {one.locale for one in await group(session, source)}:
        raise AlreadyTranslated
    made = await writing.write(
        session,
        source.title,
        source.body,
        by=by,
        category_id=source.category_id,
        locale=locale,
        audience=source.audience,
    )
    made.source_id, made.source_version = source.id, source.version
    await session.flush()
    return made


async def link(session: AsyncSession, article: Article, other: Article, *, by: Actor) -> None:
    """Two articles that were written apart say the same: the one becomes a translation of the other."""
    source = await _source(session, other)
    languages = {one.locale for one in await group(session, source)}
    own = await group(session, article)
    if article.id == source.id or len(own) > 1 or article.locale in languages:
        raise AlreadyTranslated
    article.source_id, article.source_version = source.id, source.version
    writing.tell(session, article, "linked", by=by, source=source.id)
    await session.flush()


async def unlink(session: AsyncSession, article: Article, *, by: Actor) -> None:
    if article.source_id:
        article.source_id = article.source_version = None
        writing.tell(session, article, "unlinked", by=by)


async def is_behind(session: AsyncSession, article: Article) -> bool:
    """Whether its source has changed since it was translated."""
    if article.source_id is None:
        return False
    version = await session.scalar(select(Article.version).where(Article.id == article.source_id))
    return (version or 0) > (article.source_version or 0)


async def locales(session: AsyncSession) -> list[str]:
    """Those that articles are written in, the most used first."""
    found = await session.execute(
        select(Article.locale, func.count())
        .where(Article.state != State.archived)
        .group_by(Article.locale)
        .order_by(func.count().desc(), Article.locale)
    )
    return [locale for locale, _count in found]


async def missing(session: AsyncSession, article: Article) -> list[str]:
    """Languages that other articles have and this one has not."""
    own = {one.locale for one in await group(session, article)}
    return [locale for locale in await locales(session) if locale not in own]


async def _source(session: AsyncSession, article: Article) -> Article:
    return await session.get_one(Article, article.source_id) if article.source_id else article
