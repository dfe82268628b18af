"""What the desk knows, to read: the newest text, or the very one that a suggestion quoted."""

from typing import Any

import nh3
from litestar import Controller, get
from litestar.params import FromPath, FromQuery
from markdown_it import MarkdownIt
from markupsafe import Markup
from sqlalchemy import select

from helpdesk.access import Action
from helpdesk.errors import NotFound
from kb.articles import AGENTS, Article, ArticleVersion, State
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


class Knowledge(Controller):
    path = "/knowledge"

    @get(opt=permits(Action.read_knowledge))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        rows = await session.execute(
            select(Article.slug, Article.title, Article.category, Article.body, Article.audience)
            .where(Article.state == State.published, Article.audience.in_(AGENTS))
            .order_by(Article.category, Article.title)
        )
        return page("knowledge/index.html", articles=rows.all(), shell=await Shell.load(session, agent))

    @get("/{slug:str}", opt=permits(Action.read_knowledge))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        slug: FromPath[str],
        version: FromQuery[int | None] = None,
        quote: FromQuery[str] = "",
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
        }
        if page.asks_for("beside"):
            return page("knowledge/_article.html", beside=True, **context)
        return page("knowledge/show.html", beside=False, shell=await Shell.load(session, agent), **context)


def rendered(body: str) -> Markup:
    """Markdown through the same sanitiser as everything that people write."""
    return Markup(nh3.clean(_markdown.render(body), link_rel="noopener noreferrer"))  # noqa: S704 - just sanitised
