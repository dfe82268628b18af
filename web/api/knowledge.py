"""Articles, to read; and what the search of the console finds."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta
from sqlalchemy import select

from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.search import finding, syntax
from helpdesk.search.finding import CLOSE, OPEN, Mark
from helpdesk.search.values import vocabulary
from kb.articles import AGENTS, Article, Audience, State
from web.api.answers import Listed
from web.api.given import PAGE, After, Limit, cursor, resume
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session


class ArticleRow(Shape):
    slug: Annotated[str, Meta(examples=["refunds"])]
    title: Annotated[str, Meta(examples=["How refunds work"])]
    category: str
    locale: str
    audience: Audience
    version: int
    updated_at: At


class ArticleView(ArticleRow):
    body: str
    """Markdown."""


class HitView(Shape):
    number: Annotated[int, Meta(examples=[42])]
    subject: str
    snippet: str
    """Where the words stand, between `**`."""
    at: At | None
    note: bool


class Articles(Controller):
    path = "/articles"
    opt = {"resource": "knowledge"}  # noqa: RUF012

    @get(opt=permits(Action.read_knowledge), summary="List articles")
    async def list(self, session: Session, limit: Limit = PAGE, after: After = "") -> Listed[ArticleRow]:
        """Published ones, those for colleagues included."""
        query = select(Article).where(Article.state == State.published, Article.audience.in_(AGENTS))
        if found := resume(after, int):
            query = query.where(Article.id > found[0])
        rows = (await session.scalars(query.order_by(Article.id).limit(limit + 1))).all()
        last = rows[limit - 1].id if len(rows) > limit else None
        names = ArticleRow.__struct_fields__
        items = [ArticleRow(**{name: getattr(row, name) for name in names}) for row in rows[:limit]]
        return Listed(items=items, next=cursor(last) if last else None)

    @get("/{slug:str}", opt=permits(Action.read_knowledge), summary="Show an article")
    async def show(
        self, session: Session, slug: Annotated[str, PathParameter(max_length=200)]
    ) -> ArticleView:
        found = await session.scalar(
            select(Article).where(
                Article.slug == slug.replace("\x00", ""),
                Article.state == State.published,
                Article.audience.in_(AGENTS),
            )
        )
        if found is None:
            raise NotFound
        return ArticleView(**{name: getattr(found, name) for name in ArticleView.__struct_fields__})


class Search(Controller):
    path = "/search"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="Search tickets")
    async def search(
        self,
        session: Session,
        agent: CurrentAgent,
        q: Annotated[str, QueryParameter(min_length=1, max_length=500)],
        best: Annotated[
            bool, QueryParameter(description="Best first, in place of newest; one page.")
        ] = False,
        after: After = "",
    ) -> Listed[HitView]:
        """As in the console, names with slips of the finger included; shows where the words stand."""
        known = await vocabulary(session)
        read = syntax.read(q, known.find, known.kinds)
        mark = Mark.read(after) if after else None
        found = await finding.find(session, agent, read, after=mark, best=best)
        items = [
            HitView(
                number=hit.row.number,
                subject=hit.row.subject,
                snippet=hit.snippet.replace(OPEN, "**").replace(CLOSE, "**"),
                at=hit.at,
                note=hit.is_note,
            )
            for hit in found.hits
        ]
        return Listed(items=items, next=str(found.after) if found.after else None)
