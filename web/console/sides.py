"""Forwarding to somebody else, and what they answer, beside the thread."""

import re
from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import sides
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.messages import Direction, Message
from helpdesk.sides import SideConversation
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.replies import kept
from web.console.workplace import Undo, changed
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session, ThisPage
from web.forms import MOST_TOGETHER, Fields, read
from web.pages import Html

OFFERED = 20  # messages that can be chosen
BETWEEN = re.compile(r"[,;\s]+")


class ForwardForm(Fields):
    to: str
    client_id: str
    subject: str = ""
    body: str = ""
    sure: bool = False
    """The customer is meant, although this is not for them."""
    files: str = ""


class AnswerForm(Fields):
    body: str
    client_id: str
    files: str = ""


class Sides(Controller):
    path = "/tickets/{number:int}/sides"

    @get(opt=permits(Action.reply))
    async def ask(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        message: FromQuery[int | None] = None,
    ) -> Html:
        """The form: `message` is ticked, or what the customer wrote last; others can be."""
        newest = await session.scalars(
            select(Message)
            .where(
                Message.ticket_id == ticket.id,
                Message.direction != Direction.note,
                Message.side_id.is_(None),
                Message.copy_of_id.is_(None),
                Message.withdrawn_at.is_(None),
            )
            .options(
                joinedload(Message.contact), joinedload(Message.agent), selectinload(Message.attachments)
            )
            .order_by(Message.id.desc())
            .limit(OFFERED)
        )
        offered = list(newest)
        theirs = (one.id for one in offered if one.direction is Direction.inbound)
        return page(
            "console/sides/_forward.html",
            ticket=ticket,
            messages=offered[::-1],
            chosen=message or next(theirs, None),
            subject=sides.forward_subject(ticket.subject),
            client_id=f"side-{agent.id}-{now().timestamp():.0f}",
        )

    @post(opt=permits(Action.reply), request_max_body_size=MOST_TOGETHER * 2, status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
    ) -> Response[Any]:
        form = await read(request, ForwardForm, besides=("message-", "file-"))
        to = [address for address in BETWEEN.split(form.to) if address]
        if await _sent_before(session, ticket, form.client_id):
            return await changed(request, page, session, agent, ticket)
        theirs = await sides.customers_among(session, ticket, to)
        if theirs and not form.sure:
            return page("console/sides/_sure.html", status=409, ticket=ticket, theirs=theirs)
        keys = list(await request.form())
        message = await sides.begin(
            session,
            ticket,
            to,
            subject=form.subject,
            body=form.body,
            by=agent,
            forwarded=_numbers(keys, "message-"),
            files=_numbers(keys, "file-"),
            client_id=form.client_id,
        )
        message.attachments.extend(await kept(desk, request))
        await session.flush()
        words = gettext("On its way to %(address)s") % {"address": ", ".join(message.recipients)}
        undo = Undo(words, "forward", f"sides/{message.side_id}/messages/{message.id}")
        return await changed(request, page, session, agent, ticket, undoing=undo)

    @post(
        "/{side_id:int}", opt=permits(Action.reply), request_max_body_size=MOST_TOGETHER * 2, status_code=200
    )
    async def answer(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        ticket: CurrentTicket,
        side_id: FromPath[int],
    ) -> Response[Any]:
        form = await read(request, AnswerForm)
        side = await _side(session, ticket, side_id)
        if await _sent_before(session, ticket, form.client_id):
            return await changed(request, page, session, agent, ticket)
        message = sides.answer(ticket, side, form.body, by=agent, client_id=form.client_id)
        message.attachments.extend(await kept(desk, request))
        await session.flush()
        words = gettext("On its way to %(address)s") % {"address": ", ".join(message.recipients)}
        undo = Undo(words, "send", f"sides/{side.id}/messages/{message.id}")
        return await changed(request, page, session, agent, ticket, undoing=undo)

    @delete("/{side_id:int}/messages/{message_id:int}", opt=permits(Action.reply), status_code=200)
    async def withdraw(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        side_id: FromPath[int],
        message_id: FromPath[int],
    ) -> Response[Any]:
        query = select(Message).where(
            Message.id == message_id, Message.ticket_id == ticket.id, Message.side_id == side_id
        )
        message = await session.scalar(query.with_for_update())
        if message is None:
            raise NotFound
        sides.withdraw(ticket, message, by=agent)
        return await changed(request, page, session, agent, ticket, toast=gettext("Taken back."))


async def _side(session: AsyncSession, ticket: Ticket, side_id: int) -> SideConversation:
    """Only one that has messages in this ticket, which the agent may see."""
    here = select(Message.id).where(Message.side_id == side_id, Message.ticket_id == ticket.id).limit(1)
    side = await session.get(SideConversation, side_id, with_for_update=True)
    if side is None or await session.scalar(here) is None:
        raise NotFound
    return side


async def _sent_before(session: AsyncSession, ticket: Ticket, client_id: str) -> bool:
    query = select(Message.id).where(Message.ticket_id == ticket.id, Message.client_id == client_id)
    return await session.scalar(query) is not None


def _numbers(keys: list[str], prefix: str) -> list[int]:
    given = [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
    return [int(digits) for digits in given if digits.isascii() and digits.isdigit() and len(digits) < 19]
