"""The ticket of an address, as far as the caller may, with what its verbs need."""

from typing import Any

from litestar import Request
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from helpdesk.access import require, visible_tickets
from helpdesk.errors import NotFound
from helpdesk.people import Contact
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket
from web.api.answers import expect
from web.api.given import PathId
from web.api.ticket_views import view
from web.auth import permission
from web.dependencies import CurrentAgent, Session


async def visible_ticket(
    request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: PathId
) -> Ticket:
    """Locked where the request changes something, and then what `If-Match` expects."""
    changes = request.method != "GET"
    query = visible_tickets(agent).where(Ticket.number == number)
    if changes:
        query = query.with_for_update(of=Ticket, key_share=True)
    if (ticket := await session.scalar(query)) is None:
        raise NotFound
    require(agent, permission(request), ticket)
    if changes:
        if "if-match" in request.headers:
            expect(request, await view(session, ticket))
        loaded = select(Ticket).where(Ticket.id == ticket.id).options(*for_verbs())
        (await session.scalars(loaded.execution_options(populate_existing=True))).one()
    return ticket


def for_verbs() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Ticket.contact).selectinload(Contact.identities),
        joinedload(Ticket.policy).joinedload(Policy.calendar),
        joinedload(Ticket.inbox),
        selectinload(Ticket.clocks),
        selectinload(Ticket.participants),
        selectinload(Ticket.tags),
    )
