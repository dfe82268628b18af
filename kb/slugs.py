"""Addresses of articles: a slug that was ever shown keeps leading to its article."""

import re
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _
from helpdesk.texts import clean
from kb.articles import Article
from kb.names import slugify

OWN = frozenset({"articles", "images", "imports", "shelves"})
"""Addresses that are pages of the console's own."""
WELL_FORMED = re.compile(r"\w+(-\w+)*")


class FormerSlug(Base):
    """It leads to an article and never to another slug, so there is no way round in a circle."""

    __tablename__ = "article_slug"

    locale: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(primary_key=True)
    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(insert_default=now, server_default=text("clock_timestamp()"))


class BadSlug(Invalid):
    message = _("An address has letters, digits and hyphens, and not digits alone.")


class SlugTaken(Conflict):
    message = _("Another article in this language has this address.")


async def found(session: AsyncSession, name: str, locale: str = "") -> int | None:
    """The article by its number or its address; of several languages the one that is asked for, then the oldest."""
    if name.isascii() and name.isdigit():
        return int(name) if len(name) < 19 else None
    name = clean(name)
    wanted = base(locale)
    rows = (await session.execute(select(Article.id, Article.locale).where(Article.slug == name))).all() or (
        await session.execute(select(FormerSlug.article_id, FormerSlug.locale).where(FormerSlug.slug == name))
    ).all()
    order = sorted(rows, key=lambda row: (row[1] != locale, base(row[1]) != wanted, row[0]))
    return order[0][0] if order else None


async def free(session: AsyncSession, wanted: str, locale: str) -> str:
    """The address that is made of these words, with a number behind it where it is taken."""
    await _alone(session, locale)
    slug = slugify(wanted)
    for number in range(1, 1000):
        tried = slug if number == 1 else f"{slug}-{number}"
        if not await _taken(session, tried, locale, of=None):
            return tried
    raise SlugTaken


async def change(session: AsyncSession, article: Article, slug: str) -> bool:
    """The old address leads to the article for ever. Returns whether anything changed."""
    slug = clean(slug).strip().lower()
    if slug == article.slug:
        return False
    if not WELL_FORMED.fullmatch(slug) or slug.isdigit() or len(slug) > 80:
        raise BadSlug
    await _alone(session, article.locale)
    if await _taken(session, slug, article.locale, of=article.id):
        raise SlugTaken
    # It comes back to what it was called before: then that is no former address any more.
    await session.execute(
        delete(FormerSlug).where(FormerSlug.locale == article.locale, FormerSlug.slug == slug)
    )
    session.add(FormerSlug(locale=article.locale, slug=article.slug, article_id=article.id))
    article.slug = slug
    await session.flush()
    return True


async def _taken(session: AsyncSession, slug: str, locale: str, *, of: int | None) -> bool:
    """By another article, now or formerly, or by a page of our own."""
    if slug in OWN:
        return True
    now_ = select(Article.id).where(Article.locale == locale, Article.slug == slug)
    once = select(FormerSlug.article_id).where(FormerSlug.locale == locale, FormerSlug.slug == slug)
    owners = set(await session.scalars(now_)) | set(await session.scalars(once))
    return bool(owners - {of})


async def _alone(session: AsyncSession, locale: str) -> None:
    """Two at once would both find an address free."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("article slug " + locale))))


def base(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()
