"""Articles as customers read them: shelves, one article, what is beside it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import count

from markupsafe import Markup, escape
from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from helpdesk.clock import now
from helpdesk.i18n import _
from helpdesk.texts import preview
from kb.articles import Article
from kb.feedback import ArticleDay
from kb.markup import IMAGES, rendered
from kb.readers import Reader, readable
from kb.shelves import DEEPEST, ArticleCategory, Collection, Shelf, Tree
from web.portal.place import Place
from web.portal.remembered import Remembered

POPULAR, BESIDE = 6, 5
OF_A_SHELF = 8  # articles of a category that its collection shows before "all"
OF_A_PAGE = 100  # of a category's own page
TAG = re.compile(r"<[^>]+>")
HEADING = re.compile(r"<h([23])>(.*?)</h\1>", re.DOTALL)
LINKED = re.compile(r'(<h[23] id="([^"]+)">.*?)(</h[23]>)', re.DOTALL)
LINK = _("Link to this section")
WORD = re.compile(r"[^\W_]+")
PICTURE = re.compile(rf'(<img [^>]*?src="){re.escape(IMAGES)}')
INNER = re.compile(r'(<a [^>]*?href=")/knowledge/([\w-]+)(?=["#?])')


@dataclass(frozen=True)
class Line:
    """An article in a list."""

    id: int
    slug: str
    title: str


@dataclass
class Counted:
    """A shelf with how much there is to read on it and below it."""

    shelf: Shelf
    own: int
    """Articles on this shelf itself."""
    articles: list[Line] = field(default_factory=list)
    """Of them, those that the page shows."""
    below: list["Counted"] = field(default_factory=list)

    @property
    def category(self) -> ArticleCategory:
        return self.shelf.category

    @property
    def count(self) -> int:
        return self.own + sum(one.count for one in self.below)


@dataclass(frozen=True)
class Shown:
    """One article, rendered for a page of the help centre."""

    body: Markup
    headings: list[tuple[int, str, str]]
    """Level, id, words."""
    words: str
    """How it begins."""
    questions: list[tuple[str, str]]
    """Headings that ask something, each with what stands below it."""


async def counts(
    session: AsyncSession, reader: Reader, categories: Sequence[int] | None = None
) -> dict[int | None, int]:
    """Articles to read by category; None: those in none."""
    query = select(Article.category_id, func.count()).where(readable(reader)).group_by(Article.category_id)
    if categories is not None:
        query = query.where(Article.category_id.in_(categories))
    return dict((await session.execute(query)).all())


async def collections(session: AsyncSession, place: Place) -> list[tuple[Collection, int]]:
    """Those that have anything to read, in their order."""
    tree, by_category = await Tree.load(session), await counts(session, place.reader)
    found = []
    for one in tree.collections:
        count = sum(by_category.get(shelf.category.id, 0) for shelf in tree.walk(one.id))
        if count and place.centre.shows(one.id):
            found.append((one, count))
    return found


async def loose(session: AsyncSession, reader: Reader, limit: int = 50) -> list[Line]:
    """Articles that stand in no category."""
    return await _lines(session, reader, Article.category_id.is_(None), limit=limit)


async def popular(session: AsyncSession, reader: Reader, remembered: Remembered) -> list[Line]:
    """What was read most in the last 30 days; the newest where nobody has read anything."""

    async def found() -> list[int]:
        return await _most_read(session, reader, limit=4 * POPULAR)

    return (await these(session, reader, await remembered.of(reader, found, least=POPULAR)))[:POPULAR]


async def _most_read(session: AsyncSession, reader: Reader, *, limit: int) -> list[int]:
    since = now().date().toordinal() - 30
    views = (
        select(ArticleDay.article_id, func.sum(ArticleDay.views).label("views"))
        .where(ArticleDay.day > type(now().date()).fromordinal(since))
        .group_by(ArticleDay.article_id)
        .subquery()
    )
    found = await session.scalars(
        select(Article.id)
        .outerjoin(views, views.c.article_id == Article.id)
        .where(readable(reader))
        .order_by(func.coalesce(views.c.views, 0).desc(), Article.published_at.desc(), Article.id)
        .limit(limit)
    )
    return list(found)


async def these(session: AsyncSession, reader: Reader, ids: Sequence[int]) -> list[Line]:
    """In this order, as far as they may be read."""
    query = select(Article.id, Article.slug, Article.title).where(Article.id.in_(ids), readable(reader))
    known = {row.id: Line(*row) for row in await session.execute(query)}
    return [known[each] for each in ids if each in known]


async def stocked(session: AsyncSession, place: Place, shelves: Sequence[Shelf]) -> list[Counted]:
    """Shelves with the first OF_A_SHELF articles of each; empty ones are left out."""
    ids = [below.category.id for shelf in shelves for below in shelf.walk()]
    known = await counts(session, place.reader, ids)
    shelf_of = aliased(ArticleCategory)
    first = (
        select(Article.id, Article.slug, Article.title)
        .where(readable(place.reader), Article.category_id == shelf_of.id)
        .order_by(func.lower(Article.title), Article.id)
        .limit(OF_A_SHELF)
        .correlate(shelf_of)
        .lateral()
    )
    rows = await session.execute(
        select(shelf_of.id, first).select_from(shelf_of).join(first, true()).where(shelf_of.id.in_(known))
    )
    by_category: dict[int, list[Line]] = {}
    for category, *line in rows:
        by_category.setdefault(category, []).append(Line(*line))

    def filled(shelf: Shelf) -> Counted:
        below = [one for one in map(filled, shelf.shelves) if one.count]
        number = shelf.category.id
        return Counted(shelf, known.get(number, 0), by_category.get(number, []), below)

    return [one for one in map(filled, shelves) if one.count]


async def of_category(session: AsyncSession, reader: Reader, category_id: int, page: int) -> list[Line]:
    """One page of what stands on a shelf; the first is 1."""
    which = Article.category_id == category_id
    return await _lines(session, reader, which, limit=OF_A_PAGE, skip=OF_A_PAGE * (page - 1))


async def siblings(session: AsyncSession, reader: Reader, article: Article) -> list[Line]:
    """What stands on the same shelf."""
    if article.category_id is None:
        return []
    return await _lines(
        session, reader, Article.category_id == article.category_id, Article.id != article.id, limit=BESIDE
    )


async def languages(session: AsyncSession, place: Place, article: Article) -> dict[str, str]:
    """The languages in which this reader may have it → its slug there."""
    first = article.source_id or article.id
    rows = await session.execute(
        select(Article.locale, Article.slug).where(
            (Article.id == first) | (Article.source_id == first),
            readable(place.reader_of_all),
            Article.locale.in_(place.centre.languages),
        )
    )
    found = dict(rows.all())
    return {each: found[each] for each in place.centre.languages if each in found}


async def trail(session: AsyncSession, article: Article) -> tuple[Collection | None, list[ArticleCategory]]:
    """The collection and the categories that it stands in, the outermost first."""
    category, parent, highest = (aliased(ArticleCategory) for _ in range(DEEPEST))
    row = await session.execute(
        select(Collection, highest, parent, category)
        .join(category, category.collection_id == Collection.id)
        .outerjoin(parent, parent.id == category.parent_id)
        .outerjoin(highest, highest.id == parent.parent_id)
        .where(category.id == article.category_id)
    )
    if (found := row.first()) is None:
        return None, []
    return found[0], [each for each in found[1:] if each is not None]


def shown(body: str, place: Place) -> Shown:
    """Through the one sanitiser; then addresses of the console become those of the help centre, and headings get
    ids. What is replaced can only be in tags: in texts every `<` is escaped."""
    html = rendered(body)
    html = PICTURE.sub(rf"\g<1>{place.centre.path(here=place.here)}/images/", html)
    html = INNER.sub(lambda m: f"{m[1]}{place.link('/articles/' + m[2])}", html)
    headings: list[tuple[int, str, str]] = []

    def named(match: re.Match[str]) -> str:
        words = unescape(TAG.sub("", match[2])).strip()
        headings.append((int(match[1]), _name(words, {name for _level, name, _words in headings}), words))
        return f'<h{match[1]} id="{headings[-1][1]}">{match[2]}</h{match[1]}>'

    html = HEADING.sub(named, html)
    linked = LINKED.sub(rf'\1<a class="anchor" href="#\2" aria-label="{escape(str(LINK))}">#</a>\3', html)
    return Shown(Markup(linked), headings, preview(plain(html), 200), _questions(html))  # noqa: S704 - sanitised


def _name(words: str, taken: set[str]) -> str:
    """Of the heading's words, so that a link to it holds while the article grows."""
    name = "h-" + ("-".join(WORD.findall(words.lower()))[:60] or "1")
    return next(tried for n in count(1) if (tried := name if n == 1 else f"{name}-{n}") not in taken)


def plain(html: str) -> str:
    return unescape(TAG.sub(" ", html))


def _questions(html: str) -> list[tuple[str, str]]:
    parts = re.split(r"<h[23] id=\"[^\"]+\">(.*?)</h[23]>", html, flags=re.DOTALL)
    asked = [
        (preview(plain(q), 200), preview(plain(a), 1000))
        for q, a in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return [(q, a) for q, a in asked if q.rstrip().endswith(("?", "？", "؟")) and a]


async def _lines(
    session: AsyncSession, reader: Reader, *which: object, limit: int, skip: int = 0
) -> list[Line]:
    rows = await session.execute(
        select(Article.id, Article.slug, Article.title)
        .where(readable(reader), *which)  # type: ignore[arg-type]
        .order_by(func.lower(Article.title), Article.id)
        .limit(limit)
        .offset(skip)
    )
    return [Line(*row) for row in rows]
