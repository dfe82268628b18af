"""When it is over: the visitor ends it, says how it was, and takes a copy along."""

from typing import Annotated, Any

from litestar import Controller, Request, post
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import satisfaction
from helpdesk.access import Action
from helpdesk.chat import Visitor, conversations
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, NotFound
from helpdesk.holding import held
from helpdesk.i18n import _
from helpdesk.people import Contact
from helpdesk.satisfaction.answering import LONGEST_COMMENT
from helpdesk.tickets import Ticket
from web.auth import permits
from web.chat.inbox import OpenChat, asking, body, opened, slow_down
from web.dependencies import CurrentDesk, Session

PUBLIC = permits(Action.public)
OFTEN = 10  # a minute of one visitor


class NotAskedHere(Conflict):
    message = _("This chat does not ask how it was.")


class NoMail(Conflict):
    message = _("This conversation can be mailed only to customers whom the site has signed in.")


class Judgement(Struct, forbid_unknown_fields=True):
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=LONGEST_COMMENT)] = ""


class Ending(Controller):
    path = "/chat/{public_id:str}/conversations/{number:int}"

    @post("/end", opt=PUBLIC, status_code=200)
    async def end(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        number: FromPath[int],
    ) -> dict[str, Any]:
        """Ended twice is ended once."""
        _found, _visitor, ticket, contact = await _theirs(request, session, desk, public_id, number)
        if not ticket.is_settled:
            ticket.resolve(by=contact, because={"chat": True})
        return {}

    @post("/rating", opt=PUBLIC, status_code=200)
    async def rate(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        number: FromPath[int],
    ) -> dict[str, Any]:
        found, _visitor, ticket, contact = await _theirs(request, session, desk, public_id, number)
        if not found.settings.rating:
            raise NotAskedHere
        given = await body(request, Judgement)
        await satisfaction.take(
            session, ticket, given.score, given.comment or None, by=contact, channel="chat"
        )
        return {}

    @post("/transcript", opt=PUBLIC, status_code=200)
    async def copy(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        number: FromPath[int],
    ) -> dict[str, Any]:
        """To the address that the site vouches for and no other: nobody has the desk mail words of theirs around."""
        found, visitor, ticket, _contact = await _theirs(request, session, desk, public_id, number)
        if not takes_copies(visitor, found):
            raise NoMail
        visitor.transcript_of = ticket.id
        return {"address": visitor.address}


def takes_copies(visitor: Visitor, found: OpenChat) -> bool:
    return visitor.kind == "email" and bool(found.settings.mail_through)


async def _theirs(
    request: Request[Any, Any, Any], session: AsyncSession, desk: Desk, public_id: str, number: int
) -> tuple[OpenChat, Visitor, Ticket, Contact]:
    """The ticket is locked. Raises NotFound where the conversation is not theirs."""
    found = await opened(desk, public_id)
    visitor = await asking(request, session, found)
    slow_down(request, "end", visitor.id, OFTEN)
    conversation = next(
        (each for each in await conversations.of(session, visitor) if each.number == number), None
    )
    ticket = await held(session, conversation.ticket_id) if conversation else None
    contact = await session.scalar(select(Contact).where(Contact.id == ticket.contact_id)) if ticket else None
    if ticket is None or contact is None:
        raise NotFound
    return found, visitor, ticket, contact
