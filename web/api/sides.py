"""Side conversations: what is said about a ticket with a third party, apart from its customer."""

from typing import Annotated, Any

from litestar import Controller, Request, delete, get, post
from msgspec import Meta, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import sides
from helpdesk.access import Action
from helpdesk.errors import Conflict, NotFound
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.sides import SideConversation
from helpdesk.tickets import Ticket
from web.api import files
from web.api.answers import Answer, Listed
from web.api.given import Given, Id, Line, PathId, Sent
from web.api.message_views import MessageView, viewed
from web.api.messages import Handles, Text, made
from web.api.shapes import Address, At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session

MOST_CHOSEN = 100
SHOWN = 500
REPLIES = permits(Action.reply)
Chosen = Annotated[list[Id], Meta(max_length=MOST_CHOSEN, examples=[[]])]


class SideView(Shape):
    id: int
    subject: Annotated[str, Meta(examples=["Fwd: Where is my parcel?"])]
    addresses: list[Address]
    """Who takes part."""
    last_message_at: At

    @classmethod
    def of(cls, side: SideConversation) -> "SideView":
        return cls(
            id=side.id, subject=side.subject, addresses=side.addresses, last_message_at=side.last_message_at
        )


class NewSide(Sent):
    to: Annotated[
        list[Annotated[str, Meta(max_length=320)]],
        Meta(min_length=1, max_length=sides.MOST, examples=[["claims@carrier.example"]]),
    ]
    text: Text
    subject: Line = ""
    """Empty: `Fwd: ` and the ticket's."""
    messages: Chosen = field(default_factory=list)
    """Ids of this ticket's messages to forward, quoted below the text; never notes."""
    files: Chosen = field(default_factory=list)
    """Ids of this ticket's attachments to send along."""
    attachments: Handles = field(default_factory=list)
    """Handles of uploads."""
    sure: bool = False
    """The customer is meant, although this is not for them."""


class NewSideMessage(Sent):
    text: Text
    attachments: Handles = field(default_factory=list)


class CustomerMeant(Conflict):
    """One of the addresses is the customer's; `sure` says that this is no mistake."""


class Sides(Controller):
    path = "/tickets/{number:int}/sides"
    opt = {"resource": "messages"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List side conversations")
    async def list(self, session: Session, ticket: CurrentTicket, number: PathId) -> Listed[SideView]:
        """The newest first."""
        return Listed(items=[SideView.of(side) for side in await sides.of_ticket(session, ticket)])

    @post(opt=REPLIES | {"versioned": True}, summary="Forward, or ask somebody else")
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[NewSide],
    ) -> Answer[MessageView]:
        """Its `side` names the conversation. It leaves after ten seconds; the customer never sees it."""
        theirs = await sides.customers_among(session, ticket, given.to)
        if theirs and not given.sure:
            words = gettext("%(who)s is the customer. Reply to them, or say `sure`.")
            raise CustomerMeant(words % {"who": ", ".join(theirs)})
        message = await sides.begin(
            session,
            ticket,
            given.to,
            subject=given.subject,
            body=given.text,
            by=agent,
            forwarded=given.messages,
            files=given.files,
        )
        message.attachments.extend(await files.taken(request, desk, agent, given.attachments))
        return await made(session, ticket, message)

    @get("/{side_id:int}/messages", opt=permits(Action.read), summary="List what was said in one")
    async def messages(
        self, session: Session, ticket: CurrentTicket, number: PathId, side_id: PathId
    ) -> Listed[MessageView]:
        """Oldest first."""
        side = await _side(session, ticket, side_id)
        query = viewed().where(
            Message.side_id == side.id, Message.ticket_id == ticket.id, Message.copy_of_id.is_(None)
        )
        rows = await session.scalars(query.order_by(Message.id).limit(SHOWN))
        return Listed(items=[MessageView.of(message) for message in rows.unique()])

    @post(
        "/{side_id:int}/messages",
        opt=REPLIES | {"versioned": True},
        summary="Write to the third party again",
    )
    async def answer(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        ticket: CurrentTicket,
        number: PathId,
        side_id: PathId,
        given: Given[NewSideMessage],
    ) -> Answer[MessageView]:
        message = sides.answer(ticket, await _side(session, ticket, side_id), given.text, by=agent)
        message.attachments.extend(await files.taken(request, desk, agent, given.attachments))
        return await made(session, ticket, message)

    @delete(
        "/{side_id:int}/messages/{message_id:int}",
        opt=REPLIES,
        summary="Take back what was written to a third party",
        status_code=200,
    )
    async def withdraw(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        side_id: PathId,
        message_id: PathId,
    ) -> MessageView:
        """If it has not left yet."""
        mine = viewed().where(
            Message.id == message_id, Message.ticket_id == ticket.id, Message.side_id == side_id
        )
        message = await session.scalar(mine.with_for_update(of=Message))
        if message is None:
            raise NotFound
        sides.withdraw(ticket, message, by=agent)
        return MessageView.of(message)


async def _side(session: AsyncSession, ticket: Ticket, side_id: int) -> SideConversation:
    """Only one that has messages in this ticket, which the agent may see."""
    here = select(Message.id).where(Message.side_id == side_id, Message.ticket_id == ticket.id).limit(1)
    side = await session.get(SideConversation, side_id)
    if side is None or await session.scalar(here) is None:
        raise NotFound
    return side
