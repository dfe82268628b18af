"""Who chats: whether they are there, on which page, what they have read, and that an agent is typing to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import chat
from helpdesk.access import Action
from helpdesk.chat import Visitor
from helpdesk.chat.visitors import PRESENT, TYPING
from helpdesk.clock import now
from helpdesk.database import CHANNEL
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentTicket, Session, ThisPage
from web.pages import Html


@dataclass(frozen=True)
class Line:
    """Whoever chats, as their line on a ticket's page says it."""

    visitor: Visitor | None
    here: bool = False
    typing: bool = False
    has_read: bool | None = None
    """Whether our last answer was before their eyes; None where there is none yet."""


@get("/tickets/{number:int}/visitor", opt=permits(Action.read))
async def visitor(session: Session, page: ThisPage, ticket: CurrentTicket) -> Html:
    shown = await line(session, ticket, await _last_answer(session, ticket))
    return page("console/tickets/_visitor.html", ticket=ticket, visit=shown)


async def line(session: AsyncSession, ticket: Ticket, last_answer: int | None) -> Line:
    found = await chat.person_behind(session, ticket.id)
    if found is None:
        return Line(None)
    at = now()
    return Line(
        found,
        here=bool(found.seen_at and not found.revoked_at and found.seen_at > at - PRESENT),
        typing=bool(found.typing_at and found.typing_at > at - TYPING),
        has_read=None if last_answer is None else last_answer <= found.read_id,
    )


@post("/tickets/{number:int}/typing", opt=permits(Action.reply), status_code=204)
async def typing(session: Session, ticket: CurrentTicket) -> Response[None]:
    """Told to the open frames of this ticket's customer, and written down nowhere."""
    await session.execute(select(func.pg_notify(CHANNEL, f"typing-{ticket.id}")))
    return Response(None, status_code=204)


async def there(session: AsyncSession, rows: Sequence[Any]) -> dict[int, bool]:
    """Of these rows of a list, the open chats whose customer is there, and whether they are typing."""
    chats = [row.id for row in rows if row.channel == "chat" and not row.category.is_settled]
    return await chat.there(session, chats)


async def _last_answer(session: AsyncSession, ticket: Ticket) -> int | None:
    return await session.scalar(
        select(func.max(Message.id)).where(
            Message.ticket_id == ticket.id,
            Message.direction == Direction.outbound,
            Message.side_id.is_(None),
            Message.withdrawn_at.is_(None),
        )
    )


ROUTES: list[Any] = [visitor, typing]
