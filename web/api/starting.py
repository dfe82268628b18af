"""Tickets that programs begin, and tickets that are deleted for good."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, post
from msgspec import Meta, field
from sqlalchemy.orm import selectinload

from helpdesk import deletion, erasing, starting
from helpdesk.access import Action
from helpdesk.contacts import visible_contacts
from helpdesk.i18n import gettext
from helpdesk.people import Contact
from helpdesk.starting import Beginning, Opening
from helpdesk.tickets import Priority
from web.api import choices, files
from web.api.answers import Answer
from web.api.changing import Tags
from web.api.choices import Named
from web.api.given import Body, Given, Id, PathId, Sent, Word
from web.api.messages import Handles
from web.api.openapi import PREFIX
from web.api.problems import Mistake, Unreadable
from web.api.shapes import At
from web.api.ticket_views import TicketView, view
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session


class NewTicket(Sent):
    """`requester` or `email` says whose it is; `email` finds the contact or makes one."""

    subject: Annotated[str, Meta(min_length=1, max_length=500, examples=["Your order A-17"])]
    text: Annotated[Body, Meta(examples=["We have shipped it today."])]
    inbox: Named
    email: Annotated[str, Meta(max_length=320, examples=["marta@lumen.example"])] = ""
    name: Word = ""
    requester: Annotated[Id | None, Meta(examples=[None])] = None
    opening: Opening = Opening.mail
    """`mail` leaves to the requester; `note` and `call` stay among colleagues."""
    team: Named | None = None
    assignee: Named | None = None
    priority: Priority = Priority.normal
    type: Named | None = None
    tags: Tags = field(default_factory=list)
    fields: Annotated[dict[str, Any], Meta(examples=[{}])] = field(default_factory=dict)
    cc: Annotated[list[Annotated[str, Meta(max_length=320)]], Meta(max_length=20, examples=[[]])] = field(
        default_factory=list
    )
    send_at: At | None = None
    attachments: Handles = field(default_factory=list)


class NewTickets(Controller):
    path = "/tickets"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @post(opt=permits(Action.create), summary="Start a ticket")
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        given: Given[NewTicket],
    ) -> Answer[TicketView]:
        """On a customer's behalf, as in the console. Other programs' customers write through an API inbox."""
        contact = await _requester(session, given, agent)
        beginning = Beginning(
            subject=given.subject,
            body=given.text,
            opening=given.opening,
            team=await choices.team(session, given.team),
            assignee=await choices.colleague(session, given.assignee, agent),
            priority=given.priority,
            type=await choices.ticket_type(session, given.type),
            tags=given.tags,
            fields=given.fields,
            copies=given.cc,
            send_at=given.send_at,
        )
        inbox = await choices.inbox(session, given.inbox)
        ticket, message = await starting.start(
            session, contact, inbox, beginning, by=agent, address=given.email
        )
        for attachment in await files.taken(request, desk, agent, given.attachments):
            attachment.message_id = message.id
            session.add(attachment)
        shown = await view(session, ticket)
        return Answer(shown, status_code=201, headers={"location": f"{PREFIX}/tickets/{shown.number}"})


class Deletions(Controller):
    path = "/tickets/{number:int}"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @delete(opt=permits(Action.delete) | {"versioned": True}, summary="Delete a ticket for good")
    async def erase(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        number: PathId,
    ) -> None:
        """With everything said in it; it has to be in spam or trash already."""
        gone = await deletion.delete_for_good(session, ticket, by=agent)
        await session.commit()
        await erasing.remove_files(desk, session, gone.files)


async def _requester(session: Session, given: NewTicket, agent: Any) -> Contact:
    if (given.requester is None) == (not given.email):
        raise Unreadable([Mistake(field="email", message=gettext("Name either `email` or `requester`."))])
    if given.requester is None:
        return await starting.requester(session, given.email, given.name, by=agent)
    query = visible_contacts(agent).where(Contact.id == given.requester)
    found = await session.scalar(query.options(selectinload(Contact.identities)))
    if found is None:
        raise choices.unknown("requester", given.requester)
    return found
