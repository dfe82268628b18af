"""What is told of an event: numbers and states to everybody who subscribed, what people wrote only where chosen."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.events import Event
from helpdesk.i18n import Text, _
from helpdesk.messages import Attachment, Direction, Message
from helpdesk.people import Contact
from helpdesk.tickets import Ticket
from helpdesk.webhooks.deliveries import Delivery
from helpdesk.webhooks.endpoints import Webhook
from helpdesk.webhooks.subjects import EVENTS, TEST

VERSION = 1
LONGEST_TEXT = 50_000  # characters of one message; a reader is told that there is more

INCLUDES: dict[str, Text] = {
    "subject": _("The ticket's subject"),
    "contact": _("The customer's name and address"),
    "messages": _("What customers and agents wrote to each other"),
    "notes": _("What colleagues wrote among themselves"),
}
"""Personal text that a webhook may be given, by choice."""


async def bodies(
    session: AsyncSession, webhook: Webhook, deliveries: Sequence[Delivery], *, desk_url: str
) -> dict[int, str]:
    """Delivery → JSON. What was erased since is left out rather than holding up what comes behind it."""
    events = await _events(session, [d.event_id for d in deliveries if d.event_id is not None])
    sizes = await _attachments(session, [e.message_id for e in events.values() if e.message_id])
    made: dict[int, str] = {}
    for delivery in deliveries:
        if delivery.event_id is None:
            made[delivery.id] = _json(TEST, delivery.since, {"words": "It works."})
            continue
        if (event := events.get(delivery.event_id)) is None:
            continue
        chosen = _Chosen(frozenset(webhook.includes), desk_url, sizes)
        made[delivery.id] = _json(delivery.type, event.created_at, chosen.data(event, delivery.type))
    return made


def _json(name: str, at: datetime, data: dict[str, Any]) -> str:
    body = {"type": name, "version": VERSION, "timestamp": _instant(at), "data": data}
    return msgspec.json.encode(body).decode()


class _Chosen:
    """The field set of one webhook."""

    def __init__(self, includes: frozenset[str], desk_url: str, attachments: dict[int, int]) -> None:
        self.includes, self.desk_url, self.attachments = includes, desk_url, attachments

    def data(self, event: Event, name: str) -> dict[str, Any]:
        said = {key: event.data[key] for key in EVENTS[name].says if key in event.data}
        found: dict[str, Any] = {
            "event_id": event.id,
            "actor": {"kind": event.actor, "id": event.actor_id},
            "change": said,
        }
        if event.ticket:
            found["ticket"] = self.ticket(event.ticket)
        if event.message:
            found["message"] = self.message(event.message)
        if event.about == "contact":
            found["contact_id"] = event.about_id
        return found

    def ticket(self, ticket: Ticket) -> dict[str, Any]:
        """As it is when the message is made, which may be a little after the event."""
        found: dict[str, Any] = {
            "number": ticket.number,
            "url": f"{self.desk_url}/tickets/{ticket.number}",
            "status": ticket.category,
            "priority": ticket.priority,
            "inbox_id": ticket.inbox_id,
            "team_id": ticket.team_id,
            "assignee_id": ticket.assignee_id,
            "contact_id": ticket.contact_id,
            "created_at": _instant(ticket.created_at),
        }
        if "subject" in self.includes:
            found["subject"] = ticket.subject
        if "contact" in self.includes:
            contact = ticket.contact
            found["contact"] = {"id": contact.id, "name": contact.name, "address": contact.address}
        return found

    def message(self, message: Message) -> dict[str, Any]:
        internal = message.direction is Direction.note or message.side_id is not None
        found: dict[str, Any] = {
            "id": message.id,
            "direction": message.direction,
            "internal": internal,
            "author": {"kind": message.author, "id": message.agent_id or message.contact_id},
            "automatic": message.automatic,
            "attachments": self.attachments.get(message.id, 0),
            "sent_at": _instant(message.sent_at),
        }
        if ("notes" if internal else "messages") in self.includes:
            found["text"] = message.text[:LONGEST_TEXT]
            found["cut"] = len(message.text) > LONGEST_TEXT
        return found


async def _events(session: AsyncSession, event_ids: list[int]) -> dict[int, Event]:
    with_contact = joinedload(Event.ticket).joinedload(Ticket.contact)
    found = await session.scalars(
        select(Event)
        .where(Event.id.in_(event_ids))
        .options(with_contact.options(selectinload(Contact.identities)), joinedload(Event.message))
    )
    return {event.id: event for event in found}


async def _attachments(session: AsyncSession, message_ids: list[int]) -> dict[int, int]:
    counted = await session.execute(
        select(Attachment.message_id, func.count())
        .where(Attachment.message_id.in_(message_ids))
        .group_by(Attachment.message_id)
    )
    return {row[0]: row[1] for row in counted}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
