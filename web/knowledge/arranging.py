"""Collections and categories: named, moved, put in order, removed."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import gettext
from kb import shelves
from kb.shelves import ICONS, ArticleCategory, Collection, Tree
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.knowledge.editing import number_of
from web.knowledge.reading import said
from web.pages import Html, Page
from web.settings.frame import done

SEES = permits(Action.read_knowledge)
ARRANGES = permits(Action.publish_knowledge)
HERE = "/knowledge/shelves/all"


def both(verb: str) -> list[str]:
    """What is done to collections and to categories alike."""
    return [f"/{kind}/{{shelf_id:int}}/{verb}" for kind in ("collections", "categories")]


class CollectionForm(Fields):
    name: str = ""
    description: str = ""
    icon: str = "book-open"


class CategoryForm(Fields):
    name: str = ""
    description: str = ""
    place: str = ""
    """`c3`: in a collection; `4`: within a category."""


class Step(Fields):
    go: str = ""


class Shelves(Controller):
    path = "/knowledge/shelves"

    @get("/all", opt=ARRANGES)
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        return page(
            "knowledge/shelves.html",
            shell=await Shell.load(session, agent),
            tree=await Tree.load(session),
            icons=ICONS,
            said=said(page),
        )

    @post("/collections", opt=ARRANGES)
    async def add_collection(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, CollectionForm)
        await shelves.edit_collection(
            session, None, by=agent, name=form.name, description=form.description, icon=form.icon
        )
        return done(request, HERE, "added")

    @post("/collections/{shelf_id:int}", opt=ARRANGES)
    async def edit_collection(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, shelf_id: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, CollectionForm)
        row = await one(session, Collection, shelf_id)
        await shelves.edit_collection(
            session, row, by=agent, name=form.name, description=form.description, icon=form.icon
        )
        return done(request, HERE)

    @post("/categories", opt=ARRANGES)
    async def add_category(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, CategoryForm)
        await shelves.edit_category(
            session, None, by=agent, name=form.name, description=form.description, **placed(form.place)
        )
        return done(request, HERE, "added")

    @post("/categories/{shelf_id:int}", opt=ARRANGES)
    async def edit_category(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, shelf_id: FromPath[int]
    ) -> Response[Any]:
        form = await read(request, CategoryForm)
        row = await one(session, ArticleCategory, shelf_id)
        await shelves.edit_category(
            session, row, by=agent, name=form.name, description=form.description, **placed(form.place)
        )
        return done(request, HERE)

    @post(both("remove"), opt=ARRANGES)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        shelf_id: FromPath[int],
    ) -> Response[Any]:
        await shelves.remove(session, await one(session, kind_of(request), shelf_id), by=agent)
        return done(request, HERE, "removed")

    @post(both("place"), opt=ARRANGES, status_code=200)
    async def place(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        shelf_id: FromPath[int],
    ) -> Response[Any]:
        """One up or down among its brothers: what a keyboard does."""
        form = await read(request, Step)
        row = await one(session, kind_of(request), shelf_id)
        ids = [each.id for each in await brothers(session, row)]
        at = ids.index(row.id)
        to = at + {"up": -1, "down": 1}.get(form.go, 0)
        if 0 <= to < len(ids):
            ids[at], ids[to] = ids[to], ids[at]
        return await self._ordered(request, session, agent, page, row, ids)

    @post(both("order"), opt=ARRANGES, status_code=200)
    async def order(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        shelf_id: FromPath[int],
    ) -> Response[Any]:
        """All brothers of this one, as they were dragged."""
        row = await one(session, kind_of(request), shelf_id)
        named = (await request.form()).getall("rule", [])
        ids = [number_of(str(each)) or 0 for each in named[:1000]]
        return await self._ordered(request, session, agent, page, row, ids)

    async def _ordered(
        self,
        request: Request[Any, Any, Any],
        session: AsyncSession,
        agent: Any,
        page: Page,
        row: Collection | ArticleCategory,
        ids: list[int],
    ) -> Response[Any]:
        await shelves.order(session, await brothers(session, row), ids, by=agent)
        if not page.is_partial:
            return done(request, HERE)
        return page("knowledge/_shelves.html", tree=await Tree.load(session), icons=ICONS)


async def one(session: AsyncSession, kind: type[Any], row_id: int) -> Any:
    row = await session.get(kind, row_id, with_for_update=True) if row_id < 2**63 else None
    if row is None:
        raise NotFound
    return row


async def brothers(session: AsyncSession, row: Collection | ArticleCategory) -> list[Any]:
    """Those that stand beside it, in their order."""
    if isinstance(row, Collection):
        query: Any = select(Collection).order_by(Collection.position, Collection.id)
    else:
        query = (
            select(ArticleCategory)
            .where(
                ArticleCategory.collection_id == row.collection_id,
                ArticleCategory.parent_id.is_not_distinct_from(row.parent_id),
            )
            .order_by(ArticleCategory.position, ArticleCategory.id)
        )
    return list((await session.scalars(query)).all())


def kind_of(request: Request[Any, Any, Any]) -> type[Any]:
    return Collection if "/collections/" in request.url.path else ArticleCategory


def placed(place: str) -> dict[str, Any]:
    number = number_of(place.removeprefix("c"))
    if number is None:
        raise Invalid(gettext("Choose one of the list."))
    if place.startswith("c"):
        return {"collection_id": number, "parent_id": None}
    return {"collection_id": 0, "parent_id": number}
