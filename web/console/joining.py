"""Merging a ticket into another, taking a message out of one, and undoing both."""

from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import merging
from helpdesk.access import Action, visible_tickets
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.merging import MergeKind, TicketMerge
from helpdesk.messages import Message
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.workplace import changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage, opened_ticket
from web.forms import Fields, read
from web.pages import Html, Page

OFFERED = 8


class MergeForm(Fields):
    into: str
    """A number, with or without what the desk puts before it."""
    copy_requester: bool = False


class SplitForm(Fields):
    subject: str = ""


class NoNumber(Invalid):
    message = _("Enter the number of the ticket to merge into, such as 42.")


class Merges(Controller):
    path = "/tickets/{number:int}"

    @get("/merge", opt=permits(Action.merge))
    async def ask(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        into: FromQuery[str] = "",
    ) -> Html:
        """Where to, and what that would mean."""
        meant = page.typed_number(into)
        target = await _one(session, agent, meant) if meant else None
        context: dict[str, Any] = {
            "ticket": ticket,
            "into": into,
            "target": target if target and target.id != ticket.id else None,
        }
        if page.asks_for("merge-target"):
            return page("console/joining/_target.html", **context)
        offered = await _offered(session, agent, ticket)
        return page("console/joining/_merge.html", offered=offered, **context)

    @post("/merge", opt=permits(Action.merge), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        number: FromPath[int],
    ) -> Response[Any]:
        """The two are locked together, in their order, so the ticket of the address is not locked before."""
        form = await read(request, MergeForm)
        into = page.typed_number(form.into)
        if into is None:
            raise NoNumber
        await merging.merge(session, number, into, by=agent, copy_requester=form.copy_requester)
        return _to(page, f"/tickets/{into}")

    @delete("/merges/{merge_id:int}", opt=permits(Action.merge), status_code=200)
    async def undo(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        number: FromPath[int],
        merge_id: FromPath[int],
    ) -> Response[Any]:
        made = await session.get(TicketMerge, merge_id)
        here = await _one(session, agent, number)
        if made is None or here is None or made.target_id != here.id:
            raise NotFound
        source = await session.scalar(select(Ticket.number).where(Ticket.id == made.source_id))
        if made.kind is MergeKind.part:
            await merging.unsplit(session, merge_id, by=agent)
            return _to(page, f"/tickets/{source}")
        await merging.unmerge(session, merge_id, by=agent)
        ticket = await opened_ticket(session, agent, number)
        words = gettext("%(number)s stands on its own again") % {"number": page.ticket_number(source)}
        return await changed(request, page, session, agent, ticket, toast=words)


class Splits(Controller):
    path = "/tickets/{number:int}/messages/{message_id:int}/split"

    @get(opt=permits(Action.merge))
    async def ask(
        self, session: Session, page: ThisPage, ticket: CurrentTicket, message_id: FromPath[int]
    ) -> Html:
        query = select(Message).where(Message.id == message_id, Message.ticket_id == ticket.id)
        message = await session.scalar(query.options(joinedload(Message.contact)))
        if message is None:
            raise NotFound
        return page("console/joining/_split.html", ticket=ticket, message=message)

    @post(opt=permits(Action.merge), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        number: FromPath[int],
        message_id: FromPath[int],
    ) -> Response[Any]:
        form = await read(request, SplitForm)
        made = await merging.split(session, number, message_id, by=agent, subject=form.subject)
        new = await session.scalar(select(Ticket.number).where(Ticket.id == made.target_id))
        return _to(page, f"/tickets/{new}")


def _to(page: Page, path: str) -> Response[Any]:
    """Another ticket is shown from now on."""
    if page.is_partial:
        return Response("", status_code=200, headers={"hx-redirect": path})
    return Redirect(path, status_code=303)


async def _one(session: AsyncSession, agent: Agent, number: int) -> Ticket | None:
    query = visible_tickets(agent, Action.merge).where(Ticket.number == number)
    return await session.scalar(query.options(joinedload(Ticket.contact).selectinload(Contact.identities)))


async def _offered(session: AsyncSession, agent: Agent, ticket: Ticket) -> list[Any]:
    """The same person's tickets, and those of like subjects: open ones first."""
    query = visible_tickets(agent, Action.merge).where(
        Ticket.id != ticket.id, Ticket.removed.is_(None), Ticket.contact_id == ticket.contact_id
    )
    newest = query.order_by(Ticket.settled, Ticket.last_message_at.desc()).limit(OFFERED)
    return list((await session.scalars(newest.options(joinedload(Ticket.contact)))).all())
