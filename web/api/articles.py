"""Articles: read, written, published, archived."""

from datetime import date
from typing import Annotated, Any

from litestar import Controller, get, patch, post
from litestar.params import PathParameter, QueryParameter
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.access import Action, may
from helpdesk.errors import Forbidden
from helpdesk.people import Agent
from kb import copies, feedback, writing
from kb.articles import Article, ArticleCompany, ArticleVersion, Audience, State
from kb.copies import SavedMeanwhile
from web.api.answers import Answer, Listed
from web.api.given import PAGE, After, Given, Id, Limit, Patch, Sent, cursor, resume
from web.api.openapi import PREFIX
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

READS = permits(Action.read_knowledge)
WRITES = permits(Action.write_knowledge)
PUBLISHES = permits(Action.publish_knowledge)
Slug = Annotated[str, PathParameter(max_length=200, description="Its slug, a former slug, or its id.")]
Language = Annotated[str, Meta(max_length=12, examples=["en"])]
Title = Annotated[str, Meta(min_length=1, max_length=200, examples=["How refunds work"])]
Markdown = Annotated[str, Meta(max_length=writing.LONGEST, examples=["Within **five** days."])]
Note = Annotated[str, Meta(max_length=300, examples=["New limits"])]
Companies = Annotated[list[Id], Meta(max_length=1000)]


class ArticleRow(Shape):
    id: int
    slug: Annotated[str, Meta(examples=["refunds"])]
    title: Annotated[str, Meta(examples=["How refunds work"])]
    state: State
    category: str
    category_id: int | None
    locale: Language
    translation_of: int | None
    """The article that this one was translated from."""
    audience: Audience
    version: int
    updated_at: At
    published_at: At | None
    publish_at: At | None
    """Nobody reads it before."""
    archive_at: At | None
    """Nobody reads it after."""


class ArticleView(ArticleRow):
    body: str
    """Markdown."""
    owner_id: int | None
    review_due: date | None
    company_ids: list[int]
    """Companies whose people read it, for the audience `companies`."""
    draft_title: str | None
    """What is being written and not shown yet, to who may write; null where there is nothing newer."""
    draft_body: str | None
    draft_note: str | None
    draft_revision: int
    views: int
    """In the last 30 days."""
    helpful: int
    not_helpful: int


class VersionView(Shape):
    version: int
    title: str
    body: str
    note: str
    author_id: int | None
    created_at: At


class NewArticle(Sent):
    title: Title
    body: Markdown = ""
    slug: Annotated[str, Meta(max_length=80, examples=["refunds"])] = ""
    """Made of the title where it is left out."""
    category_id: Id | None = None
    language: Language = "en"
    audience: Audience = Audience.public
    company_ids: Companies = field(default_factory=list)


class ArticlePatch(Patch):
    title: Title | UnsetType = UNSET
    body: Markdown | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    """What is changed, for colleagues."""
    revision: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    """The `draft_revision` that this was begun from; needed where a colleague is writing."""
    slug: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    """The old one keeps leading here."""
    category_id: Id | UnsetType | None = UNSET
    audience: Audience | UnsetType = UNSET
    company_ids: Companies | UnsetType = UNSET
    owner_id: Id | UnsetType | None = UNSET
    review_due: date | UnsetType | None = UNSET


class Time(Sent):
    at: At | None = None
    """A time to come; now where it is left out."""


class Articles(Controller):
    path = "/articles"
    opt = {"resource": "knowledge"}  # noqa: RUF012

    @get(opt=READS, summary="List articles")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        wanted: Annotated[State | None, QueryParameter(name="state")] = None,
        language: Annotated[str, QueryParameter(max_length=12)] = "",
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[ArticleRow]:
        """Published ones; to who may write, unfinished and archived ones as well."""
        query = select(Article).where(writing.seen(agent)).options(joinedload(Article.category))
        if wanted:
            query = query.where(Article.state == wanted)
        if language := language.replace("\x00", ""):
            query = query.where(Article.locale == language)
        if found := resume(after, int):
            query = query.where(Article.id > found[0])
        rows = (await session.scalars(query.order_by(Article.id).limit(limit + 1))).all()
        last = rows[limit - 1].id if len(rows) > limit else None
        items = [ArticleRow(**row_of(row)) for row in rows[:limit]]
        return Listed(items=items, next=cursor(last) if last else None)

    @post(opt=WRITES, summary="Write an article")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewArticle]
    ) -> Answer[ArticleView]:
        """A draft."""
        article = await writing.write(
            session,
            given.title,
            given.body,
            by=agent,
            slug=given.slug,
            category_id=given.category_id,
            locale=given.language,
            audience=given.audience,
        )
        if given.company_ids:
            await arrange(session, agent, article, {"company_ids": given.company_ids})
        headers = {"location": f"{PREFIX}/articles/{article.id}"}
        return Answer(await view(session, agent, article), status_code=201, headers=headers)

    @get("/{slug:str}", opt=READS, summary="Show an article")
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        slug: Slug,
        language: Annotated[str, QueryParameter(max_length=12)] = "",
    ) -> ArticleView:
        """Where articles in several languages have this slug, the one in `language`."""
        return await view(session, agent, await writing.opened(session, agent, slug, locale=language))

    @patch("/{slug:str}", opt=WRITES, summary="Change an article")
    async def change(
        self, session: Session, agent: CurrentAgent, slug: Slug, given: Given[ArticlePatch]
    ) -> ArticleView:
        """Title and body become its draft: readers see them once they are published. Everything else holds at once,
        and of a published article takes the permission to publish."""
        article = await writing.opened(session, agent, slug, lock=True)
        values = given.given()
        await draft(session, agent, article, values)
        placed = {name: values[name] for name in PLACES if name in values}
        if (placed or "slug" in values) and article.is_published and not may(agent, Action.publish_knowledge):
            raise Forbidden
        if placed:
            await arrange(session, agent, article, placed)
        if "slug" in values:
            await writing.rename(session, article, values["slug"], by=agent)
        return await view(session, agent, article)

    @post("/{slug:str}/publish", opt=PUBLISHES, summary="Publish an article", status_code=200)
    async def publish(
        self, session: Session, agent: CurrentAgent, slug: Slug, given: Given[Time]
    ) -> ArticleView:
        """With what is being written; now, or at a time to come."""
        article = await writing.opened(session, agent, slug, lock=True)
        await writing.publish(session, article, by=agent, at=given.at)
        return await view(session, agent, article)

    @post("/{slug:str}/unpublish", opt=PUBLISHES, summary="Take an article back", status_code=200)
    async def unpublish(self, session: Session, agent: CurrentAgent, slug: Slug) -> ArticleView:
        """It becomes a draft; what has cited it still opens the version it quoted."""
        article = await writing.opened(session, agent, slug, lock=True)
        await writing.unpublish(session, article, by=agent)
        return await view(session, agent, article)

    @post("/{slug:str}/archive", opt=PUBLISHES, summary="Archive an article", status_code=200)
    async def archive(
        self, session: Session, agent: CurrentAgent, slug: Slug, given: Given[Time]
    ) -> ArticleView:
        """Now, or at a time to come; publishing it takes it up again."""
        article = await writing.opened(session, agent, slug, lock=True)
        await writing.archive(session, article, by=agent, at=given.at)
        return await view(session, agent, article)

    @get("/{slug:str}/versions", opt=WRITES, summary="List the versions of an article")
    async def versions(
        self, session: Session, agent: CurrentAgent, slug: Slug, limit: Limit = PAGE, after: After = ""
    ) -> Listed[VersionView]:
        """Newest first."""
        article = await writing.opened(session, agent, slug)
        query = article.versions.select().order_by(ArticleVersion.version.desc())
        if found := resume(after, int):
            query = query.where(ArticleVersion.version < found[0])
        rows = (await session.scalars(query.limit(limit + 1))).all()
        last = rows[limit - 1].version if len(rows) > limit else None
        names = VersionView.__struct_fields__
        items = [VersionView(**{name: getattr(row, name) for name in names}) for row in rows[:limit]]
        return Listed(items=items, next=cursor(last) if last else None)


PLACES = ("category_id", "audience", "company_ids", "owner_id", "review_due")


async def draft(session: AsyncSession, agent: Agent, article: Article, values: dict[str, Any]) -> None:
    """A colleague's working copy is only overwritten by who names its revision."""
    if not {"title", "body", "note"} & set(values):
        return
    copy = await copies.of(session, article, lock=True)
    now = copy or article
    title, body = writing.text_of(str(values.get("title", now.title)), str(values.get("body", now.body)))
    note = " ".join(str(values.get("note", copy.note if copy else "")).replace("\x00", "").split())
    revision = values.get("revision")
    if copy and revision is None and copy.agent_id != agent.id:
        raise SavedMeanwhile
    began = copy.revision if copy else 0
    await copies.save(
        session,
        article,
        title,
        body,
        by=agent,
        note=note,
        revision=began if revision is None else int(str(revision)),
        version=article.version,
    )


async def arrange(session: AsyncSession, agent: Agent, article: Article, values: dict[str, Any]) -> None:
    """What is not named stays."""
    known = await companies(session, article)
    given = {name: getattr(article, name) for name in PLACES if name != "company_ids"} | {
        "company_ids": known
    }
    given |= values
    await writing.arrange(session, article, by=agent, companies=given.pop("company_ids"), **given)


async def companies(session: AsyncSession, article: Article) -> list[int]:
    query = select(ArticleCompany.company_id).where(ArticleCompany.article_id == article.id)
    return list((await session.scalars(query.order_by(ArticleCompany.company_id))).all())


def row_of(article: Article) -> dict[str, Any]:
    names = set(ArticleRow.__struct_fields__) - {"category", "translation_of"}
    values = {name: getattr(article, name) for name in names}
    category = article.category.name if article.category else ""
    return values | {"category": category, "translation_of": article.source_id}


async def view(session: AsyncSession, agent: Agent, article: Article) -> ArticleView:
    await session.refresh(article, ["category"])
    writes = may(agent, Action.write_knowledge)
    copy = await copies.of(session, article) if writes else None
    figures = (await feedback.figures(session, [article.id]))[article.id]
    return ArticleView(
        **row_of(article),
        body=article.body,
        owner_id=article.owner_id,
        review_due=article.review_due,
        company_ids=await companies(session, article) if writes else [],
        draft_title=copy.title if copy else None,
        draft_body=copy.body if copy else None,
        draft_note=copy.note if copy else None,
        draft_revision=copy.revision if copy else 0,
        views=figures.views,
        helpful=figures.helpful,
        not_helpful=figures.not_helpful,
    )
