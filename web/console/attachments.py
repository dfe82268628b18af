"""Files that came with messages: always saved, never opened inside the desk."""

from urllib.parse import quote

from litestar import Response, get
from litestar.params import FromPath
from sqlalchemy import select

from helpdesk.access import Action, is_visible
from helpdesk.errors import NotFound
from helpdesk.messages import Attachment, Message
from helpdesk.texts import saved_as
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session

HARMLESS = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}


@get("/tickets/{number:int}/attachments/{attachment_id:int}", opt=permits(Action.read))
async def attachment(
    session: Session,
    agent: CurrentAgent,
    desk: CurrentDesk,
    number: FromPath[int],
    attachment_id: FromPath[int],
) -> Response[bytes]:
    found = await session.scalar(
        select(Attachment)
        .join(Message, Message.id == Attachment.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(is_visible(agent), Ticket.number == number, Attachment.id == attachment_id)
    )
    if found is None:
        raise NotFound
    media_type = found.content_type if found.content_type in HARMLESS else "application/octet-stream"
    headers = {
        "content-disposition": disposition(found.name),
        "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    }
    return Response(await desk.files.get(found.key), media_type=media_type, headers=headers)


def disposition(name: str) -> str:
    """RFC 6266."""
    clean = saved_as(name) or "file"
    plain = clean.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"
