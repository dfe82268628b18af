"""A silent customer's ticket, left alone by the desk or not."""

from typing import Any

from litestar import Controller, Request, Response, delete, post

from helpdesk.access import Action
from helpdesk.i18n import gettext
from web.auth import permits
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage


class LeftAlone(Controller):
    path = "/tickets/{number:int}/left-alone"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        """No reminder, and nothing is resolved or closed by itself."""
        ticket.leave_alone(by=agent)
        undo = Undo(gettext("Left alone"), "bell-off", "left-alone")
        return await changed(request, page, session, agent, ticket, undoing=undo)

    @delete(opt=permits(Action.change), status_code=200)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        ticket.watch_again(by=agent)
        return await changed(request, page, session, agent, ticket)


ROUTES: list[Any] = [LeftAlone]
