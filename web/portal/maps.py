"""What search engines and feed readers fetch: every page that anybody may read, and what was published last.

A map holds about 5,000 addresses, of 50,000 and 50 MB that the protocol allows: with the other languages of each it is
a few megabytes. Beyond that `sitemap.xml` is an index of such maps. Whether anything changed is asked before anything
is written. https://www.sitemaps.org/protocol.html, https://www.rssboard.org/rss-specification
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from litestar import Response, get
from litestar.params import FromQuery
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import NotFound
from helpdesk.texts import preview
from kb.articles import Article
from kb.markup import rendered
from kb.readers import Reader, readable
from web.dependencies import Session
from web.portal import reading
from web.portal.pages import OPEN, Portal
from web.portal.place import FRESH, Place, ThisPlace, paths

OF_A_MAP = 5_000
NEWEST = 50
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SCHEMA = "http://www.sitemaps.org/schemas/sitemap/0.9"
BROKEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that no XML may have."""
FIRST = func.coalesce(Article.source_id, Article.id)
"""The article that a translation is of: all languages of one stand in the same map."""


class Maps(Portal):
    @get(paths("/sitemap.xml"), opt=OPEN)
    async def sitemap(self, session: Session, place: ThisPlace, part: FromQuery[str] = "") -> Response[Any]:
        """Every page that anybody may read, in every language; `part` where one map does not hold them."""
        if not place.centre.indexed:
            raise NotFound
        shown = readable(_anybody(place)) & Article.locale.in_(place.centre.languages)
        state = await _state(session, shown)
        parts = -(-state.count // OF_A_MAP) or 1
        wanted = int(part) if part.isascii() and part.isdigit() and len(part) < 6 else 0
        if wanted > parts or (part and not wanted):
            raise NotFound
        if known := state.answer(place, f"map {wanted}"):
            return known
        if parts > 1 and not wanted:
            return state.sends(place, "map 0", _index(place, parts, state.changed), "application/xml")
        of_part = FIRST % parts == max(wanted, 1) - 1
        pages = [] if wanted > 1 else await _shelves(session, place)
        text = _urlset([*pages, *await _articles(session, place, shown & of_part)])
        return state.sends(place, f"map {wanted}", text, "application/xml")

    @get(paths("/feed"), opt=OPEN)
    async def feed(self, session: Session, place: ThisPlace) -> Response[Any]:
        """RSS 2.0 of what was published last, for anybody."""
        shown = readable(_anybody(place, place.language))
        state = await _state(session, shown)
        if known := state.answer(place, "feed"):
            return known
        newest = select(Article).where(shown).order_by(Article.published_at.desc(), Article.id.desc())
        found = await session.scalars(newest.limit(NEWEST))
        items = "\n".join(_item(place, one) for one in found)
        text = (
            f'{HEAD}<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">'
            f"<channel><title>{_text(place.centre.name)}</title><link>{escape(place.url())}</link>"
            f"<description>{_text(place.centre.words or place.centre.name)}</description>"
            f"<language>{place.language}</language>"
            f'<atom:link href={quoteattr(place.url("/feed"))} rel="self" type="application/rss+xml"/>'
            f"\n{items}\n</channel></rss>\n"
        )
        return state.sends(place, "feed", text, "application/rss+xml")


class State:
    """What a map or a feed is made of, told in a few numbers: the same as last time, or not."""

    def __init__(self, count: int, changed: datetime | None, sum_of_names: int) -> None:
        self.count, self.changed, self.sum = count, changed, sum_of_names

    def headers(self, place: Place, what: str) -> dict[str, str]:
        """The same for everybody: what only customers may read stands in none."""
        brand = place.centre
        looks = (brand.name, brand.words, brand.languages, brand.collection_ids)
        told = (what, brand.id, *looks, place.url(), self.count, self.changed, self.sum)
        mark = hashlib.sha256(repr(told).encode()).hexdigest()[:32]
        found = {"cache-control": FRESH, "vary": "accept-encoding", "etag": f'W/"{mark}"'}
        return found | ({"last-modified": format_datetime(self.changed, usegmt=True)} if self.changed else {})

    def answer(self, place: Place, what: str) -> Response[Any] | None:
        """Nothing new, for whoever says what they have."""
        headers, asked = self.headers(place, what), place.request.headers
        if marks := asked.get("if-none-match"):
            same = headers["etag"] in [each.strip() for each in marks.split(",")]
        else:
            same = self._is_since(asked.get("if-modified-since", ""))
        return Response(b"", status_code=304, headers=headers) if same else None

    def sends(self, place: Place, what: str, text: str, media_type: str) -> Response[Any]:
        return Response(text.encode(), media_type=media_type, headers=self.headers(place, what))

    def _is_since(self, when: str) -> bool:
        try:
            since = parsedate_to_datetime(when)
        except ValueError:
            return False
        known = self.changed and since.tzinfo
        return bool(known) and self.changed is not None and self.changed.replace(microsecond=0) <= since


async def _state(session: AsyncSession, shown: ColumnElement[bool]) -> State:
    names = func.coalesce(func.sum(func.hashtext(Article.slug + Article.locale)), 0)
    row = await session.execute(select(func.count(), func.max(Article.updated_at), names).where(shown))
    count, changed, total = row.one()
    return State(count, changed, int(total))


def _anybody(place: Place, locale: str = "") -> Reader:
    return Reader(Reader.public().audiences, collections=tuple(place.centre.collection_ids), locale=locale)


async def _shelves(session: AsyncSession, place: Place) -> list[str]:
    pages = [f"<url><loc>{escape(place.url('', each))}</loc></url>" for each in place.centre.languages]
    for one, _count in await reading.collections(session, place):
        pages.append(f"<url><loc>{escape(place.url(f'/collections/{one.slug}'))}</loc></url>")
    return pages


async def _articles(session: AsyncSession, place: Place, shown: ColumnElement[bool]) -> list[str]:
    rows = await session.execute(
        select(FIRST, Article.slug, Article.locale, Article.updated_at).where(shown).order_by(Article.id)
    )
    articles = rows.all()
    groups: dict[int, str] = {}
    for first, slug, locale, _when in articles:
        href = quoteattr(place.url(f"/articles/{slug}", locale))
        link = f'<xhtml:link rel="alternate" hreflang={quoteattr(locale)} href={href}/>'
        groups[first] = groups.get(first, "") + link
    return [
        f"<url><loc>{escape(place.url(f'/articles/{slug}', locale))}</loc>"
        f"<lastmod>{when:%Y-%m-%dT%H:%M:%SZ}</lastmod>{groups[first]}</url>"
        for first, slug, locale, when in articles
    ]


def _urlset(pages: Iterable[str]) -> str:
    opened = f'<urlset xmlns="{SCHEMA}" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
    return f"{HEAD}{opened}\n" + "\n".join(pages) + "\n</urlset>\n"


def _index(place: Place, parts: int, changed: datetime | None) -> str:
    when = f"<lastmod>{changed:%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed else ""
    maps = "\n".join(
        f"<sitemap><loc>{escape(place.url('/sitemap.xml'))}?part={part}</loc>{when}</sitemap>"
        for part in range(1, parts + 1)
    )
    return f'{HEAD}<sitemapindex xmlns="{SCHEMA}">\n{maps}\n</sitemapindex>\n'


def _item(place: Place, one: Article) -> str:
    return (
        f"<item><title>{_text(one.title)}</title><link>{escape(place.url(f'/articles/{one.slug}'))}</link>"
        f'<guid isPermaLink="false">article-{one.id}</guid>'
        f"<pubDate>{format_datetime(one.published_at or one.created_at)}</pubDate>"
        f"<description>{_text(preview(reading.plain(rendered(one.body)), 400))}</description></item>"
    )


def _text(words: str) -> str:
    return escape(BROKEN.sub("", words))
