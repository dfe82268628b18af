"""A ticket by its number, what is changed about it, and where it is put."""

from typing import Literal

from litestar import Controller, delete, get, patch, post, put

from helpdesk import routing
from helpdesk.access import Action
from helpdesk.tickets import Removal
from web.api.changing import TicketPatch, apply
from web.api.given import Given, PathId, Sent
from web.api.ticket_views import TicketView, view
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

VERSIONED = {"versioned": True}


class RemovalChange(Sent):
    to: Literal["spam", "trash"]


class Tickets(Controller):
    path = "/tickets"
    opt = {"resource": "tickets"}  # noqa: RUF012 - Litestar's own declaration

    @get("/{number:int}", opt=permits(Action.read), summary="Show a ticket")
    async def show(self, session: Session, ticket: CurrentTicket, number: PathId) -> TicketView:
        """With an `ETag` that changes with everything that happens to it."""
        return await view(session, ticket)

    @patch("/{number:int}", opt=permits(Action.change) | VERSIONED, summary="Change a ticket")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[TicketPatch],
    ) -> TicketView:
        """What is left out stays. Assigning needs `ticket:assign`, settling and reopening `ticket:settle`."""
        await apply(session, ticket, given, by=agent)
        return await view(session, ticket)


class Assignments(Controller):
    path = "/tickets/{number:int}/assignment"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @delete(opt=permits(Action.assign) | VERSIONED, summary="Give a ticket back to its team", status_code=200)
    async def give_back(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId
    ) -> TicketView:
        """Where the team shares out its tickets, somebody else gets it: not the same agent within an hour.
        409 where nobody has it."""
        routing.hand_back(ticket, by=agent)
        return await view(session, ticket)


class Resolutions(Controller):
    path = "/tickets/{number:int}/resolution"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @post(opt=permits(Action.settle) | VERSIONED, summary="Resolve a ticket", status_code=200)
    async def resolve(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId
    ) -> TicketView:
        ticket.resolve(by=agent)
        return await view(session, ticket)

    @delete(opt=permits(Action.settle) | VERSIONED, summary="Reopen a ticket", status_code=200)
    async def reopen(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId
    ) -> TicketView:
        ticket.reopen(by=agent)
        return await view(session, ticket)


class Removals(Controller):
    path = "/tickets/{number:int}/removal"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @put(opt=permits(Action.remove) | VERSIONED, summary="Put a ticket into spam or trash")
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[RemovalChange],
    ) -> TicketView:
        ticket.remove(Removal(given.to), by=agent)
        return await view(session, ticket)

    @delete(opt=permits(Action.remove) | VERSIONED, summary="Restore a ticket", status_code=200)
    async def restore(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId
    ) -> TicketView:
        """From spam or trash, as it was."""
        ticket.restore(by=agent)
        return await view(session, ticket)
