"""What articles stand in: collections, and categories within them."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.errors import NotFound
from kb import shelves
from kb.shelves import ICONS, ArticleCategory, Collection
from web.api.answers import Answer, Listed
from web.api.given import Given, Id, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

READS = permits(Action.read_knowledge)
ARRANGES = permits(Action.publish_knowledge)
ShelfName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Billing"])]
Text = Annotated[str, Meta(max_length=500, examples=["Invoices, refunds, payments"])]
Icon = Annotated[str, Meta(max_length=40, extra_json_schema={"enum": list(ICONS)}, examples=["book-open"])]


class CollectionView(Shape):
    id: int
    name: ShelfName
    slug: str
    description: str
    icon: str
    position: int

    @classmethod
    def of(cls, row: Collection) -> "CollectionView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class CategoryView(Shape):
    id: int
    collection_id: int
    parent_id: int | None
    name: ShelfName
    slug: str
    description: str
    position: int

    @classmethod
    def of(cls, row: ArticleCategory) -> "CategoryView":
        return cls(**{name: getattr(row, name) for name in cls.__struct_fields__})


class NewCollection(Sent):
    name: ShelfName
    description: Text = ""
    icon: Icon = "book-open"


class CollectionPatch(Patch):
    name: ShelfName | UnsetType = UNSET
    description: Text | UnsetType = UNSET
    icon: Icon | UnsetType = UNSET


class NewCategory(Sent):
    name: ShelfName
    collection_id: Id
    parent_id: Id | None = None
    description: Text = ""


class CategoryPatch(Patch):
    name: ShelfName | UnsetType = UNSET
    collection_id: Id | UnsetType = UNSET
    parent_id: Id | UnsetType | None = UNSET
    description: Text | UnsetType = UNSET


class Collections(Controller):
    path = "/collections"
    opt = {"resource": "knowledge"}  # noqa: RUF012

    @get(opt=READS, summary="List collections")
    async def list(self, session: Session) -> Listed[CollectionView]:
        """In their order."""
        rows = await session.scalars(select(Collection).order_by(Collection.position, Collection.id))
        return Listed(items=[CollectionView.of(row) for row in rows])

    @post(opt=ARRANGES, summary="Make a collection")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewCollection]
    ) -> Answer[CollectionView]:
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        made = await shelves.edit_collection(session, None, by=agent, **values)
        headers = {"location": f"{PREFIX}/collections"}
        return Answer(CollectionView.of(made), status_code=201, headers=headers)

    @patch("/{collection_id:int}", opt=ARRANGES, summary="Change a collection")
    async def change(
        self, session: Session, agent: CurrentAgent, collection_id: PathId, given: Given[CollectionPatch]
    ) -> CollectionView:
        row = await one(session, Collection, collection_id)
        kept = {name: getattr(row, name) for name in ("name", "description", "icon")}
        return CollectionView.of(
            await shelves.edit_collection(session, row, by=agent, **(kept | given.given()))
        )

    @delete("/{collection_id:int}", opt=ARRANGES, summary="Remove a collection", status_code=204)
    async def remove(self, session: Session, agent: CurrentAgent, collection_id: PathId) -> None:
        """It has to be empty."""
        await shelves.remove(session, await one(session, Collection, collection_id), by=agent)


class Categories(Controller):
    path = "/article-categories"
    opt = {"resource": "knowledge"}  # noqa: RUF012

    @get(opt=READS, summary="List categories of articles")
    async def list(self, session: Session) -> Listed[CategoryView]:
        """Of all collections, in their order among their brothers."""
        rows = await session.scalars(
            select(ArticleCategory).order_by(
                ArticleCategory.collection_id, ArticleCategory.position, ArticleCategory.id
            )
        )
        return Listed(items=[CategoryView.of(row) for row in rows])

    @post(opt=ARRANGES, summary="Make a category of articles")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewCategory]
    ) -> Answer[CategoryView]:
        """Three deep at most; with a parent it stands in the parent's collection."""
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        made = await shelves.edit_category(session, None, by=agent, **values)
        headers = {"location": f"{PREFIX}/article-categories"}
        return Answer(CategoryView.of(made), status_code=201, headers=headers)

    @patch("/{category_id:int}", opt=ARRANGES, summary="Change a category of articles")
    async def change(
        self, session: Session, agent: CurrentAgent, category_id: PathId, given: Given[CategoryPatch]
    ) -> CategoryView:
        """What stands below it comes along."""
        row = await one(session, ArticleCategory, category_id)
        kept = {name: getattr(row, name) for name in ("name", "description", "collection_id", "parent_id")}
        values = given.given()
        if "collection_id" in values and "parent_id" not in values:
            kept["parent_id"] = None
        return CategoryView.of(await shelves.edit_category(session, row, by=agent, **(kept | values)))

    @delete("/{category_id:int}", opt=ARRANGES, summary="Remove a category of articles", status_code=204)
    async def remove(self, session: Session, agent: CurrentAgent, category_id: PathId) -> None:
        """It has to be empty."""
        await shelves.remove(session, await one(session, ArticleCategory, category_id), by=agent)


async def one(session: AsyncSession, kind: type[Any], row_id: int) -> Any:
    row = await session.get(kind, row_id, with_for_update=True)
    if row is None:
        raise NotFound
    return row
