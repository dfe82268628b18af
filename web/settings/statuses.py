"""Statuses and types: what a ticket's state is called, and what sort of thing it is."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select

from helpdesk import labels, registers, statuses
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.labels import TicketType
from helpdesk.statuses import Category, Status
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done
from web.words import status_name

STATUSES, TYPES = "/settings/statuses", "/settings/types"
MANAGES = permits(Action.manage_desk)
Form = Request[Any, Any, Any]


class StatusForm(Fields):
    name: Annotated[str, Meta(max_length=400)]
    customer_name: Annotated[str, Meta(max_length=400)] = ""
    colour: str = "grey"
    category: Category = Category.open
    """Counts for a new one; an old one keeps its own."""


class TypeForm(Fields):
    name: Annotated[str, Meta(max_length=400)]
    colour: str = "grey"


class MoveForm(Fields):
    up: bool


class ArchiveForm(Fields):
    archived: bool


class Statuses(Controller):
    path = STATUSES

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        found = await registers.load(session)
        by_category = {c: [s for s in found.statuses.values() if s.category is c] for c in Category}
        return await settings("settings/words/statuses.html", categories=by_category)

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings("settings/words/status.html", row=None, tickets=0, categories=_named())

    @post(opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        await self._save(session, None, request, agent)
        return done(request, STATUSES, "added")

    @get("/{status_id:int}", opt=MANAGES)
    async def show(self, status_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        status = await _found(session, Status, status_id)
        tickets = await session.scalar(select(func.count()).where(Ticket.status_id == status.id))
        return await settings("settings/words/status.html", row=status, tickets=tickets, categories=_named())

    @post("/{status_id:int}", opt=MANAGES)
    async def save(
        self, status_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await self._save(session, await _found(session, Status, status_id), request, agent)
        return done(request, STATUSES)

    @post("/{status_id:int}/place", opt=MANAGES)
    async def move(self, status_id: FromPath[int], request: Form, session: Session) -> Response[Any]:
        status = await _found(session, Status, status_id)
        rows = await session.scalars(
            select(Status).where(Status.category == status.category).order_by(Status.position, Status.id)
        )
        statuses.reorder(rows.all(), status, up=(await read(request, MoveForm)).up)
        await registers.tell(session)
        return done(request, STATUSES)

    @post("/{status_id:int}/archive", opt=MANAGES)
    async def archive(
        self, status_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        status = await _found(session, Status, status_id)
        statuses.archive(session, status, (await read(request, ArchiveForm)).archived, by=agent)
        await registers.tell(session)
        return done(request, STATUSES)

    async def _save(
        self, session: Session, status: Status | None, request: Form, agent: CurrentAgent
    ) -> None:
        form = await read(request, StatusForm)
        await statuses.save(
            session,
            status,
            category=form.category,
            name=form.name,
            customer_name=form.customer_name,
            colour=form.colour,
            by=agent,
        )
        await registers.tell(session)


class Types(Controller):
    path = TYPES

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        found = await registers.load(session)
        return await settings("settings/words/types.html", types=list(found.types.values()))

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings("settings/words/type.html", type=None)

    @post(opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        form = await read(request, TypeForm)
        await labels.save_type(session, None, name=form.name, colour=form.colour, by=agent)
        await registers.tell(session)
        return done(request, TYPES, "added")

    @get("/{type_id:int}", opt=MANAGES)
    async def show(self, type_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        return await settings("settings/words/type.html", type=await _found(session, TicketType, type_id))

    @post("/{type_id:int}", opt=MANAGES)
    async def save(
        self, type_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, TypeForm)
        kind = await _found(session, TicketType, type_id)
        await labels.save_type(session, kind, name=form.name, colour=form.colour, by=agent)
        await registers.tell(session)
        return done(request, TYPES)

    @post("/{type_id:int}/place", opt=MANAGES)
    async def move(self, type_id: FromPath[int], request: Form, session: Session) -> Response[Any]:
        kind = await _found(session, TicketType, type_id)
        rows = await session.scalars(select(TicketType).order_by(TicketType.position, TicketType.id))
        statuses.reorder(rows.all(), kind, up=(await read(request, MoveForm)).up)
        await registers.tell(session)
        return done(request, TYPES)

    @post("/{type_id:int}/archive", opt=MANAGES)
    async def archive(
        self, type_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        kind = await _found(session, TicketType, type_id)
        labels.archive_type(session, kind, (await read(request, ArchiveForm)).archived, by=agent)
        await registers.tell(session)
        return done(request, TYPES)


def _named() -> list[tuple[Category, str]]:
    return [(category, status_name(category)) for category in Category]


async def _found(session: Session, of: Any, number: int) -> Any:
    found = await session.get(of, number, with_for_update=True) if number < 2**63 else None
    if found is None:
        raise NotFound
    return found
