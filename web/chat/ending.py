"""When it is over: the visitor ends it, says how it was, and takes a copy along."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, post
from litestar.di import Provide
from litestar.params import FromPath, SkipValidation
from msgspec import Meta, Struct
from sqlalchemy import select

from helpdesk import satisfaction
from helpdesk.access import Action
from helpdesk.chat import Visitor, conversations
from helpdesk.errors import Conflict, NotFound
from helpdesk.holding import held
from helpdesk.i18n import _
from helpdesk.people import Contact
from helpdesk.satisfaction.answering import LONGEST_COMMENT
from helpdesk.tickets import Ticket
from web.auth import permits
from web.chat.inbox import OpenChat, asked, body
from web.dependencies import Session

PUBLIC = permits(Action.public)
OFTEN = 10  # a minute of one visitor


class NotAskedHere(Conflict):
    message = _("This chat does not ask how it was.")


class NoMail(Conflict):
    message = _("This conversation can be mailed only to customers whom the site has signed in.")


class Judgement(Struct, forbid_unknown_fields=True):
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=LONGEST_COMMENT)] = ""


@dataclass(frozen=True)
class Theirs:
    """A conversation of whoever asks; its ticket is locked."""

    found: OpenChat
    visitor: Visitor
    ticket: Ticket
    contact: Contact


async def theirs(
    request: Request[Any, Any, Any], session: Session, public_id: FromPath[str], number: FromPath[int]
) -> Theirs:
    """Raises NotFound where the conversation is not theirs."""
    found, visitor = await asked(request, public_id, "end", OFTEN)
    conversation = next(
        (each for each in await conversations.of(session, visitor) if each.number == number), None
    )
    ticket = await held(session, conversation.ticket_id) if conversation else None
    contact = await session.scalar(select(Contact).where(Contact.id == ticket.contact_id)) if ticket else None
    if ticket is None or contact is None:
        raise NotFound
    return Theirs(found, visitor, ticket, contact)


class Ending(Controller):
    path = "/chat/{public_id:str}/conversations/{number:int}"
    dependencies = {"theirs": Provide(theirs)}  # noqa: RUF012 - Litestar's own declaration

    @post("/end", opt=PUBLIC, status_code=200)
    async def end(self, theirs: SkipValidation[Theirs]) -> dict[str, Any]:
        """Ended twice is ended once."""
        if not theirs.ticket.is_settled:
            theirs.ticket.resolve(by=theirs.contact, because={"chat": True})
        return {}

    @post("/rating", opt=PUBLIC, status_code=200)
    async def rate(
        self, request: Request[Any, Any, Any], session: Session, theirs: SkipValidation[Theirs]
    ) -> dict[str, Any]:
        if not theirs.found.settings.rating:
            raise NotAskedHere
        given = await body(request, Judgement)
        await satisfaction.take(
            session, theirs.ticket, given.score, given.comment or None, by=theirs.contact, channel="chat"
        )
        return {}

    @post("/transcript", opt=PUBLIC, status_code=200)
    async def copy(self, theirs: SkipValidation[Theirs]) -> dict[str, Any]:
        """To the address that the site vouches for and no other: nobody has the desk mail words of theirs around."""
        if not takes_copies(theirs.visitor, theirs.found):
            raise NoMail
        theirs.visitor.transcript_of = theirs.ticket.id
        return {"address": theirs.visitor.address}


def takes_copies(visitor: Visitor, found: OpenChat) -> bool:
    return visitor.kind == "email" and bool(found.settings.mail_through)
