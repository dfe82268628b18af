"""Pages for whoever looks for an answer: home, collections, articles, search, and whether an article helped."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from kb import feedback, slugs
from kb.articles import Article, ArticleVersion
from kb.readers import readable
from kb.shelves import ArticleCategory, Collection, Shelf, Tree
from web import sessions
from web.addresses import counted_as
from web.api.rates import Rates, TooMany
from web.auth import cookie_name, permits
from web.dependencies import CurrentDesk, Session
from web.forms import Fields, read
from web.heads import OF_HEAD
from web.portal import finding, reading, structured
from web.portal.hosts import NOWHERE
from web.portal.place import Place, ThisPlace, paths, this_place
from web.security import refuse_forged

OPEN = permits(Action.public)
SEARCHES, OFFERS, WORDS, READS = 40, 150, 15, 60  # a minute of one address
OF_ONE = 4
"""Words of them on one article: yes or no, what was missing, and another mind. Browsers behind one address count each,
and a machine can call itself any of them."""
RESULTS, OFFERED = 20, 6
THANKS = frozenset({"yes", "no", "said"})


class Said(Fields):
    helpful: bool
    comment: str = ""


class Portal(Controller):
    """What every page of the help centre has in common."""

    path = "/"
    dependencies = {"place": Provide(this_place)}  # noqa: RUF012 - Litestar's own declaration


class Reading(Portal):
    @get(paths(), opt=OPEN)
    async def home(self, session: Session, place: ThisPlace) -> Response[Any]:
        shelves = await reading.collections(session, place)
        tongues = dict.fromkeys(place.centre.languages, "")
        return place(
            "portal/home.html",
            cached=True,
            shelves=shelves,
            loose=[] if place.centre.collection_ids else await reading.loose(session, place.reader),
            popular=await reading.popular(session, place.reader, place.request.app.state.remembered),
            described=place.centre.words,
            structured=structured.data(structured.home(place)),
            **_addresses(place, "", tongues),
        )

    @get(paths(f"/{NOWHERE}"), opt=OPEN)
    async def nowhere(self, place: ThisPlace) -> Response[Any]:
        """What addresses that no page has are answered with: `web.portal.hosts`."""
        raise NotFound

    @get(paths("/search"), opt=OPEN)
    async def search(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, q: FromQuery[str] = ""
    ) -> Response[Any]:
        slow_down(request, "search", SEARCHES)
        asked = " ".join(q.split())[: finding.LONGEST]
        found = await finding.answers(
            session, request.app.state.lookup, asked, reader=place.reader, limit=RESULTS
        )
        return place("portal/search.html", q=asked, found=found, indexed=False)

    @get(paths("/offers"), opt=OPEN)
    async def offers(
        self, request: Request[Any, Any, Any], session: Session, place: ThisPlace, q: FromQuery[str] = ""
    ) -> Response[Any]:
        """What stands below a field while somebody types."""
        slow_down(request, "offers", OFFERS)
        found = await finding.answers(
            session, request.app.state.lookup, q, reader=place.reader, limit=OFFERED
        )
        rows = [
            {
                "title": each.title,
                "hint": each.category,
                "words": each.words,
                "href": place.link(f"/articles/{each.slug}"),
            }
            for each in found
        ]
        return Response(rows, headers={"x-robots-tag": "noindex"})

    @get(paths("/collections/{shelf:str}"), opt=OPEN)
    async def collection(self, session: Session, place: ThisPlace, shelf: FromPath[str]) -> Response[Any]:
        collection, tree = await _collection(session, place, shelf)
        stocked = await reading.stocked(session, place, tree.shelves.get(collection.id, []))
        if not stocked:
            raise NotFound
        path = f"/collections/{collection.slug}"
        trail = [(place.centre.name, ""), (collection.name, path)]
        return place(
            "portal/collection.html",
            cached=True,
            collection=collection,
            category=None,
            above=[],
            stocked=stocked,
            further="",
            described=collection.description,
            structured=structured.data(structured.trail(place, trail)),
            **_addresses(place, path, dict.fromkeys(place.centre.languages, "")),
        )

    @get(paths("/collections/{shelf:str}/{category:str}"), opt=OPEN)
    async def category(
        self,
        session: Session,
        place: ThisPlace,
        shelf: FromPath[str],
        category: FromPath[str],
        part: FromQuery[str] = "1",
    ) -> Response[Any]:
        collection, tree = await _collection(session, place, shelf)
        here = next((each for each in tree.walk(collection.id) if each.category.slug == category), None)
        stocked = await reading.stocked(session, place, [here]) if here else []
        if here is None or not stocked:
            raise NotFound
        path = f"/collections/{collection.slug}/{category}"
        number = await _turned(session, place, stocked[0], part)
        above = _above(tree, collection, here)
        steps = [(collection.name, f"/collections/{collection.slug}")]
        steps += [(each.name, f"/collections/{collection.slug}/{each.slug}") for each in above]
        trail = [(place.centre.name, ""), *steps, (here.category.name, path)]
        return place(
            "portal/collection.html",
            cached=True,
            collection=collection,
            category=here.category,
            above=above,
            stocked=stocked,
            further=f"{path}?part={number + 1}" if number * reading.OF_A_PAGE < stocked[0].own else "",
            described=here.category.description,
            structured=structured.data(structured.trail(place, trail)),
            **_addresses(
                place,
                path + (f"?part={number}" if number > 1 else ""),
                dict.fromkeys(place.centre.languages, path),
            ),
        )

    @get(paths("/articles/{slug:str}"), opt=OPEN)
    async def article(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        place: ThisPlace,
        slug: FromPath[str],
        version: FromQuery[str] = "",
        thanks: FromQuery[str] = "",
    ) -> Response[Any]:
        article = await _article(session, place, slug)
        if (article.slug, article.locale) != (slug, place.language):
            target = place.link(f"/articles/{article.slug}", article.locale)
            return Redirect(target, status_code=301)
        text = await _version(session, article, version)
        shown = reading.shown(text.body if text else article.body, place)
        collection, above = await reading.trail(session, article)
        path = f"/articles/{article.slug}"
        steps = [(place.centre.name, "")]
        if collection:
            steps += [(collection.name, f"/collections/{collection.slug}")]
            steps += [(each.name, f"/collections/{collection.slug}/{each.slug}") for each in above]
        tongues = await reading.languages(session, place, article)
        if text is None and await _is_read(request, session, place.desk):
            request.app.state.article_views.count(article.id)
        return place(
            "portal/article.html",
            cached=True,
            article=article,
            earlier=text,
            shown=shown,
            collection=collection,
            above=above,
            related=await _related(request, session, place, article),
            thanks=thanks if thanks in THANKS else "",
            described=shown.words,
            indexed=place.centre.indexed and text is None and article.audience == "public",
            structured=structured.data(
                structured.article(place, article, shown),
                structured.questions(article, shown),
                structured.trail(place, [*steps, (article.title, path)]),
            ),
            **_addresses(place, path, {each: f"/articles/{slug}" for each, slug in tongues.items()}),
        )

    @post(paths("/articles/{slug:str}/feedback"), opt=OPEN)
    async def say(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        place: ThisPlace,
        desk: CurrentDesk,
        slug: FromPath[str],
    ) -> Response[Any]:
        slow_down(request, "feedback", WORDS)
        slow_down(request, f"feedback {slug[:100]}", OF_ONE)
        article = await _article(session, place, slug)
        if place.customer:
            await refuse_forged(request, place.csrf)
        said = await read(request, Said)
        who = place.customer.contact if place.customer else None
        await feedback.give(
            session,
            article,
            reader=feedback.who(desk.settings.sign_key, _name(request, place)),
            helpful=said.helpful,
            comment=said.comment,
            contact_id=who.id if who else None,
        )
        thanks = "said" if said.comment.strip() or said.helpful else "no"
        done = "yes" if thanks == "said" and said.helpful and not said.comment.strip() else thanks
        return place.to(f"/articles/{article.slug}?thanks={done}#feedback")


def slow_down(request: Request[Any, Any, Any], what: str, most: int) -> None:
    """Raises TooMany."""
    if not fits(request, what, most):
        raise TooMany


def fits(request: Request[Any, Any, Any], what: str, most: int) -> bool:
    """So many a minute from one address."""
    rates: Rates = request.app.state.rates
    return rates.take(f"help {what} {counted_as(request)}", most)[1]


def _addresses(place: Place, path: str, tongues: dict[str, str]) -> dict[str, Any]:
    """`tongues`: language → the page's path there, where it is another one."""
    known = {each: other or path for each, other in tongues.items()}
    return {
        "canonical": place.url(path),
        "alternates": [
            (each, place.url(other, each), place.link(other, each)) for each, other in known.items()
        ],
    }


async def _collection(session: AsyncSession, place: Place, slug: str) -> tuple[Collection, Tree]:
    tree = await Tree.load(session)
    found = next((each for each in tree.collections if each.slug == slug), None)
    if found is None or not place.centre.shows(found.id):
        raise NotFound
    return found, tree


def _above(tree: Tree, collection: Collection, here: Shelf) -> list[ArticleCategory]:
    known = {shelf.category.id: shelf.category for shelf in tree.walk(collection.id)}
    found: list[ArticleCategory] = []
    at = here.category.parent_id
    while at is not None and at in known:
        found.insert(0, known[at])
        at = known[at].parent_id
    return found


async def _turned(session: AsyncSession, place: Place, shelf: reading.Counted, part: str) -> int:
    """Fills the shelf with one page of its articles; which. Raises NotFound beyond the last."""
    number = int(part) if part.isascii() and part.isdigit() and len(part) < 7 else 0
    if number < 1 or (number > 1 and (number - 1) * reading.OF_A_PAGE >= shelf.own):
        raise NotFound
    shelf.articles = await reading.of_category(session, place.reader, shelf.category.id, number)
    return number


async def _article(session: AsyncSession, place: Place, slug: str) -> Article:
    """By its address now or once, or its number; in the language asked for, else in another of the brand's."""
    number = await slugs.found(session, slug, place.language)
    article = await session.scalar(
        select(Article).where(
            Article.id == number,
            readable(place.reader_of_all),
            Article.locale.in_(place.centre.languages),
        )
    )
    if article is None:
        raise NotFound
    return article


async def _is_read(request: Request[Any, Any, Any], session: AsyncSession, desk: Desk) -> bool:
    """By somebody whom it is written for: not by a colleague who has signed in here, for its head alone, or by a
    browser in advance."""
    if request.scope["state"].get(OF_HEAD) or "prefetch" in request.headers.get("sec-purpose", ""):
        return False
    token = request.cookies.get(cookie_name(desk))
    return not (token and await sessions.is_open(session, token))


async def _version(session: AsyncSession, article: Article, version: str) -> ArticleVersion | None:
    """An earlier one, which a citation quoted; None: as it is now. Drafts, and what was written while other people
    read it, are not for whoever reads it now."""
    if not (version.isascii() and version.isdigit() and len(version) < 9) or int(version) == article.version:
        return None
    arranged = select(func.max(Event.created_at)).where(
        Event.about == Article.__tablename__,
        Event.about_id == article.id,
        Event.kind == Kind.article_changed,
        Event.data["what"].astext == "arranged",
    )
    since = func.greatest(article.published_at or article.created_at, arranged.scalar_subquery())
    of = ArticleVersion.article_id == article.id
    first = select(func.max(ArticleVersion.version)).where(of, ArticleVersion.created_at <= since)
    found = await session.scalar(
        select(ArticleVersion).where(
            of,
            ArticleVersion.version == int(version),
            ArticleVersion.version >= func.coalesce(first.scalar_subquery(), 0),
        )
    )
    if found is None:
        raise NotFound
    return found


async def _related(
    request: Request[Any, Any, Any], session: AsyncSession, place: Place, article: Article
) -> list[reading.Line]:
    """What answers the article's title as well; else, and for who reads faster than people do, what stands beside."""

    async def found() -> list[int]:
        if not fits(request, "related", READS):
            return []
        near = await finding.answers(
            session, request.app.state.lookup, article.title, reader=place.reader, limit=2 * reading.BESIDE
        )
        return [each.id for each in near if each.id != article.id]

    key = (article.id, article.version, place.reader)
    near = await request.app.state.remembered.of(key, found, least=1)
    lines = (await reading.these(session, place.reader, near))[: reading.BESIDE]
    return lines or await reading.siblings(session, place.reader, article)


def _name(request: Request[Any, Any, Any], place: Place) -> str:
    """Whoever is signed in, else a browser at an address: kept as a hash only, and without a cookie."""
    if place.customer:
        return f"contact {place.customer.contact.id}"
    return f"visitor {counted_as(request)} {request.headers.get('user-agent', '')[:300]}"
