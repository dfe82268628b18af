"""What tickets are sorted by: statuses, types, tags, custom fields."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from litestar import Controller, delete, get, patch, post
from litestar.params import FromQuery
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, labels, registers, statuses
from helpdesk.access import Action
from helpdesk.database import Row
from helpdesk.errors import NotFound
from helpdesk.fields import CustomField, Description, FieldKind, Subject
from helpdesk.labels import COLOURS, Tag, TicketType
from helpdesk.statuses import Category, Status
from web.api import choices
from web.api.answers import Listed
from web.api.choices import Named
from web.api.given import Given, Patch, PathId, Sent
from web.api.shapes import Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

Label = Annotated[str, Meta(max_length=labels.LONGEST, examples=["Refund"])]
Colour = Annotated[str, Meta(max_length=20, extra_json_schema={"enum": list(COLOURS)}, examples=["blue"])]
Hint = Annotated[str, Meta(max_length=200)]
Pattern = Annotated[str, Meta(max_length=500, examples=[""])]
FieldChoices = Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=200, examples=[[]])]
T = TypeVar("T")
R = TypeVar("R", bound=Row)
DESCRIBED = ("name", "hint", "choices", "pattern", "required", "customer_can_see")
MANAGES = permits(Action.manage_desk)


class StatusView(Shape):
    id: int
    category: Category
    name: Label
    customer_name: Label
    colour: str
    built_in: bool
    archived: bool

    @classmethod
    def of(cls, s: Status) -> "StatusView":
        return cls(
            id=s.id,
            category=s.category,
            name=s.name,
            customer_name=s.customer_name,
            colour=s.colour,
            built_in=s.is_built_in,
            archived=s.archived,
        )


class NewStatus(Sent):
    category: Category
    name: Label
    customer_name: Label = ""
    colour: Colour = "blue"


class StatusPatch(Patch):
    name: Label | UnsetType = UNSET
    customer_name: Label | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class TypeView(Shape):
    id: int
    name: Label
    colour: str
    archived: bool

    @classmethod
    def of(cls, kind: TicketType) -> "TypeView":
        return cls(id=kind.id, name=kind.name, colour=kind.colour, archived=kind.archived)


class NewType(Sent):
    name: Label
    colour: Colour = "blue"


class TypePatch(Patch):
    name: Label | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class TagView(Shape):
    id: int
    name: Label
    colour: str

    @classmethod
    def of(cls, tag: Tag) -> "TagView":
        return cls(id=tag.id, name=tag.name, colour=tag.colour)


class TagPatch(Patch):
    name: Label | UnsetType = UNSET
    colour: Colour | UnsetType = UNSET


class TagMerge(Sent):
    into: Named


class FieldView(Shape):
    id: int
    subject: Subject
    key: Annotated[str, Meta(examples=["order_number"])]
    name: Label
    kind: FieldKind
    choices: list[str]
    pattern: str
    hint: str
    required: bool
    customer_can_see: bool
    archived: bool

    @classmethod
    def of(cls, f: CustomField) -> "FieldView":
        return cls(**{name: getattr(f, name) for name in cls.__struct_fields__})


class NewField(Sent):
    subject: Subject
    name: Label
    kind: FieldKind = FieldKind.text
    hint: Hint = ""
    choices: FieldChoices = field(default_factory=list)
    pattern: Pattern = ""
    required: bool = False
    customer_can_see: bool = False


class FieldPatch(Patch):
    """Its key, its kind and what it is a field of stay: values are kept by them."""

    name: Label | UnsetType = UNSET
    hint: Hint | UnsetType = UNSET
    choices: FieldChoices | UnsetType = UNSET
    pattern: Pattern | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    customer_can_see: bool | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class Place(Sent):
    place: Annotated[int, Meta(ge=0, le=1_000)]
    """Counted from 0; behind the last is the last. Statuses are counted within their category, fields within what
    they are fields of."""


class Statuses(Controller):
    path = "/statuses"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List statuses")
    async def list(self, session: Session) -> Listed[StatusView]:
        rows = await session.scalars(select(Status).order_by(Status.position, Status.id))
        return Listed(items=[StatusView.of(row) for row in rows])

    @post(opt=MANAGES, summary="Make a status")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewStatus]) -> StatusView:
        made = await statuses.save(
            session,
            None,
            category=given.category,
            name=given.name,
            customer_name=given.customer_name,
            colour=given.colour,
            by=agent,
        )
        await registers.tell(session)
        return StatusView.of(made)

    @patch("/{status_id:int}", opt=MANAGES, summary="Change a status")
    async def change(
        self, session: Session, agent: CurrentAgent, status_id: PathId, given: Given[StatusPatch]
    ) -> StatusView:
        """Built-in ones can be renamed, but not archived. The category stays: tickets stand in it."""
        found = await _one(session, Status, status_id)
        values = {"name": found.name, "customer_name": found.customer_name, "colour": found.colour}
        values |= {key: value for key, value in given.given().items() if key in values}
        await statuses.save(session, found, category=found.category, by=agent, **values)
        if given.archived is not UNSET:
            statuses.archive(session, found, given.archived, by=agent)
        await registers.tell(session)
        return StatusView.of(found)

    @post("/{status_id:int}/place", opt=MANAGES, summary="Move a status", status_code=200)
    async def place(self, session: Session, status_id: PathId, given: Given[Place]) -> Listed[StatusView]:
        """Answers all of its category, in their order."""
        found = await _one(session, Status, status_id)
        query = select(Status).where(Status.category == found.category)
        rows = await _placed(session, query.order_by(Status.position, Status.id), found, given.place)
        return Listed(items=[StatusView.of(row) for row in rows])


class Types(Controller):
    path = "/types"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List types")
    async def list(self, session: Session) -> Listed[TypeView]:
        rows = await session.scalars(select(TicketType).order_by(TicketType.position, TicketType.id))
        return Listed(items=[TypeView.of(row) for row in rows])

    @post(opt=MANAGES, summary="Make a type")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewType]) -> TypeView:
        made = await labels.save_type(session, None, name=given.name, colour=given.colour, by=agent)
        await registers.tell(session)
        return TypeView.of(made)

    @patch("/{type_id:int}", opt=MANAGES, summary="Change a type")
    async def change(
        self, session: Session, agent: CurrentAgent, type_id: PathId, given: Given[TypePatch]
    ) -> TypeView:
        found = await _one(session, TicketType, type_id)
        values = {"name": found.name, "colour": found.colour}
        values |= {key: value for key, value in given.given().items() if key in values}
        await labels.save_type(session, found, by=agent, **values)
        if given.archived is not UNSET:
            labels.archive_type(session, found, given.archived, by=agent)
        await registers.tell(session)
        return TypeView.of(found)

    @post("/{type_id:int}/place", opt=MANAGES, summary="Move a type", status_code=200)
    async def place(self, session: Session, type_id: PathId, given: Given[Place]) -> Listed[TypeView]:
        """Answers all, in their order."""
        found = await _one(session, TicketType, type_id)
        query = select(TicketType).order_by(TicketType.position, TicketType.id)
        rows = await _placed(session, query, found, given.place)
        return Listed(items=[TypeView.of(row) for row in rows])


class Tags(Controller):
    path = "/tags"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List tags")
    async def list(self, session: Session) -> Listed[TagView]:
        """They are made by tagging a ticket."""
        rows = await session.scalars(select(Tag).order_by(func.lower(Tag.name), Tag.id))
        return Listed(items=[TagView.of(row) for row in rows])

    @patch("/{tag_id:int}", opt=MANAGES, summary="Change a tag")
    async def change(
        self, session: Session, agent: CurrentAgent, tag_id: PathId, given: Given[TagPatch]
    ) -> TagView:
        found = await _one(session, Tag, tag_id)
        values = {"name": found.name, "colour": found.colour} | given.given()
        await labels.change_tag(session, found, by=agent, **values)
        return TagView.of(found)

    @post("/{tag_id:int}/merge", opt=MANAGES, summary="Merge a tag into another", status_code=200)
    async def merge(
        self, session: Session, agent: CurrentAgent, tag_id: PathId, given: Given[TagMerge]
    ) -> TagView:
        """Tickets that had the one have the other."""
        into = await choices.tag(session, given.into)
        await labels.merge_tags(session, await _one(session, Tag, tag_id), into, by=agent)
        return TagView.of(into)

    @delete("/{tag_id:int}", opt=MANAGES, summary="Delete a tag")
    async def remove(self, session: Session, agent: CurrentAgent, tag_id: PathId) -> None:
        await labels.delete_tag(session, await _one(session, Tag, tag_id), by=agent)


class Fields(Controller):
    path = "/fields"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List custom fields")
    async def list(self, session: Session, subject: FromQuery[Subject | None] = None) -> Listed[FieldView]:
        query = select(CustomField).order_by(CustomField.subject, CustomField.position, CustomField.id)
        rows = await session.scalars(query.where(CustomField.subject == subject) if subject else query)
        return Listed(items=[FieldView.of(row) for row in rows])

    @post(opt=MANAGES, summary="Make a custom field")
    async def create(self, session: Session, agent: CurrentAgent, given: Given[NewField]) -> FieldView:
        """Its key is made of its name, and never changes."""
        rest = {name: getattr(given, name) for name in given.__struct_fields__ if name != "subject"}
        made = await fields.add(session, given.subject, Description(**rest), by=agent)
        await registers.tell(session)
        return FieldView.of(made)

    @patch("/{field_id:int}", opt=MANAGES, summary="Change a custom field")
    async def change(
        self, session: Session, agent: CurrentAgent, field_id: PathId, given: Given[FieldPatch]
    ) -> FieldView:
        """`archived` puts it away, or brings it back: values stay."""
        found = await _one(session, CustomField, field_id)
        values = given.given()
        archived = values.pop("archived", found.archived)
        if values:
            now = {name: getattr(found, name) for name in DESCRIBED}
            fields.change(session, found, Description(kind=found.kind, **(now | values)), by=agent)
        fields.archive(session, found, archived, by=agent)
        await registers.tell(session)
        return FieldView.of(found)

    @post("/{field_id:int}/place", opt=MANAGES, summary="Move a custom field", status_code=200)
    async def place(self, session: Session, field_id: PathId, given: Given[Place]) -> Listed[FieldView]:
        """Answers all of its subject, in their order."""
        found = await _one(session, CustomField, field_id)
        query = select(CustomField).where(CustomField.subject == found.subject)
        ordered = query.order_by(CustomField.position, CustomField.id)
        rows = await _placed(session, ordered, found, given.place)
        return Listed(items=[FieldView.of(row) for row in rows])


async def _placed(session: AsyncSession, query: Select[R], moved: R, place: int) -> Sequence[R]:
    """All rows in their new order."""
    order = list(await session.scalars(query.with_for_update()))
    at, to = order.index(moved), min(place, len(order) - 1)
    while at != to:
        statuses.reorder(order, moved, up=to < at)
        order.sort(key=lambda row: row.position)  # type: ignore[attr-defined]  # each kind has one
        at = order.index(moved)
    await registers.tell(session)
    return order


async def _one(session: AsyncSession, kind: type[T], number: int) -> T:
    if (found := await session.get(kind, number, with_for_update=True)) is None:
        raise NotFound
    return found
