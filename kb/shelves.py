"""Where articles stand: collections, and categories within them, as deep as three."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Row
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.texts import clean, written
from kb.names import slugify

DEEPEST = 3
"""Categories within categories."""
ICONS = (
    "book-open", "rocket", "user", "users", "inbox", "mail", "settings", "shield-check", "key-round", "plug",
    "code", "calendar", "globe", "building-2", "chart-line", "tag", "star", "zap", "info", "file-text",
)  # fmt: skip
"""Pictures of collections to choose from."""


class Collection(Row):
    """The first thing that a visitor of the help centre chooses from."""

    __tablename__ = "collection"

    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="", server_default="")
    icon: Mapped[str] = mapped_column(default="book-open", server_default="book-open")
    position: Mapped[int] = mapped_column(default=0, server_default="0")


class ArticleCategory(Row):
    """A shelf of a collection; it may have shelves of its own."""

    __tablename__ = "article_category"
    __table_args__ = (
        UniqueConstraint("collection_id", "slug"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
    )

    collection_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("collection.id"))
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("article_category.id"), index=True)
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    position: Mapped[int] = mapped_column(default=0, server_default="0")


HELD_BY_COLLECTION = "SELECT 1 FROM article_category WHERE collection_id = :id LIMIT 1"
HELD_BY_CATEGORY = """
SELECT 1 FROM article_category WHERE parent_id = :id UNION ALL SELECT 1 FROM article WHERE category_id = :id LIMIT 1
"""


class Nameless(Invalid):
    message = _("Give it a name, of 80 characters at most.")


class NotEmpty(Conflict):
    message = _("There is still something in it. Move the articles and categories elsewhere first.")


class TooDeep(Invalid):
    message = _("Categories go three deep, and none stands within itself.")


@dataclass
class Shelf:
    """A category with what stands in it."""

    category: ArticleCategory
    depth: int
    shelves: list["Shelf"] = field(default_factory=list)

    def walk(self) -> list["Shelf"]:
        return [self, *(below for shelf in self.shelves for below in shelf.walk())]


@dataclass
class Tree:
    """All collections, in their order."""

    collections: Sequence[Collection]
    shelves: dict[int, list[Shelf]]

    @classmethod
    async def load(cls, session: AsyncSession) -> "Tree":
        collections = await session.scalars(select(Collection).order_by(Collection.position, Collection.id))
        rows = await session.scalars(
            select(ArticleCategory).order_by(ArticleCategory.position, ArticleCategory.id)
        )
        below: dict[int | None, list[ArticleCategory]] = {}
        for row in rows:
            below.setdefault(row.parent_id, []).append(row)

        def grown(categories: list[ArticleCategory], depth: int) -> list[Shelf]:
            return [Shelf(one, depth, grown(below.get(one.id, []), depth + 1)) for one in categories]

        shelves: dict[int, list[Shelf]] = {}
        for shelf in grown(below.get(None, []), 1):
            shelves.setdefault(shelf.category.collection_id, []).append(shelf)
        return cls(collections.all(), shelves)

    def walk(self, collection_id: int) -> list[Shelf]:
        """Every shelf of a collection, as it is read from top to bottom."""
        return [below for shelf in self.shelves.get(collection_id, []) for below in shelf.walk()]

    def find(self, category_id: int) -> Shelf | None:
        every = (shelf for one in self.collections for shelf in self.walk(one.id))
        return next((shelf for shelf in every if shelf.category.id == category_id), None)

    def within(self, category_id: int) -> list[int]:
        """A category and all below it."""
        found = self.find(category_id)
        return [shelf.category.id for shelf in found.walk()] if found else []


async def edit_collection(
    session: AsyncSession,
    collection: Collection | None,
    *,
    by: Actor,
    name: str,
    description: str = "",
    icon: str = "book-open",
) -> Collection:
    """A new one where none is given, behind the others."""
    if collection is None:
        await _alone(session)
        taken = set(await session.scalars(select(Collection.slug)))
        collection = Collection(slug=_free(name, taken), position=len(taken))
        session.add(collection)
    collection.name = named(name)
    collection.description = written(description)[:500]
    collection.icon = icon if icon in ICONS else "book-open"
    await session.flush()
    _tell(session, collection, "edited", by=by)
    return collection


async def edit_category(
    session: AsyncSession,
    category: ArticleCategory | None,
    *,
    by: Actor,
    name: str,
    description: str = "",
    collection_id: int,
    parent_id: int | None = None,
) -> ArticleCategory:
    """A new one where none is given. With a parent, it stands in the parent's collection; what is below comes along."""
    await _alone(session)
    name = named(name)
    tree = await Tree.load(session)
    above = tree.find(parent_id) if parent_id else None
    if (parent_id and above is None) or (
        not above and not any(c.id == collection_id for c in tree.collections)
    ):
        raise NotFound
    collection_id = above.category.collection_id if above else collection_id
    itself = tree.find(category.id) if category else None
    below = itself.walk() if itself else []
    height = max((one.depth for one in below), default=1) - (itself.depth if itself else 1) + 1
    inside = {one.category.id for one in below}
    if (above.depth if above else 0) + height > DEEPEST or parent_id in inside:
        raise TooDeep
    if category is None or category.collection_id != collection_id:
        taken = {one.category.slug for one in tree.walk(collection_id)}
        moved = [one.category for one in below] or [ArticleCategory(name=name, position=len(taken))]
        for one in moved:
            one.collection_id, one.slug = collection_id, _free(one.name, taken)
            taken.add(one.slug)
        if category is None:
            (category,) = moved
            session.add(category)
    category.name, category.description = name, written(description)[:500]
    category.parent_id = parent_id
    await session.flush()
    _tell(session, category, "edited", by=by)
    return category


async def order(session: AsyncSession, rows: Sequence[Row], ids: Sequence[int], *, by: Actor) -> None:
    """Brothers stand in this order from now on; those that are not named stay behind them."""
    known = {row.id: row for row in rows}
    wanted = [known[each] for each in dict.fromkeys(ids) if each in known]
    for place, row in enumerate([*wanted, *(row for row in rows if row not in wanted)]):
        row.position = place  # type: ignore[attr-defined]
    await session.flush()
    if wanted:
        _tell(session, wanted[0], "ordered", by=by)


async def remove(session: AsyncSession, row: Collection | ArticleCategory, *, by: Actor) -> None:
    """Empty ones only."""
    held = HELD_BY_COLLECTION if isinstance(row, Collection) else HELD_BY_CATEGORY
    await _alone(session)
    if await session.scalar(text(held), {"id": row.id}):
        raise NotEmpty
    _tell(session, row, "removed", by=by)
    await session.delete(row)
    await session.flush()


def named(name: str) -> str:
    name = " ".join(clean(name).split())
    if not 0 < len(name) <= 80:
        raise Nameless
    return name


def _free(name: str, taken: set[str]) -> str:
    slug = slugify(name)
    return next(tried for n in range(1, 10_000) if (tried := slug if n == 1 else f"{slug}-{n}") not in taken)


async def _alone(session: AsyncSession) -> None:
    """Two who arrange at once would make a circle that neither sees."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('article shelves'))"))


def _tell(session: AsyncSession, row: Row, what: str, *, by: Actor) -> None:
    session.add(Event(Kind.article_shelf_changed, by=by, about=row, what=what))
