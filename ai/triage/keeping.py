"""Where readings are kept: a row per message and kind, and on the ticket what lists, conditions and rules see."""

from collections.abc import Iterable

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Classification, Kind
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket

KEPT = ("message_id", "kind", "label", "confidence", "model", "reasons")
BY_AGENT = "agent"
"""In place of a model: somebody corrected the reading."""


async def keep(session: AsyncSession, rows: Iterable[Classification]) -> set[tuple[int, Kind]]:
    """A second time replaces the first, but no model what somebody corrected, were it a moment ago. What was kept."""
    values = [{name: getattr(row, name) for name in KEPT} for row in rows]
    if not values:
        return set()
    statement = insert(Classification).values(values)
    replaced = {name: statement.excluded[name] for name in ("label", "confidence", "model", "reasons")}
    by_whom = or_(Classification.model != BY_AGENT, statement.excluded.model == BY_AGENT)
    kept = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["message_id", "kind"], set_=replaced, where=by_whom
        ).returning(Classification.message_id, Classification.kind)
    )
    return {(message_id, kind) for message_id, kind in kept}


async def is_newest(session: AsyncSession, message: Message) -> bool:
    """Of what the customer wrote."""
    newest = await session.scalar(
        select(func.max(Message.id)).where(
            Message.ticket_id == message.ticket_id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
        )
    )
    return newest == message.id


def write(ticket: Ticket, kind: Kind, label: str | None) -> None:
    """ "Don't know" changes nothing."""
    if not label:
        return
    match kind:
        case Kind.language:
            ticket.language = label
        case Kind.sentiment:
            ticket.sentiment = label
        case Kind.urgency:
            ticket.urgency = label
        case Kind.topic:
            ticket.topic_id = int(label)
