"""What is said in a ticket: to read, to answer, to note, to take back."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, patch, post
from litestar.params import QueryParameter
from msgspec import Meta, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.suggestions import outdate
from channels.chat import answering
from helpdesk import scheduling
from helpdesk.access import Action
from helpdesk.errors import Conflict, NotFound
from helpdesk.i18n import _
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket
from web.api import files, suggestions
from web.api.answers import Answer, Listed
from web.api.given import PAGE, After, Body, Given, Id, Limit, PathId, Sent, cursor, resume
from web.api.message_views import MessageView, viewed
from web.api.openapi import PREFIX
from web.api.shapes import At
from web.auth import permits
from web.console import thread
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session

Text = Annotated[Body, Meta(examples=["Your parcel is on its way."])]
Handles = Annotated[list[Annotated[str, Meta(max_length=2_000)]], Meta(max_length=files.MOST, examples=[[]])]


class NewReply(Sent):
    text: Text
    attachments: Handles = field(default_factory=list)
    """Handles of uploads."""
    seen: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    """The id of the newest message you know: 409 where somebody said something in public since."""
    send_at: At | None = None
    """Leaves then, unless the customer writes first; left out, at once."""
    suggestion: Id | None = None
    """The suggested reply that this one began with, so that the desk learns what was changed."""


class NewNote(Sent):
    text: Text
    attachments: Handles = field(default_factory=list)


class NoteEdit(Sent):
    text: Text


class NewsSince(Conflict):
    message = _(
        "Something was said in this ticket since. Read it, then send your reply with the newer `seen`."
    )


class Messages(Controller):
    path = "/tickets/{number:int}/messages"
    opt = {"resource": "messages"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List a ticket's messages")
    async def list(
        self,
        session: Session,
        ticket: CurrentTicket,
        number: PathId,
        limit: Limit = PAGE,
        after: After = "",
        newest: Annotated[bool, QueryParameter(description="Newest first.")] = False,
    ) -> Listed[MessageView]:
        """Oldest first: replies, notes, and what customers wrote. The same mail in a second inbox is left out."""
        query = viewed().where(Message.ticket_id == ticket.id, Message.copy_of_id.is_(None))
        if found := resume(after, int):
            query = query.where(Message.id < found[0] if newest else Message.id > found[0])
        query = query.order_by(Message.id.desc() if newest else Message.id).limit(limit + 1)
        rows = (await session.scalars(query)).unique().all()
        last = rows[limit - 1] if len(rows) > limit else None
        return Listed(items=[MessageView.of(m) for m in rows[:limit]], next=cursor(last.id) if last else None)

    @get("/{message_id:int}", opt=permits(Action.read), summary="Show a message")
    async def show(
        self, session: Session, ticket: CurrentTicket, number: PathId, message_id: PathId
    ) -> MessageView:
        return await shown(session, ticket, message_id)


class Replies(Controller):
    path = "/tickets/{number:int}/replies"
    opt = {"resource": "messages"}  # noqa: RUF012

    @post(opt=permits(Action.reply) | {"versioned": True}, summary="Reply to the customer")
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[NewReply],
    ) -> Answer[MessageView]:
        """It leaves after ten seconds, or at `send_at`; until then it can be taken back with DELETE."""
        if given.seen is not None and await thread.newer_public(session, ticket, given.seen, agent):
            raise NewsSince
        used = await suggestions.offered(session, ticket, given.suggestion) if given.suggestion else None
        handles = await files.taken(request, desk, agent, given.attachments)
        if given.send_at is not None:
            message = scheduling.schedule(ticket, given.text, by=agent, at=given.send_at)
        else:
            message = ticket.reply(given.text, by=agent)
            answering.take(desk, ticket, agent)
        if used and used.is_usable:
            used.use(by=agent, sent=given.text, reply=message)
        await outdate(session, ticket)
        message.attachments = handles
        return await made(session, ticket, message)

    @delete("/{reply_id:int}", opt=permits(Action.reply), summary="Take a reply back", status_code=200)
    async def withdraw(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId, reply_id: PathId
    ) -> MessageView:
        """The ticket is as it was before, if the reply has not left yet."""
        ticket.withdraw(await one(session, ticket, reply_id, Direction.outbound), by=agent)
        return await shown(session, ticket, reply_id)


class Deliveries(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/delivery"
    opt = {"resource": "messages"}  # noqa: RUF012

    @post(opt=permits(Action.reply), summary="Send a failed reply again", status_code=200)
    async def create(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId, reply_id: PathId
    ) -> MessageView:
        ticket.retry(await one(session, ticket, reply_id, Direction.outbound), by=agent)
        return await shown(session, ticket, reply_id)


class Notes(Controller):
    path = "/tickets/{number:int}/notes"
    opt = {"resource": "messages"}  # noqa: RUF012

    @post(opt=permits(Action.note) | {"versioned": True}, summary="Write a note")
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[NewNote],
    ) -> Answer[MessageView]:
        """For colleagues only; the customer never sees it."""
        message = ticket.note(given.text, by=agent)
        message.attachments = await files.taken(request, desk, agent, given.attachments)
        return await made(session, ticket, message)

    @patch("/{note_id:int}", opt=permits(Action.note), summary="Edit a note")
    async def edit(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        note_id: PathId,
        given: Given[NoteEdit],
    ) -> MessageView:
        """Only its author can; what it said first is kept in `original`."""
        ticket.edit_note(await one(session, ticket, note_id, Direction.note), given.text, by=agent)
        return await shown(session, ticket, note_id)


async def one(session: AsyncSession, ticket: Ticket, message_id: int, direction: Direction) -> Message:
    """Locked: whoever delivers it must not do so at the same moment."""
    message = await session.scalar(
        select(Message)
        .where(Message.id == message_id, Message.ticket_id == ticket.id, Message.direction == direction)
        .with_for_update()
    )
    if message is None:
        raise NotFound
    return message


async def shown(session: AsyncSession, ticket: Ticket, message_id: int) -> MessageView:
    await session.flush()
    query = viewed().where(Message.id == message_id, Message.ticket_id == ticket.id)
    if (found := (await session.scalars(query)).unique().one_or_none()) is None:
        raise NotFound
    return MessageView.of(found)


async def made(session: AsyncSession, ticket: Ticket, message: Message) -> Answer[MessageView]:
    await session.flush()
    where = f"{PREFIX}/tickets/{ticket.number}/messages/{message.id}"
    view = await shown(session, ticket, message.id)
    return Answer(view, status_code=201, headers={"location": where})
