"""The list of articles: by what stands where, by what is unfinished, by what readers say."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.people import Agent
from helpdesk.texts import clean
from kb import feedback, translations, writing
from kb.articles import Article, Audience, State
from kb.copies import WorkingCopy
from kb.feedback import Figures
from kb.reviews import Review
from kb.shelves import Tree
from web.knowledge import taught

MOST = 100
"""Articles on one page."""
SHOW = ("", "draft", "review", "published", "scheduled", "unpublished", "archived", "due", "mine")


class Asked(msgspec.Struct, kw_only=True, frozen=True):
    """What a list was asked for, as its address says it."""

    show: str = ""
    collection: int = 0
    category: int = 0
    audience: str = ""
    language: str = ""
    words: str = ""
    page: int = 1

    @classmethod
    def read(cls, given: dict[str, str]) -> "Asked":
        """What makes no sense is left out: an old address shows more rather than nothing."""

        def number(name: str) -> int:
            text = given.get(name, "")
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

        show, audience = given.get("show", ""), given.get("audience", "")
        return cls(
            show=show if show in SHOW else "",
            collection=number("collection"),
            category=number("category"),
            audience=audience if audience in set(Audience) else "",
            language=clean(given.get("language", ""))[:20],
            words=" ".join(clean(given.get("words", "")).split())[:200],
            page=min(max(number("page"), 1), 10_000),
        )

    @property
    def is_narrowed(self) -> bool:
        return any((self.show, self.collection, self.category, self.audience, self.language, self.words))

    def to(self, **other: Any) -> str:
        """The address of this list with something else asked for."""
        asked = {k: v for k, v in msgspec.structs.asdict(self).items() if k != "page"} | other
        query = urlencode({k: v for k, v in asked.items() if v and (k, v) != ("page", 1)})
        return f"/knowledge?{query}" if query else "/knowledge"


@dataclass(frozen=True)
class Line:
    article: Article
    is_changed: bool
    """There is a newer text that nobody reads yet."""
    in_review: bool
    figures: Figures


@dataclass(frozen=True)
class Library:
    asked: Asked
    tree: Tree
    lines: list[Line]
    total: int
    more: bool
    counts: dict[int | None, int]
    """Articles on each shelf, those below not counted."""
    languages: list[str]
    todo: dict[str, int]
    """How many are drafts, in review, due to be looked at; and what work teaches."""

    @classmethod
    async def load(cls, session: AsyncSession, agent: Agent, asked: Asked) -> "Library":
        tree = await Tree.load(session)
        narrowed = _narrowed(agent, asked, tree)
        changed = exists().where(WorkingCopy.article_id == Article.id)
        reviewed = exists().where(Review.article_id == Article.id, Review.decision.is_(None))
        rows = await session.execute(
            select(Article, changed, reviewed)
            .options(defer(Article.body, raiseload=True))
            .where(*narrowed)
            .order_by(Article.updated_at.desc(), Article.id.desc())
            .limit(MOST + 1)
            .offset((asked.page - 1) * MOST)
        )
        found = rows.all()
        shown = found[:MOST]
        figures = await feedback.figures(session, [row[0].id for row in shown]) if shown else {}
        total = await session.scalar(select(func.count()).select_from(Article).where(*narrowed))
        by_shelf = await session.execute(
            select(Article.category_id, func.count())
            .where(writing.seen(agent), Article.state != State.archived)
            .group_by(Article.category_id)
        )
        return cls(
            asked,
            tree,
            [Line(a, bool(c), bool(r), figures.get(a.id, Figures())) for a, c, r in shown],
            total or 0,
            len(found) > MOST,
            {category_id: n for category_id, n in by_shelf},  # noqa: C416 - rows are no pairs to mypy
            await translations.locales(session),
            await _todo(session, agent) if may(agent, Action.write_knowledge) else {},
        )

    def inside(self, category_id: int) -> int:
        """Articles of a shelf and of all below it."""
        return sum(self.counts.get(each, 0) for each in self.tree.within(category_id))

    def of_collection(self, collection_id: int) -> int:
        return sum(self.counts.get(shelf.category.id, 0) for shelf in self.tree.walk(collection_id))

    @property
    def everywhere(self) -> int:
        return sum(self.counts.values())


def _narrowed(agent: Agent, asked: Asked, tree: Tree) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [writing.seen(agent)]
    if asked.category:
        where.append(Article.category_id.in_(tree.within(asked.category)))
    elif asked.collection:
        where.append(Article.category_id.in_([s.category.id for s in tree.walk(asked.collection)]))
    if asked.audience:
        where.append(Article.audience == Audience(asked.audience))
    if asked.language:
        where.append(Article.locale == asked.language)
    where.extend(
        or_(Article.title.icontains(word, autoescape=True), Article.body.icontains(word, autoescape=True))
        for word in asked.words.split()[:10]
    )
    where.append(shown(asked.show, agent))
    return where


def shown(show: str, agent: Agent) -> ColumnElement[bool]:
    """What a list by this name has, as a condition on Article; archived ones are in their own list only."""
    scheduled = and_(Article.state == State.published, Article.publish_at > now())
    match show:
        case "draft":
            return Article.state == State.draft
        case "review":
            return exists().where(Review.article_id == Article.id, Review.decision.is_(None))
        case "published":
            return and_(
                Article.state == State.published,
                or_(Article.publish_at.is_(None), Article.publish_at <= now()),
            )
        case "scheduled":
            newer = exists().where(WorkingCopy.article_id == Article.id, WorkingCopy.publish_at.is_not(None))
            return or_(scheduled, newer)
        case "unpublished":
            return and_(
                Article.state == State.published, exists().where(WorkingCopy.article_id == Article.id)
            )
        case "archived":
            return Article.state == State.archived
        case "due":
            return and_(Article.state != State.archived, Article.review_due <= now().date())
        case "mine":
            return and_(Article.state != State.archived, Article.owner_id == agent.id)
        case _:
            return Article.state != State.archived


async def _todo(session: AsyncSession, agent: Agent) -> dict[str, int]:
    def counted(show: str) -> Select[Any]:
        return select(func.count()).select_from(Article).where(writing.seen(agent), shown(show, agent))

    return {
        "findings": sum((await taught.counts(session, agent)).values()),
        **{
            show: await session.scalar(counted(show)) or 0
            for show in ("draft", "unpublished", "review", "due")
        },
    }
