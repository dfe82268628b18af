"""What is said: read whole, read on from where one stopped, and written."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlalchemy import select

from channels.chat.reading import FILES_TOGETHER, LONGEST, MOST_FILES, File, Id
from helpdesk.access import Action
from helpdesk.chat import Visitor, conversations
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.identities import IdentityKind, NoIdentity, normal
from helpdesk.messages import Attachment, Message
from helpdesk.texts import clean, says_something
from web.addresses import counted_as
from web.auth import permits
from web.chat import telling
from web.chat.ending import takes_copies
from web.chat.inbox import OpenChat, asked, body, slow_down
from web.chat.keeping import filled_in, kept
from web.console.attachments import HARMLESS, disposition
from web.dependencies import CurrentDesk, Session
from web.hooks import TooBig, ticket_of

PUBLIC = permits(Action.public)
READS, WRITES, WRITES_OF_ADDRESS, WRITES_OF_ALL = 120, 20, 60, 1_200  # a minute
LARGEST = FILES_TOGETHER * 4 // 3 + 256 * 1024  # bytes of a request
WITHOUT_FILES = 96 * 1024
PATIENCE = 3.0  # seconds that an answer waits for the conversation's number


class Empty(Invalid):
    message = _("There is nothing to send: write something first.")


class Writing(Struct, forbid_unknown_fields=True):
    id: Id
    """Made by the frame, so that what is sent twice is there once."""
    text: Annotated[str, Meta(max_length=LONGEST)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    fields: dict[str, Any] = {}
    """As its author filled them in."""
    site: dict[str, Any] = {}
    """As the page filled them in around them: its mistakes cost nobody their message."""
    files: Annotated[tuple[File, ...], Meta(max_length=MOST_FILES)] = ()


class Talking(Controller):
    path = "/chat/{public_id:str}"

    @get("/state", opt=PUBLIC)
    async def state(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """All that a frame shows when it opens: the newest conversation, and which others there were."""
        found, visitor = await asked(request, public_id, "state", READS)
        theirs = await conversations.of(session, visitor)
        ids = [each.ticket_id for each in theirs]
        words = await conversations.last_words(session, visitor, ids)
        # Before the messages are read: what comes in between is told again rather than never.
        reached = await conversations.reached(session, visitor, ids)
        return {
            "me": {
                "name": visitor.name,
                "email": visitor.can_be_mailed,
                "vouched": visitor.is_vouched,
                "copies": takes_copies(visitor, found),
            },
            "conversations": [telling.line(each, words.get(each.ticket_id, "")) for each in theirs],
            "messages": await telling.messages(session, visitor, found, theirs[:1]),
            "read": visitor.read_id,
            "reached": reached,
            "hours": await telling.hours(session, found),
        }

    @get("/conversations/{number:int}", opt=PUBLIC)
    async def earlier(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        number: FromPath[int],
    ) -> dict[str, Any]:
        found, visitor = await asked(request, public_id, "state", READS)
        theirs = [each for each in await conversations.of(session, visitor) if each.number == number]
        if not theirs:
            raise NotFound
        return {
            **telling.line(theirs[0]),
            "messages": await telling.messages(session, visitor, found, theirs),
        }

    @post("/messages", opt=PUBLIC, status_code=201, request_max_body_size=LARGEST)
    async def write(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> Response[dict[str, Any]]:
        """Stored before it is answered. The same id again is the same message, with the same answer."""
        found, visitor = await asked(request, public_id, "write", WRITES)
        slow_down(request, "write", f"{found.inbox.id} {counted_as(request)}", WRITES_OF_ADDRESS)
        slow_down(request, "write", found.inbox.id, WRITES_OF_ALL)
        _sized(request, found)
        writing = await body(request, Writing)
        _checked(writing, found)
        _introduce(visitor, writing)
        fields, left_out = await filled_in(session, found, writing.fields, of_site=writing.site)
        await session.commit()  # nothing is held while the message is waited for
        kept_id = await kept(
            desk,
            found,
            visitor,
            client_id=writing.id,
            text=writing.text.strip(),
            files=writing.files,
            fields=fields,
        )
        number = await ticket_of(desk, kept_id, PATIENCE, request.app.state.live)
        told = {"id": writing.id, "conversation": number, **({"left_out": left_out} if left_out else {})}
        return Response(told, status_code=201)

    @get("/files/{attachment_id:int}", opt=PUBLIC)
    async def file(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        session: Session,
        public_id: FromPath[str],
        attachment_id: FromPath[int],
    ) -> Response[bytes]:
        _found, visitor = await asked(request, public_id, "file", READS)
        theirs = [each.ticket_id for each in await conversations.of(session, visitor)]
        file = await session.scalar(
            select(Attachment)
            .join(Message, Message.id == Attachment.message_id)
            .where(
                Attachment.id == attachment_id,
                conversations.written_to(theirs),
                conversations.readable(visitor),
            )
        )
        if file is None:
            raise NotFound
        media_type = file.content_type if file.content_type in HARMLESS else "application/octet-stream"
        headers = {
            "content-disposition": disposition(file.name),
            "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        }
        return Response(await desk.files.get(file.key), media_type=media_type, headers=headers)


def _sized(request: Request[Any, Any, Any], found: OpenChat) -> None:
    """Before the body is read: who sends much says how much, and a chat without files needs little."""
    size = request.headers.get("content-length", "")
    known = size.isascii() and size.isdecimal() and len(size) < 12
    most = LARGEST if found.settings.files else WITHOUT_FILES
    if not known or int(size) > most:
        raise TooBig
    if int(size) > WITHOUT_FILES:
        slow_down(request, "large", f"{found.inbox.id} {counted_as(request)}", 10)


def _checked(writing: Writing, found: OpenChat) -> None:
    if not says_something(writing.text) and not writing.files:
        raise Empty
    if writing.files and not found.settings.files:
        raise Invalid(gettext("This chat takes no files."))
    if sum(file.size for file in writing.files) > FILES_TOGETHER:
        raise Invalid(gettext("These files are more than 10 MB together. Send fewer."))


def _introduce(visitor: Visitor, writing: Writing) -> None:
    """What somebody unknown says of themselves: a name to call them, an address to reach them, and no proof."""
    if visitor.is_vouched:
        return
    visitor.name = " ".join(clean(writing.name).split()) or visitor.name
    if writing.email.strip():
        try:
            visitor.email = normal(IdentityKind.email, writing.email)
        except NoIdentity:
            raise Invalid(gettext("This is no e-mail address.")) from None
