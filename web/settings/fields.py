"""Custom fields of tickets, contacts and companies."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import select

from helpdesk import fields, registers, statuses
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.fields import CustomField, Description, FieldKind, Subject
from helpdesk.i18n import _
from helpdesk.values import KIND_NAMES
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, done
from web.settings.statuses import ArchiveForm, MoveForm

HOME = "/settings/fields"
MANAGES = permits(Action.manage_desk)
OF = {Subject.ticket: _("Tickets"), Subject.contact: _("Contacts"), Subject.company: _("Companies")}
Form = Request[Any, Any, Any]


class FieldForm(Fields):
    name: Annotated[str, Meta(max_length=400)]
    kind: FieldKind = FieldKind.text
    subject: Subject = Subject.ticket
    """Both count for a new field; an old one keeps its own."""
    hint: Annotated[str, Meta(max_length=400)] = ""
    choices: Annotated[str, Meta(max_length=40_000)] = ""
    """One a line."""
    pattern: Annotated[str, Meta(max_length=1000)] = ""
    required: bool = False
    customer_can_see: bool = False

    @property
    def description(self) -> Description:
        return Description(
            name=self.name,
            kind=self.kind,
            hint=self.hint,
            choices=self.choices.splitlines(),
            pattern=self.pattern,
            required=self.required,
            customer_can_see=self.customer_can_see,
        )


class CustomFields(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        found = await registers.load(session)
        return await settings("settings/words/fields.html", registries=found.fields, of=OF, kinds=KIND_NAMES)

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings, subject: FromQuery[Subject] = Subject.ticket) -> Html:
        return await settings(
            "settings/words/field.html", field=None, subject=subject, of=OF, kinds=KIND_NAMES
        )

    @post(opt=MANAGES)
    async def create(self, request: Form, session: Session, agent: CurrentAgent) -> Response[Any]:
        form = await read(request, FieldForm)
        await fields.add(session, form.subject, form.description, by=agent)
        await registers.tell(session)
        return done(request, HOME, "added")

    @get("/{field_id:int}", opt=MANAGES)
    async def show(self, field_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        field = await _found(session, field_id)
        return await settings(
            "settings/words/field.html", field=field, subject=field.subject, of=OF, kinds=KIND_NAMES
        )

    @post("/{field_id:int}", opt=MANAGES)
    async def save(
        self, field_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, FieldForm)
        fields.change(session, await _found(session, field_id), form.description, by=agent)
        await registers.tell(session)
        return done(request, HOME)

    @post("/{field_id:int}/place", opt=MANAGES)
    async def move(self, field_id: FromPath[int], request: Form, session: Session) -> Response[Any]:
        field = await _found(session, field_id)
        rows = await session.scalars(
            select(CustomField)
            .where(CustomField.subject == field.subject)
            .order_by(CustomField.position, CustomField.id)
        )
        statuses.reorder(rows.all(), field, up=(await read(request, MoveForm)).up)
        await registers.tell(session)
        return done(request, HOME)

    @post("/{field_id:int}/archive", opt=MANAGES)
    async def archive(
        self, field_id: FromPath[int], request: Form, session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        field = await _found(session, field_id)
        fields.archive(session, field, (await read(request, ArchiveForm)).archived, by=agent)
        await registers.tell(session)
        return done(request, HOME)


async def _found(session: Session, number: int) -> CustomField:
    field = await session.get(CustomField, number, with_for_update=True) if number < 2**63 else None
    if field is None:
        raise NotFound
    return field
