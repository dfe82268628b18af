"""Templates for new tickets: what is filled in before an agent begins to write."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, templates
from helpdesk.access import Action
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType
from helpdesk.people import Agent, Team
from helpdesk.templates import TicketTemplate
from helpdesk.tickets import Priority
from web.auth import permits
from web.console.starting import custom_fields, form_choices, given_fields
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read, typed_list
from web.pages import Html
from web.settings.frame import ThisSettings, done

HOME = "/settings/templates"
WRITES = permits(Action.write_templates)
CHOSEN = {"inbox": Inbox, "team": Team, "assignee": Agent, "type": TicketType}


class TemplateForm(Fields):
    name: Annotated[str, Meta(max_length=80)]
    subject: Annotated[str, Meta(max_length=500)] = ""
    body: Annotated[str, Meta(max_length=100_000)] = ""
    inbox: str = ""
    team: str = ""
    assignee: str = ""
    type: str = ""
    priority: Priority = Priority.normal
    tags: Annotated[str, Meta(max_length=2_000)] = ""
    position: int = 0
    archived: bool = False


class NotThere(Invalid):
    message = _("What you chose is not there any more. Reload the page and choose again.")


class Templates(Controller):
    path = HOME

    @get(opt=WRITES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        query = select(TicketTemplate).order_by(
            TicketTemplate.archived, TicketTemplate.position, TicketTemplate.name
        )
        return await settings("settings/templates/index.html", templates=(await session.scalars(query)).all())

    @get("/new", opt=WRITES)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        return await _form(session, settings, TicketTemplate(tags=[], fields={}, priority=Priority.normal))

    @post(opt=WRITES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        made = await _save(request, session, TicketTemplate())
        session.add(Event(Kind.template_edited, by=agent, about=made, what="added"))
        return done(request, HOME, "added")

    @get("/{template_id:int}", opt=WRITES)
    async def show(self, template_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        return await _form(session, settings, await _one(session, template_id))

    @post("/{template_id:int}", opt=WRITES)
    async def change(
        self,
        template_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
    ) -> Response[Any]:
        made = await _save(request, session, await _one(session, template_id))
        session.add(Event(Kind.template_edited, by=agent, about=made, what="changed"))
        return done(request, HOME)


async def _one(session: AsyncSession, number: int) -> TicketTemplate:
    found = await session.get(TicketTemplate, number)
    if found is None:
        raise NotFound
    return found


async def _form(session: AsyncSession, settings: Any, template: TicketTemplate) -> Html:
    return await settings(  # type: ignore[no-any-return]
        "settings/templates/edit.html",
        template=template,
        choices=await form_choices(session),
        registry=await fields.load(session, Subject.ticket),
    )


async def _save(
    request: Request[Any, Any, Any], session: AsyncSession, template: TicketTemplate
) -> TicketTemplate:
    form = await read(request, TemplateForm, besides=("field-",))
    registry = await fields.load(session, Subject.ticket)
    given = given_fields(await custom_fields(request))
    return await templates.save(
        session,
        template,
        name=form.name,
        subject=form.subject,
        body=form.body,
        priority=form.priority,
        tags=typed_list(form.tags),
        fields=registry.changed({}, given),
        position=form.position,
        archived=form.archived,
        **{f"{name}_id": await _number(session, kind, getattr(form, name)) for name, kind in CHOSEN.items()},
    )


async def _number(session: AsyncSession, kind: type[Any], given: str) -> int | None:
    if not given:
        return None
    found = await session.get(kind, int(given)) if given.isascii() and given.isdigit() else None
    if found is None:
        raise NotThere
    return int(found.id)
