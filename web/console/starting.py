"""A ticket that an agent begins, on somebody's behalf or of their own accord."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from helpdesk import contact_lists, fields, starting, templates
from helpdesk.access import Action
from helpdesk.contacts import visible_contacts
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.fields import Subject
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import TicketType
from helpdesk.people import Agent, Contact, Team
from helpdesk.starting import Beginning, Opening
from helpdesk.templates import TicketTemplate
from helpdesk.tickets import Priority
from web.auth import permits
from web.console.later import chosen_time
from web.console.replies import kept
from web.console.shell import Directory, Shell
from web.console.sides import BETWEEN
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import MOST_TOGETHER, Fields, read, typed_list
from web.pages import Html, Page
from web.words import priority_name

SUGGESTED = 6


class NewTicketForm(Fields):
    requester: str
    """An e-mail address, known or new."""
    client_id: str
    inbox: int
    subject: str
    body: str
    name: str = ""
    opening: Opening = Opening.mail
    copies: str = ""
    team: str = ""
    assignee: str = ""
    priority: Priority = Priority.normal
    type: str = ""
    tags: str = ""
    template: str = ""
    later: str = ""
    at: str = ""
    files: str = ""


class NoRequester(Invalid):
    message = _("Say whom the ticket is for: an e-mail address, or somebody from the list.")


class NotChosen(Invalid):
    message = _("What you chose is not there any more. Reload the page and choose again.")


@dataclass
class Filled:
    """What the form shows: a template's values, or what was typed before it was refused."""

    values: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""

    def get(self, name: str, usual: Any = "") -> Any:
        return self.values.get(name, usual)


class NewTickets(Controller):
    path = "/tickets/new"

    @get(opt=permits(Action.create))
    async def form(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        template: FromQuery[int | None] = None,
        contact: FromQuery[int | None] = None,
    ) -> Html:
        filled = Filled()
        if template is not None and (chosen := await session.get(TicketTemplate, template)):
            filled = _of_template(chosen)
        if contact is not None:
            known = await session.scalar(
                visible_contacts(agent).where(Contact.id == contact).options(selectinload(Contact.identities))
            )
            if known and "@" in known.shown_address:
                filled.values |= {"requester": known.shown_address, "name": known.name}
        return await _page(session, agent, page, filled, chosen=template)

    @get("/people", opt=permits(Action.create))
    async def people(
        self, session: Session, agent: CurrentAgent, page: ThisPage, requester: FromQuery[str] = ""
    ) -> Html:
        """Who could be meant, and what they have open already."""
        words = requester.strip()
        found = (
            await contact_lists.listed(session, agent, q=words, limit=SUGGESTED) if len(words) > 1 else None
        )
        rows = [row for row in (found.rows if found else []) if "@" in (row.address or "")]
        exact = next((row for row in rows if row.address.lower() == words.lower()), None)
        opened = []
        if exact and (contact := await session.get(Contact, exact.id)):
            opened = list(await starting.open_of(session, agent, contact))
        return page("console/starting/_people.html", people=rows, exact=exact, opened=opened, typed=words)

    @post(opt=permits(Action.create), request_max_body_size=MOST_TOGETHER * 2, status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
    ) -> Response[Any]:
        form = await read(request, NewTicketForm, besides=("field-",))
        custom = await custom_fields(request)
        try:
            number = await _start(request, session, desk, agent, form, custom)
        except HelpdeskError as error:
            session.expunge_all()  # nothing of it is written, and who asks stays as loaded
            await session.rollback()
            typed = {name: getattr(form, name) for name in form.__struct_fields__}
            filled = Filled(typed | {"tags": typed_list(form.tags)}, custom, str(error))
            return await _page(session, agent, page, filled, status=error.status)
        target = f"/tickets/{number}"
        if page.is_partial:
            return Response("", status_code=200, headers={"hx-redirect": target})
        return Redirect(target, status_code=303)


async def _start(
    request: Request[Any, Any, Any],
    session: AsyncSession,
    desk: Any,
    agent: Agent,
    form: NewTicketForm,
    custom: dict[str, Any],
) -> int:
    if "@" not in form.requester:
        raise NoRequester
    inbox = await session.get(Inbox, form.inbox)
    if inbox is None:
        raise NotChosen
    given = Beginning(
        subject=form.subject,
        body=form.body,
        opening=form.opening,
        team=await _chosen(session, Team, form.team),
        assignee=agent if form.assignee == "me" else await _chosen(session, Agent, form.assignee),
        priority=form.priority,
        type=await _chosen(session, TicketType, form.type),
        tags=typed_list(form.tags),
        fields=given_fields(custom),
        copies=[address for address in BETWEEN.split(form.copies) if address],
        send_at=chosen_time(agent, form.later, form.at) if form.later else None,
        client_id=form.client_id,
    )
    contact = await starting.requester(session, form.requester, form.name, by=agent)
    ticket, message = await starting.start(session, contact, inbox, given, by=agent, address=form.requester)
    if "attachments" not in inspect(message).unloaded:  # else the form was sent before, with its files
        message.attachments.extend(await kept(desk, request))
        await session.flush()
    return ticket.number


async def _chosen(session: AsyncSession, kind: type[Any], number: str) -> Any:
    if not number:
        return None
    found = await session.get(kind, int(number)) if number.isascii() and number.isdigit() else None
    if found is None:
        raise NotChosen
    return found


def _given(values: list[Any]) -> Any:
    """Several choices come as several fields, and with them one that is empty."""
    words = [value for value in values if isinstance(value, str) and value]
    return words if len(values) > 1 else (words[0] if words else "")


def _of_template(chosen: TicketTemplate) -> Filled:
    names = ("subject", "body", "priority", "tags")
    values = {name: getattr(chosen, name) for name in names}
    numbers = ("inbox", "team", "assignee", "type")
    values |= {name: str(getattr(chosen, f"{name}_id") or "") for name in numbers}
    return Filled(values, dict(chosen.fields))


async def _page(
    session: AsyncSession,
    agent: Agent,
    page: Page,
    filled: Filled,
    *,
    chosen: int | None = None,
    status: int = 200,
) -> Html:
    return page(
        "console/starting/new.html",
        status=status,
        shell=await Shell.load(session, agent),
        filled=filled,
        choices=await form_choices(session),
        templates=await templates.offered(session),
        chosen=chosen,
        registry=await fields.load(session, Subject.ticket),
        client_id=filled.get("client_id") or f"new-{agent.id}-{secrets.token_hex(8)}",
    )


async def form_choices(session: AsyncSession) -> dict[str, list[tuple[Any, str]]]:
    """What a form of a ticket's values offers, as pairs of value and words."""
    directory = await Directory.load(session)
    inboxes = await session.scalars(select(Inbox).where(Inbox.active).order_by(Inbox.name))
    offered = select(TicketType).where(~TicketType.archived).order_by(TicketType.position, TicketType.id)
    return {
        "inboxes": [(inbox.id, f"{inbox.name} <{inbox.address}>") for inbox in inboxes],
        "teams": [(team.id, team.name) for team in directory.teams.values()],
        "agents": [(one.id, one.name) for one in directory.colleagues],
        "priorities": [(priority.value, priority_name(priority)) for priority in Priority],
        "types": [(kind.id, kind.name) for kind in await session.scalars(offered)],
    }


async def custom_fields(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Custom fields of a form, by key, as they were typed."""
    form = await request.form()
    return {key.removeprefix("field-"): _given(form.getall(key)) for key in form if key.startswith("field-")}


def given_fields(custom: dict[str, Any]) -> dict[str, Any]:
    """Without those that were left empty."""
    return {key: value for key, value in custom.items() if value not in ("", [])}
