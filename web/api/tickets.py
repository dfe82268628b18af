"""Tickets: lists, one by number, what is changed about them, and where they are put."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import Controller, delete, get, patch, post, put
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import tuple_

from helpdesk import views as queues
from helpdesk.access import Action, is_visible
from helpdesk.tickets import Removal, Ticket
from helpdesk.views import View
from web.api.answers import Listed
from web.api.changing import TicketPatch, apply
from web.api.given import PAGE, After, Given, Limit, PathId, Sent, cursor, resume
from web.api.ticket_views import TicketView, view, viewed, views
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

VERSIONED = {"versioned": True}


class RemovalChange(Sent):
    to: Literal["spam", "trash"]


class Tickets(Controller):
    path = "/tickets"
    opt = {"resource": "tickets"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=permits(Action.read), summary="List tickets")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        view: FromQuery[View] = View.all,
        team: Annotated[int | None, QueryParameter(ge=1, description="A team's id.")] = None,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[TicketView]:
        """Newest message first. `view` is one of the queues."""
        query = viewed().where(is_visible(agent), queues.condition(view, agent))
        if team is not None:
            query = query.where(Ticket.team_id == team)
        if found := resume(after, datetime, int):
            query = query.where(tuple_(Ticket.last_message_at, Ticket.id) < tuple_(*found))
        query = query.order_by(Ticket.last_message_at.desc(), Ticket.id.desc()).limit(limit + 1)
        rows = (await session.execute(query)).unique().all()
        last = rows[limit - 1][0] if len(rows) > limit else None
        return Listed(items=views(rows[:limit]), next=last and cursor(last.last_message_at, last.id))

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
