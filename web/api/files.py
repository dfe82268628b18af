"""Files up and down: an upload is a signed handle until a message takes it, so nothing is kept of what nobody uses
but its bytes, which have no name and no owner."""

import base64
import hmac
import time
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter
from msgspec import Meta
from sqlalchemy import select

from helpdesk.access import Action, is_visible
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.messages import Attachment, Message
from helpdesk.people import Agent
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from web.api.given import PathId
from web.api.shapes import Shape
from web.auth import permits
from web.console.attachments import disposition
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import MOST_TOGETHER

KEPT_FOR = 24 * 60 * 60  # seconds
MOST = 20  # of one message
"""Files of one message."""


class UploadView(Shape):
    handle: Annotated[str, Meta(examples=["eyJrIjoi…"])]
    """For `attachments` of a reply or note, within 24 hours."""
    name: str
    content_type: str
    size: int


class Kept(msgspec.Struct, array_like=True):
    """What a handle says, signed."""

    key: str
    name: str
    content_type: str
    size: int
    agent_id: int
    until: int

    def attachment(self) -> Attachment:
        return Attachment(name=self.name, content_type=self.content_type, size=self.size, key=self.key)


class BadHandle(Invalid):
    message = _(
        "An attachment is no handle of an upload of yours, or older than a day. Upload the file again."
    )


class Empty(Invalid):
    message = _("There is nothing in this file.")


class Uploads(Controller):
    path = "/uploads"
    opt = {"resource": "messages"}  # noqa: RUF012

    @post(
        opt=permits(Action.note) | {"bytes": True},
        summary="Upload a file",
        request_max_body_size=MOST_TOGETHER,
    )
    async def upload(
        self,
        request: Request[Any, Any, Any],
        agent: CurrentAgent,
        desk: CurrentDesk,
        name: Annotated[str, QueryParameter(min_length=1, max_length=255, description="The file's name.")],
        session: Session,
    ) -> UploadView:
        """The body is the file; its type is the `Content-Type`. Give the handle to a reply or a note."""
        content = await request.body()
        if not content:
            raise Empty
        kind = request.headers.get("content-type", "").partition(";")[0].strip()[:120]
        kept = Kept(
            key=await desk.files.put(content),
            name=clean(name),
            content_type=kind or "application/octet-stream",
            size=len(content),
            agent_id=agent.id,
            until=int(time.time()) + KEPT_FOR,
        )
        return UploadView(
            handle=_sealed(request.app.state.csrf_key, kept),
            name=kept.name,
            content_type=kept.content_type,
            size=kept.size,
        )


class Attachments(Controller):
    path = "/tickets/{number:int}/attachments"
    opt = {"resource": "messages"}  # noqa: RUF012

    @get("/{attachment_id:int}", opt=permits(Action.read), summary="Download an attachment")
    async def download(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, number: PathId, attachment_id: PathId
    ) -> Response[bytes]:
        """Its bytes. They come from strangers: do not open them in a browser on your own site."""
        found = await session.scalar(
            select(Attachment)
            .join(Message, Message.id == Attachment.message_id)
            .join(Ticket, Ticket.id == Message.ticket_id)
            .where(is_visible(agent), Ticket.number == number, Attachment.id == attachment_id)
        )
        if found is None:
            raise NotFound
        headers = {
            "content-disposition": disposition(found.name),
            "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        }
        content = await desk.files.get(found.key)
        return Response(content, media_type="application/octet-stream", headers=headers)


async def taken(
    request: Request[Any, Any, Any], desk: Desk, agent: Agent, handles: list[str]
) -> list[Attachment]:
    """The files behind handles of this agent's; raises BadHandle."""
    kept = [_opened(request.app.state.csrf_key, handle) for handle in handles]
    if any(one.agent_id != agent.id or not desk.files.path(one.key).exists() for one in kept):
        raise BadHandle
    if sum(one.size for one in kept) > MOST_TOGETHER:
        raise Invalid(
            gettext("These files are more than 25 MB together; most mailboxes refuse that. Send fewer.")
        )
    return [one.attachment() for one in kept]


def _sealed(key: bytes, kept: Kept) -> str:
    said = base64.urlsafe_b64encode(msgspec.json.encode(kept)).rstrip(b"=")
    return f"{said.decode()}.{_signature(key, said)}"


def _opened(key: bytes, handle: str) -> Kept:
    said, _, signature = handle.partition(".")
    raw = said.encode("utf-8", "replace")
    if not hmac.compare_digest(_signature(key, raw).encode(), signature.encode("utf-8", "replace")):
        raise BadHandle
    kept = msgspec.json.decode(base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4)), type=Kept)
    if kept.until < time.time():
        raise BadHandle
    return kept


def _signature(key: bytes, said: bytes) -> str:
    return hmac.new(key, b"upload." + said, "sha256").hexdigest()
