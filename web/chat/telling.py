"""What the frame is told: messages and conversations, as plain values that it shows as text.

Only what agents and the assistant marked comes as markup as well, cleaned here.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat import reading
from helpdesk import clock, marks
from helpdesk.calendars import Calendar
from helpdesk.chat import Visitor, conversations
from helpdesk.chat.conversations import Conversation, Said
from helpdesk.events import ActorKind
from helpdesk.hours import NeverOpen
from helpdesk.messages import Direction
from web.chat.inbox import OpenChat


def message(each: Said, found: OpenChat, numbers: dict[int, int]) -> dict[str, Any]:
    """`numbers`: of the visitor's conversations, by ticket."""
    own = each.direction is Direction.inbound
    ticket_id = each.origin_id if each.origin_id in numbers else each.ticket_id
    told: dict[str, Any] = {
        "id": each.id,
        "conversation": numbers.get(ticket_id or 0),
        "from": "me" if own else _from(each),
        "name": "" if own else each.agent or found.title,
        "text": each.text,
        "at": each.sent_at.isoformat(),
    }
    if own and each.inbox_id == found.inbox.id:
        told["client_id"] = reading.client_id(each.external_id)
    if each.may_be_marked and marks.is_marked(each.text):
        told |= {"text": marks.plain(each.text), "html": marks.shown(each.text)}
    if each.files:
        told["files"] = [
            {"id": file.id, "name": file.name, "size": file.size, "type": file.content_type}
            for file in each.files
        ]
    return told


def _from(each: Said) -> str:
    if each.author is ActorKind.agent:
        return "agent"
    return "assistant" if each.author is ActorKind.assistant else "desk"


def line(each: Conversation, words: str = "") -> dict[str, Any]:
    return {
        "number": each.number,
        "open": each.is_open,
        "preview": words,
        "at": each.last_message_at.isoformat(),
        "assistant": each.with_assistant,
    }


async def messages(
    session: AsyncSession, visitor: Visitor, found: OpenChat, of: Sequence[Conversation]
) -> list[dict[str, Any]]:
    numbers = {each.ticket_id: each.number for each in of}
    said = await conversations.said(session, visitor, list(numbers))
    return [message(each, found, numbers) for each in said]


async def hours(session: AsyncSession, found: OpenChat) -> dict[str, Any]:
    """Whether somebody is there by the calendar, and when next; nothing where the chat keeps no hours."""
    calendar = await session.get(Calendar, found.settings.calendar) if found.settings.calendar else None
    if calendar is None:
        return {}
    at = clock.now()
    kept = calendar.hours
    if kept.is_open(at):
        return {"open": True}
    try:
        return {"open": False, "words": found.settings.away_words, "next": kept.next_opening(at).isoformat()}
    except NeverOpen:
        return {"open": False, "words": found.settings.away_words}
