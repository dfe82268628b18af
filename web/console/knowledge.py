"""What the desk knows, to read: the newest text, or the very one that a suggestion quoted."""

from typing import Any

import nh3
from litestar import Controller, Request, get
from litestar.params import FromPath, FromQuery
from markdown_it import MarkdownIt
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import ModelNotReady
from helpdesk.access import Action
from helpdesk.errors import NotFound
from kb.articles import AGENTS, Article, ArticleVersion, Audience, State
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


class Knowledge(Controller):
    path = "/knowledge"

    @get(opt=permits(Action.read_knowledge))
    async def index(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        q: FromQuery[str] = "",
        beside: FromQuery[bool] = False,
    ) -> Html:
        """All articles, or those that answer a question; beside a ticket their passages go into the reply."""
        beside = beside or page.asks_for("beside")
        context: dict[str, Any] = {
            "q": q,
            "beside": beside,
            "articles": [] if beside else await published(session),
            **(await looked_up(request, session, q, agent.locale) if q.strip() else {"hits": [], "wait": ""}),
        }
        if page.asks_for("found"):
            return page("knowledge/_found.html", **context)
        if beside:
            return page("knowledge/_beside.html", **context)
        return page("knowledge/index.html", shell=await Shell.load(session, agent), **context)

    @get("/{slug:str}", opt=permits(Action.read_knowledge))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        slug: FromPath[str],
        version: FromQuery[int | None] = None,
        quote: FromQuery[str] = "",
        q: FromQuery[str | None] = None,
    ) -> Html:
        """A pinned version opens even when the article was taken back since: a suggestion had quoted it."""
        article = await session.scalar(
            select(Article).where(Article.slug == slug, Article.audience.in_(AGENTS))
        )
        if article is None or (version is None and not article.is_published):
            raise NotFound
        text = await session.scalar(
            select(ArticleVersion).where(
                ArticleVersion.article_id == article.id,
                ArticleVersion.version == (version or article.version),
            )
        )
        if text is None:
            raise NotFound
        context: dict[str, Any] = {
            "article": article,
            "text": text,
            "body": rendered(text.body),
            "quote": quote,
            "q": q,
        }
        if page.asks_for("beside"):
            return page("knowledge/_article.html", beside=True, **context)
        return page("knowledge/show.html", beside=False, shell=await Shell.load(session, agent), **context)


async def published(session: AsyncSession) -> list[Any]:
    rows = await session.execute(
        select(Article.slug, Article.title, Article.category, Article.body, Article.audience)
        .where(Article.state == State.published, Article.audience.in_(AGENTS))
        .order_by(Article.category, Article.title)
    )
    return list(rows)


async def looked_up(
    request: Request[Any, Any, Any], session: AsyncSession, q: str, locale: str
) -> dict[str, Any]:
    """Hits, which of them are only for colleagues, and what to say while the model is not there yet."""
    try:
        hits = await request.app.state.lookup.search(session, q, locale=locale)
    except ModelNotReady as not_yet:
        return {"hits": [], "wait": str(not_yet)}
    ours = await session.scalars(
        select(Article.id).where(
            Article.id.in_([hit.article_id for hit in hits]), Article.audience == Audience.internal
        )
    )
    return {"hits": hits, "internal": set(ours), "wait": ""}


def rendered(body: str) -> Markup:
    """Markdown through the same sanitiser as everything that people write."""
    return Markup(nh3.clean(_markdown.render(body), link_rel="noopener noreferrer"))  # noqa: S704 - just sanitised
