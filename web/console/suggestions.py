"""What becomes of a suggested reply: taken into the composer, or turned down."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.suggestions import Suggestion
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.tickets import Draft, changed, work
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.pages import Html


class Suggestions(Controller):
    path = "/tickets/{number:int}"

    @get("/composer", opt=permits(Action.reply))
    async def compose(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        suggestion: FromQuery[int],
    ) -> Html:
        """The composer with the suggested words in it; nothing is sent and nothing decided yet."""
        found = await of_ticket(session, ticket, suggestion)
        draft = Draft(text=found.body, suggestion_id=found.id, focus=True)
        context = await work(session, agent, ticket, draft=draft)
        name = "console/tickets/_composer.html" if page.is_partial else "console/tickets/conflict.html"
        return page(name, **context)

    @post("/suggestions/{suggestion:int}/dismissal", opt=permits(Action.reply), status_code=200)
    async def dismiss(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        suggestion: FromPath[int],
    ) -> Response[Any]:
        found = await of_ticket(session, ticket, suggestion)
        found.dismiss(by=agent)
        words = gettext("Noted. The desk learns from what was not right.")
        return await changed(request, page, session, agent, ticket, toast=words)


async def of_ticket(session: AsyncSession, ticket: Ticket, suggestion: int) -> Suggestion:
    found = await session.scalar(
        select(Suggestion).where(Suggestion.id == suggestion, Suggestion.ticket_id == ticket.id)
    )
    if found is None:
        raise NotFound
    return found
