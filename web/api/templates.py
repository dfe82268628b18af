"""Templates for new tickets: what is filled in before somebody begins to write."""

from typing import Annotated, Any

from litestar import Controller, get, patch, post
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, templates
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.fields import Subject
from helpdesk.people import Agent
from helpdesk.templates import TicketTemplate
from helpdesk.texts import clean
from helpdesk.tickets import Priority
from web.api import choices
from web.api.answers import Answer, Listed
from web.api.choices import Named
from web.api.given import Given, Line, Patch, PathId, Sent
from web.api.openapi import PREFIX
from web.api.shapes import Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

WRITES = permits(Action.write_templates)
TemplateName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Delay"])]
Text = Annotated[str, Meta(max_length=100_000, examples=["Your parcel is late, because "])]
Tags = Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=50, examples=[["delay"]])]
FieldValues = Annotated[dict[str, Any], Meta(examples=[{}])]
Place = Annotated[int, Meta(ge=0, le=1_000_000)]


class TemplateView(Shape):
    id: int
    name: TemplateName
    subject: str
    text: Text
    inbox: int | None
    team: int | None
    assignee: int | None
    type: int | None
    priority: Priority
    tags: list[str]
    fields: FieldValues
    position: int
    archived: bool

    @classmethod
    def of(cls, t: TicketTemplate) -> "TemplateView":
        return cls(
            id=t.id,
            name=t.name,
            subject=t.subject,
            text=t.body,
            inbox=t.inbox_id,
            team=t.team_id,
            assignee=t.assignee_id,
            type=t.type_id,
            priority=t.priority,
            tags=t.tags,
            fields=t.fields,
            position=t.position,
            archived=t.archived,
        )


class NewTemplate(Sent):
    name: TemplateName
    subject: Line = ""
    text: Text = ""
    inbox: Named | None = None
    team: Named | None = None
    assignee: Named | None = None
    type: Named | None = None
    priority: Priority = Priority.normal
    tags: Tags = field(default_factory=list)
    fields: FieldValues = field(default_factory=dict)
    position: Place = 0


class TemplatePatch(Patch):
    name: TemplateName | UnsetType = UNSET
    subject: Line | UnsetType = UNSET
    text: Text | UnsetType = UNSET
    inbox: Named | UnsetType | None = UNSET
    team: Named | UnsetType | None = UNSET
    assignee: Named | UnsetType | None = UNSET
    type: Named | UnsetType | None = UNSET
    priority: Priority | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    fields: FieldValues | UnsetType = UNSET
    """Custom fields by key; null empties one, those left out stay."""
    position: Place | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class Templates(Controller):
    path = "/templates"
    opt = {"resource": "desk"}  # noqa: RUF012

    @get(opt=permits(Action.create), summary="List templates")
    async def list(
        self,
        session: Session,
        archived: Annotated[bool, QueryParameter(description="Those that are put away as well.")] = False,
    ) -> Listed[TemplateView]:
        """In the order in which they are offered."""
        query = select(TicketTemplate).order_by(TicketTemplate.position, TicketTemplate.name)
        rows = await session.scalars(query if archived else query.where(~TicketTemplate.archived))
        return Listed(items=[TemplateView.of(row) for row in rows])

    @post(opt=WRITES, summary="Make a template")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewTemplate]
    ) -> Answer[TemplateView]:
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        made = TicketTemplate(fields={})
        await templates.save(session, made, **await _columns(session, agent, made, values))
        session.add(Event(Kind.template_edited, by=agent, about=made, what="added"))
        headers = {"location": f"{PREFIX}/templates/{made.id}"}
        return Answer(TemplateView.of(made), status_code=201, headers=headers)

    @get("/{template_id:int}", opt=permits(Action.create), summary="Show a template")
    async def show(self, session: Session, template_id: PathId) -> TemplateView:
        return TemplateView.of(await _one(session, template_id))

    @patch("/{template_id:int}", opt=WRITES, summary="Change a template")
    async def change(
        self, session: Session, agent: CurrentAgent, template_id: PathId, given: Given[TemplatePatch]
    ) -> TemplateView:
        """`archived` puts it away, or brings it back."""
        found = await _one(session, template_id)
        await templates.save(session, found, **await _columns(session, agent, found, given.given()))
        session.add(Event(Kind.template_edited, by=agent, about=found, what="changed"))
        return TemplateView.of(found)


async def _columns(
    session: AsyncSession, agent: Agent, template: TicketTemplate, given: dict[str, Any]
) -> dict[str, Any]:
    """From what was sent to what the columns hold."""
    values = dict(given)
    if "text" in values:
        values["body"] = clean(values.pop("text"))
    if "subject" in values:
        values["subject"] = " ".join(clean(values["subject"]).split())
    if "tags" in values:
        values["tags"] = [name for tag in values["tags"] if (name := " ".join(clean(tag).split()))]
    if "inbox" in values:
        sent = values.pop("inbox")
        values["inbox_id"] = (await choices.inbox(session, sent)).id if sent is not None else None
    found: dict[str, Any] = {}
    if "team" in values:
        found["team_id"] = await choices.team(session, values.pop("team"))
    if "assignee" in values:
        found["assignee_id"] = await choices.colleague(session, values.pop("assignee"), agent)
    if "type" in values:
        found["type_id"] = await choices.ticket_type(session, values.pop("type"))
    values |= {column: row.id if row else None for column, row in found.items()}
    if "fields" in values:
        registry = await fields.load(session, Subject.ticket)
        values["fields"] = registry.changed(template.fields or {}, values["fields"])
    return values


async def _one(session: AsyncSession, number: int) -> TicketTemplate:
    if (found := await session.get(TicketTemplate, number, with_for_update=True)) is None:
        raise NotFound
    return found
