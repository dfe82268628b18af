"""What a ticket is about, changed from beside it: status, type, tags, custom fields, subject, inbox."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import func, select

from channels import reaching
from helpdesk import fields
from helpdesk.access import Action, require
from helpdesk.errors import Invalid
from helpdesk.fields import FieldKind, Subject
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType, tags_called
from helpdesk.statuses import Status
from helpdesk.texts import clean
from web.auth import permits
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html

CHOICES = 12
FIELD = "field."
"""What stands before a custom field's key in a form."""
Form = Request[Any, Any, Any]


class StatusForm(Fields):
    status: int


class TypeForm(Fields):
    type: Annotated[str, Meta(pattern=r"^[0-9]{0,18}$")] = ""
    """Empty: none."""


class TagForm(Fields):
    name: Annotated[str, Meta(max_length=2000)]
    """One, or several with commas between them."""


class SubjectForm(Fields):
    subject: str


class InboxForm(Fields):
    inbox: int


class NotThere(Invalid):
    message = _("What was chosen is not there any more. Reload the page and choose again.")


class Statuses(Controller):
    path = "/tickets/{number:int}/status"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        """Settling and opening again ask for the permission that resolving asks for."""
        status = await session.get(Status, (await read(request, StatusForm)).status)
        if status is None:
            raise NotThere
        if status.category.is_settled or ticket.is_settled:
            require(agent, Action.settle, ticket)
        was = ticket.status_id
        ticket.become(status, by=agent)
        if was == ticket.status_id:
            return await changed(request, page, session, agent, ticket)
        words = gettext("Status: %(name)s") % {"name": status.name}
        undo = Undo(words, "circle", "status", "post", {"status": str(was)})
        return await changed(request, page, session, agent, ticket, undoing=undo)


class Types(Controller):
    path = "/tickets/{number:int}/type"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        number = int((await read(request, TypeForm)).type or 0)
        kind = await session.get(TicketType, number) if number else None
        if number and kind is None:
            raise NotThere
        ticket.classify(kind, by=agent)
        return await changed(request, page, session, agent, ticket)


class Tags(Controller):
    path = "/tickets/{number:int}/tags"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        given = (await read(request, TagForm)).name.replace(";", ",").split(",")
        await session.refresh(ticket, ["tags"])
        names = [name for name in given if name.strip()] or [""]
        ticket.tag(*await tags_called(session, names, by=agent), by=agent)
        return await changed(request, page, session, agent, ticket)

    @delete("/{tag_id:int}", opt=permits(Action.change), status_code=200)
    async def remove(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        tag_id: FromPath[int],
    ) -> Response[Any]:
        await session.refresh(ticket, ["tags"])
        if tag := next((tag for tag in ticket.tags if tag.id == tag_id), None):
            ticket.untag(tag, by=agent)
            words = gettext("Removed the tag %(name)s") % {"name": tag.name}
            undo = Undo(words, "tag", "tags", "post", {"name": tag.name})
            return await changed(request, page, session, agent, ticket, undoing=undo)
        return await changed(request, page, session, agent, ticket)

    @get("/choices", opt=permits(Action.change))
    async def choices(
        self, session: Session, page: ThisPage, ticket: CurrentTicket, q: FromQuery[str] = ""
    ) -> Html:
        """Tags whose name holds what was typed; the same, where it begins with that, first."""
        words = " ".join(clean(q).split())[:50].lower()
        await session.refresh(ticket, ["tags"])
        name = func.lower(Tag.name)
        query = (
            select(Tag)
            .where(name.contains(words, autoescape=True), Tag.id.not_in([tag.id for tag in ticket.tags]))
            .order_by(name.startswith(words, autoescape=True).desc(), name)
            .limit(CHOICES)
        )
        found = (await session.scalars(query)).all()
        known = {tag.name.lower() for tag in (*found, *ticket.tags)}
        return page(
            "console/tickets/pickers/_tag_choices.html",
            tags=found,
            new=q.strip() if words not in known else "",
        )


class FieldValues(Controller):
    path = "/tickets/{number:int}/fields"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        """As many as the form has, each named `field.` and its key."""
        form = await request.form()
        registry = await fields.load(session, Subject.ticket)
        given: dict[str, Any] = {}
        for name in dict.fromkeys(form):
            if name == "csrf":
                continue
            field = registry[name.removeprefix(FIELD)]
            values = [value for value in form.getall(name) if isinstance(value, str)]
            several = field.kind is FieldKind.choices
            given[field.key] = [v for v in values if v] if several else "".join(values[-1:])
        ticket.fill(registry, given, by=agent)
        return await changed(request, page, session, agent, ticket)


class Subjects(Controller):
    path = "/tickets/{number:int}/subject"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        ticket.rename((await read(request, SubjectForm)).subject, by=agent)
        return await changed(request, page, session, agent, ticket)


class Inboxes(Controller):
    path = "/tickets/{number:int}/inbox"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        inbox = await session.get(Inbox, (await read(request, InboxForm)).inbox)
        if inbox is None:
            raise NotThere
        if inbox.id == ticket.inbox_id:
            return await changed(request, page, session, agent, ticket)
        ticket.transfer(inbox, by=agent)
        await reaching.require(session, ticket, inbox)
        words = gettext("Answers leave from %(address)s now") % {"address": inbox.address}
        return await changed(request, page, session, agent, ticket, toast=words)


ROUTES: list[Any] = [Statuses, Types, Tags, FieldValues, Subjects, Inboxes]
