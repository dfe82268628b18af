"""A message as it came: its HTML, made harmless, and the mail itself, byte for byte."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.params import QueryParameter
from sqlalchemy import select

from helpdesk.access import Action, is_visible
from helpdesk.errors import NotFound
from helpdesk.intake import Kept
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from web.api.given import PathId
from web.auth import permits
from web.console.attachments import disposition
from web.console.originals import drawn
from web.dependencies import CurrentAgent, CurrentDesk, Session


class Originals(Controller):
    path = "/tickets/{number:int}/messages/{message_id:int}"
    opt = {"resource": "messages"}  # noqa: RUF012

    @get("/html", opt=permits(Action.read) | {"media_type": "text/html"}, summary="Show a message's HTML")
    async def html(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        number: PathId,
        message_id: PathId,
        images: Annotated[
            bool, QueryParameter(description="With remote pictures, which tell that it was read.")
        ] = False,
    ) -> Response[bytes]:
        """A page without scripts, forms or remote pictures; 404 where a message has no HTML."""
        page = await drawn(session, desk, agent, number, message_id, images=images)
        return Response(page.content.encode(), media_type=page.media_type, headers=page.headers)

    @get("/original", opt=permits(Action.read), summary="Download the mail of a message")
    async def original(
        self, session: Session, agent: CurrentAgent, number: PathId, message_id: PathId
    ) -> Response[bytes]:
        """With its headers and attachments, as it came; 404 where the desk keeps none."""
        raw = await session.scalar(
            select(Kept.raw)
            .join(Message, Message.id == Kept.message_id)
            .join(Ticket, Ticket.id == Message.ticket_id)
            .where(is_visible(agent), Ticket.number == number, Message.id == message_id)
            .limit(1)
        )
        if raw is None:
            raise NotFound
        headers = {"content-disposition": disposition(f"message-{message_id}.eml")}
        return Response(raw, media_type="application/octet-stream", headers=headers)
