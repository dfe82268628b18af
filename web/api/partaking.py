"""Who takes part in a ticket, and which others it has to do with."""

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import PathParameter
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import contacts, links
from helpdesk.access import Action, is_visible, require, visible_tickets
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.links import Side
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from web.api import choices
from web.api.answers import Listed
from web.api.choices import Named
from web.api.given import BIG, Given, Id, PathId, Sent
from web.api.problems import Mistake, Unreadable
from web.api.shapes import AgentRef, Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

Number = Annotated[int, Meta(ge=1, le=BIG, examples=[43])]


class ParticipantView(Shape):
    id: int
    part: Part
    contact: Ref | None
    agent: AgentRef | None


class NewParticipant(Sent):
    """One of the two."""

    contact: Id | None = None
    """Answers go to this contact as well."""
    agent: Annotated[Named | None, Meta(examples=[None])] = None
    """This colleague hears of what happens, and may read it."""


class LinkView(Shape):
    side: Side
    """What the other ticket is to this one."""
    number: Number
    subject: str


class NewLink(Sent):
    number: Number
    side: Side = Side.related


class Participants(Controller):
    path = "/tickets/{number:int}/participants"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List who takes part")
    async def list(self, session: Session, ticket: CurrentTicket, number: PathId) -> Listed[ParticipantView]:
        """Contacts in copy and colleagues who follow; the requester and the assignee stand at the ticket itself."""
        return await _participants(session, ticket)

    @post(opt=permits(Action.change), summary="Add a participant", status_code=200)
    async def add(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[NewParticipant],
    ) -> Listed[ParticipantView]:
        if (given.contact is None) == (given.agent is None):
            raise Unreadable([Mistake(field="", message=gettext("Name either a contact or an agent."))])
        if given.contact is not None:
            query = contacts.visible_contacts(agent).where(Contact.id == given.contact)
            if (contact := await session.scalar(query)) is None:
                raise choices.unknown("contact", given.contact)
            ticket.copy_in(contact, by=agent)
        elif colleague := await choices.colleague(session, given.agent, agent, field="agent"):
            if colleague.id != agent.id:
                require(agent, Action.assign, ticket)  # they may read it from then on
            ticket.follow(colleague, by=agent)
        return await _participants(session, ticket)

    @delete(
        "/{participant_id:int}", opt=permits(Action.change), summary="Remove a participant", status_code=200
    )
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        participant_id: PathId,
    ) -> Listed[ParticipantView]:
        found = next((p for p in ticket.participants if p.id == participant_id), None)
        if found is None:
            raise NotFound
        if found.contact_id is not None:
            ticket.take_out(await session.get_one(Contact, found.contact_id), by=agent)
        else:
            ticket.unfollow(await session.get_one(Agent, found.agent_id), by=agent)
        return await _participants(session, ticket)


class Links(Controller):
    path = "/tickets/{number:int}/links"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List linked tickets")
    async def list(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId
    ) -> Listed[LinkView]:
        """As far as the agent may see them."""
        return await _links(session, agent, ticket)

    @post(opt=permits(Action.change), summary="Link two tickets", status_code=200)
    async def add(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[NewLink],
    ) -> Listed[LinkView]:
        """`side` says what the other is to this one: `parent` makes this one its child."""
        await links.link(session, ticket, await _other(session, agent, given.number), given.side, by=agent)
        return await _links(session, agent, ticket)

    @delete("/{side:str}/{other:int}", opt=permits(Action.change), summary="Remove a link", status_code=200)
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        side: Annotated[Side, PathParameter()],
        other: PathId,
    ) -> Listed[LinkView]:
        await links.unlink(session, ticket, await _other(session, agent, other), side, by=agent)
        return await _links(session, agent, ticket)


async def _participants(session: AsyncSession, ticket: Ticket) -> Listed[ParticipantView]:
    await session.flush()
    rows = await session.scalars(
        select(Participant)
        .where(Participant.ticket_id == ticket.id)
        .options(joinedload(Participant.contact), joinedload(Participant.agent))
        .order_by(Participant.id)
    )
    return Listed(
        items=[
            ParticipantView(
                id=p.id,
                part=p.part,
                contact=Ref(id=p.contact.id, name=p.contact.name) if p.contact else None,
                agent=AgentRef.of(p.agent),
            )
            for p in rows
        ]
    )


async def _links(session: AsyncSession, agent: Agent, ticket: Ticket) -> Listed[LinkView]:
    await session.flush()
    found = await links.linked(session, ticket, is_visible(agent))
    return Listed(
        items=[LinkView(side=one.side, number=one.ticket.number, subject=one.ticket.subject) for one in found]
    )


async def _other(session: AsyncSession, agent: Agent, number: int) -> Ticket:
    found = await session.scalar(visible_tickets(agent).where(Ticket.number == number))
    if found is None:
        raise choices.unknown("number", number)
    require(agent, Action.change, found)
    return found
