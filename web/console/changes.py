"""Small changes to a ticket, each a resource of its own: note, assignment, team, priority, resolution."""

from typing import Any

from litestar import Controller, Request, Response, delete, post
from litestar.params import FromQuery

from helpdesk import routing
from helpdesk.access import Action
from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent, Team
from helpdesk.tickets import Priority
from web.auth import permits
from web.console.tickets import changed
from web.console.workplace import Undo
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.words import priority_name


class NoteForm(Fields):
    body: str
    client_id: str


class AssignmentForm(Fields):
    agent: str
    """An agent's number, `me`, or empty for nobody."""
    while_free: bool = False
    """Not where somebody else has it by now."""


class TeamForm(Fields):
    team: str


class PriorityForm(Fields):
    priority: Priority


class NobodyLikeThat(Invalid):
    message = _("This colleague or team is not there any more. Reload the page and choose again.")


class Notes(Controller):
    path = "/tickets/{number:int}/notes"

    @post(opt=permits(Action.note), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, NoteForm)
        ticket.note(form.body, by=agent, client_id=form.client_id)
        return await changed(request, page, session, agent, ticket)


class Assignments(Controller):
    path = "/tickets/{number:int}/assignment"

    @post(opt=permits(Action.assign), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, AssignmentForm)
        chosen = (
            agent
            if form.agent == "me"
            else await session.get(Agent, _number(form.agent))
            if form.agent
            else None
        )
        if form.agent and (chosen is None or not chosen.active):
            raise NobodyLikeThat
        if form.while_free and ticket.assignee_id is not None:
            raise routing.SomebodyElseHasIt
        ticket.assign(chosen, by=agent)
        words = gettext("Assigned to you") if chosen is agent else None
        return await changed(request, page, session, agent, ticket, toast=words)

    @delete(opt=permits(Action.assign), status_code=200)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        of: FromQuery[int | None] = None,
    ) -> Response[Any]:
        """Back to the team, and not to the same colleague again at once. `of`: whose it is on the page."""
        was = routing.hand_back(ticket, by=agent, of=of)
        again = {"agent": str(was), "while_free": "true"}
        undo = Undo(gettext("Given back to the team"), "undo-2", "assignment", "post", again)
        return await changed(request, page, session, agent, ticket, undoing=undo)


class Teams(Controller):
    path = "/tickets/{number:int}/team"

    @post(opt=permits(Action.assign), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, TeamForm)
        chosen = await session.get(Team, _number(form.team)) if form.team else None
        if form.team and chosen is None:
            raise NobodyLikeThat
        was = ticket.team_id
        ticket.move(chosen, by=agent)
        if was == ticket.team_id:
            return await changed(request, page, session, agent, ticket)
        words = gettext("Team: %(name)s") % {"name": chosen.name} if chosen else gettext("With no team")
        undo = Undo(words, "users", "team", "post", {"team": str(was or "")})
        return await changed(request, page, session, agent, ticket, undoing=undo)


class Priorities(Controller):
    path = "/tickets/{number:int}/priority"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, PriorityForm)
        was = ticket.priority
        ticket.prioritise(form.priority, by=agent)
        if was == ticket.priority:
            return await changed(request, page, session, agent, ticket)
        words = gettext("Priority: %(name)s") % {"name": priority_name(form.priority)}
        undo = Undo(words, "flag", "priority", "post", {"priority": was.value})
        return await changed(request, page, session, agent, ticket, undoing=undo)


class Resolutions(Controller):
    path = "/tickets/{number:int}/resolution"

    @post(opt=permits(Action.settle), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        ticket.resolve(by=agent)
        return await changed(request, page, session, agent, ticket, resolved=True)

    @delete(opt=permits(Action.settle), status_code=200)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        ticket.reopen(by=agent)
        return await changed(request, page, session, agent, ticket)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NobodyLikeThat
    return int(text)
