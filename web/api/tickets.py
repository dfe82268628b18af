"""Tickets: lists by view, one by number, what is changed about them."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, get, patch
from litestar.params import FromQuery, QueryParameter
from msgspec import UNSET, UnsetType
from sqlalchemy import tuple_

from helpdesk import views as queues
from helpdesk.access import Action, is_visible, require
from helpdesk.people import Agent
from helpdesk.tickets import Priority, Ticket
from helpdesk.views import View
from web.api import choices
from web.api.answers import Listed, expect
from web.api.choices import Named
from web.api.given import PAGE, After, Given, Limit, Patch, PathId, cursor, resume
from web.api.ticket_views import TicketView, view, viewed, views
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session


class TicketPatch(Patch):
    status: Named | UnsetType = UNSET
    """A status' id or name, or a category: its own status then."""
    priority: Priority | UnsetType = UNSET
    team: Named | UnsetType | None = UNSET
    assignee: Named | UnsetType | None = UNSET
    """A colleague's id or address, `me`, or null for nobody."""


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

    @patch(
        "/{number:int}",
        opt=permits(Action.change) | {"versioned": True},
        summary="Change a ticket",
    )
    async def change(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[TicketPatch],
    ) -> TicketView:
        """What is left out stays. Assigning needs `ticket:assign`, settling and reopening `ticket:settle`."""
        if "if-match" in request.headers:
            expect(request, await view(session, ticket))
        await apply(session, ticket, given, agent)
        return await view(session, ticket)


async def apply(session: Session, ticket: Ticket, given: TicketPatch, agent: Agent) -> None:
    """Every change that was asked for, or none: the first that is refused ends the request."""
    if given.assignee is not UNSET:
        require(agent, Action.assign, ticket)
        ticket.assign(await choices.colleague(session, given.assignee, agent), by=agent)
    if given.priority is not UNSET:
        ticket.prioritise(given.priority, by=agent)
    if given.status is not UNSET:
        status = await choices.status(session, given.status)
        if status.category.is_settled or ticket.is_settled:
            require(agent, Action.settle, ticket)
        ticket.become(status, by=agent)
    if given.team is not UNSET:
        ticket.move(await choices.team(session, given.team), by=agent)
