"""Articles to read: the list, one article as it is or as it was quoted, its pictures, what changed in it."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import ModelNotReady
from ai.embedding.remote import RemoteFailed
from helpdesk.access import Action, may
from helpdesk.errors import NotFound
from helpdesk.outbound import Unreachable
from helpdesk.people import Agent
from kb import copies, images, slugs, writing
from kb.articles import Article, ArticleVersion, Audience
from kb.diffs import diff
from kb.markup import rendered
from kb.shelves import Tree
from web.auth import permits
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.knowledge.library import Asked, Library
from web.knowledge.panel import Panel
from web.pages import Html
from web.settings.frame import DONE


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
            "library": None,
            **(await looked_up(request, session, q, agent) if q.strip() else {"found": [], "wait": ""}),
        }
        if beside:
            part = "found" if page.asks_for("found") else "beside"
            return page(f"knowledge/_{part}.html", **context)
        asked = Asked.read(dict(request.query_params.items()))
        context["library"] = await Library.load(session, agent, asked)
        context["directory"] = await Directory.load(session)
        if page.asks_for("found"):
            return page("knowledge/_found.html", **context)
        shell = await Shell.load(session, agent)
        return page("knowledge/index.html", shell=shell, said=said(page), **context)

    @get("/{slug:str}", opt=permits(Action.read_knowledge))
    async def show(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        slug: FromPath[str],
        version: FromQuery[int | None] = None,
        quote: FromQuery[str] = "",
        q: FromQuery[str | None] = None,
        language: FromQuery[str] = "",
    ) -> Response[Any]:
        """A pinned version opens even when the article was taken back since: a suggestion had quoted it."""
        article = await quoted(session, slug, version, language or agent.locale)
        if version is None or article.published_at is None:
            article = await writing.opened(session, agent, slug, locale=language)
        if slug not in {article.slug, str(article.id)} and not page.is_partial:
            return Redirect(moved(request, article))
        text = await one_version(session, article, version or article.version)
        copy = await copies.of(session, article) if may(agent, Action.write_knowledge) else None
        unseen = copy is not None and version is None and article.published_at is None
        context: dict[str, Any] = {
            "article": article,
            "text": copy if copy and unseen else text,
            "number": text.version,
            "body": Markup(rendered(copy.body if copy and unseen else text.body)),  # noqa: S704 - sanitised
            "quote": quote,
            "q": q,
            "copy": copy,
            "tree": await Tree.load(session),
        }
        if page.asks_for("beside"):
            return page("knowledge/_article.html", beside=True, **context)
        # Only colleagues read it here: what customers read is counted where they do.
        if version is None and article.is_published and article.audience == Audience.internal:
            request.app.state.article_views.count(article.id)
        context["panel"] = await Panel.load(session, agent, article)
        context["desk_url"] = request.app.state.desk.settings.url
        context["directory"] = await Directory.load(session)
        shell = await Shell.load(session, agent)
        return page("knowledge/show.html", beside=False, shell=shell, said=said(page), **context)

    @get("/articles/{number:int}/changes", opt=permits(Action.write_knowledge))
    async def changes(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        number: FromPath[int],
        since: FromQuery[int | None] = None,
        until: FromQuery[int | None] = None,
    ) -> Html:
        """Between two versions; without the second, to what is being written, or else to what is shown."""
        article = await writing.opened(session, agent, str(number))
        copy = await copies.of(session, article)
        versions = (
            await session.scalars(
                article.versions.select().order_by(ArticleVersion.version.desc()).limit(200)
            )
        ).all()
        newest = copy if copy and until is None else None
        last = await one_version(session, article, until or article.version)
        before = since or (article.version if newest else last.version - 1)
        first = await one_version(session, article, before) if before else None
        after = newest or last
        return page(
            "knowledge/changes.html",
            shell=await Shell.load(session, agent),
            article=article,
            versions=versions,
            copy=copy,
            first=first,
            last=None if newest else last,
            titles=diff(first.title if first else "", after.title),
            lines=diff(first.body if first else "", after.body),
            directory=await Directory.load(session),
        )

    @get("/images/{number:int}", opt=permits(Action.read_knowledge))
    async def image(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, number: FromPath[int]
    ) -> Response[bytes]:
        """Of an article that the agent may read; shown as what it is, and as nothing else."""
        found = await images.found(session, number, writing.seen(agent))
        headers = {
            "content-disposition": "inline",
            "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "cache-control": "private, max-age=86400, immutable",
        }
        return Response(await desk.files.get(found.key), media_type=found.content_type, headers=headers)


async def quoted(session: AsyncSession, slug: str, version: int | None, locale: str) -> Article:
    """The article of a citation; whether it may be read as it is now is asked elsewhere. Raises NotFound."""
    found = await slugs.found(session, slug, locale)
    article = await session.get(Article, found) if found is not None else None
    if article is None:
        raise NotFound
    if version is not None:
        await session.refresh(article, ["category"])
    return article


async def one_version(session: AsyncSession, article: Article, version: int) -> ArticleVersion:
    text = await session.scalar(
        select(ArticleVersion).where(
            ArticleVersion.article_id == article.id, ArticleVersion.version == version
        )
    )
    if text is None:
        raise NotFound
    return text


def moved(request: Request[Any, Any, Any], article: Article) -> str:
    query = request.url.query
    return f"/knowledge/{article.slug}{'?' + query if query else ''}"


def said(page: Any) -> Any:
    return DONE.get(page.request.query_params.get("done", ""))


async def looked_up(
    request: Request[Any, Any, Any], session: AsyncSession, q: str, agent: Agent
) -> dict[str, Any]:
    """What is found, which articles are only for colleagues, and what to say while the model is not there yet."""
    try:
        found = await request.app.state.lookup.everywhere(session, q, agent=agent)
    except (ModelNotReady, Unreachable, RemoteFailed) as not_yet:
        return {"found": [], "wait": str(not_yet)}
    ours = await session.scalars(
        select(Article.id).where(
            Article.id.in_([each.hit.article_id for each in found if each.hit]),
            Article.audience != Audience.public,
        )
    )
    return {"found": found, "internal": set(ours), "wait": ""}
