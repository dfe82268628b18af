"""An agent says what a message really is: the reading becomes theirs, and an example that counts at once."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Classification, Kind, Sentiment, Urgency
from ai.triage.keeping import BY_AGENT, is_newest, keep, write
from ai.triage.rows import Correction
from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.events import Event
from helpdesk.events import Kind as Happened
from helpdesk.i18n import _
from helpdesk.labels import Tag
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, Team
from helpdesk.tickets import Priority, Ticket
from helpdesk.topics import Topic

LANGUAGE = 12  # characters of a code


class NoSuchLabel(Invalid):
    message = _("That is not something that this can be. Choose one from the list.")


class NotReadable(Invalid):
    message = _("Only what a customer wrote can be read, and so corrected.")


async def correct(
    session: AsyncSession, ticket: Ticket, message: Message, kind: Kind, label: str | None, *, by: Agent
) -> None:
    """`label` None: none of those that there are. The same message corrected again keeps the latest word.

    Raises NotReadable, NoSuchLabel.
    """
    if message.ticket_id != ticket.id or message.direction is not Direction.inbound or not message.text:
        raise NotReadable
    if not await _is_one(session, kind, label):
        raise NoSuchLabel
    said = await session.scalar(
        select(Classification).where(Classification.message_id == message.id, Classification.kind == kind)
    )
    by_model = said is not None and said.model != BY_AGENT
    values = {"now": label, "agent_id": by.id, "created_at": now()}
    row = insert(Correction).values(
        message_id=message.id,
        kind=kind,
        was=said.label if said and by_model else None,
        confidence=said.confidence if said and by_model else 0.0,
        model=said.model if said and by_model else "",
        **values,
    )
    await session.execute(row.on_conflict_do_update(index_elements=["message_id", "kind"], set_=values))
    ours = Classification(
        message_id=message.id,
        kind=kind,
        label=label,
        confidence=1.0,
        model=BY_AGENT,
        reasons=[{"agent": by.id}],
    )
    await keep(session, [ours])
    if said is not None:
        await session.refresh(said)
    if await is_newest(session, message):
        write(ticket, kind, label)
        if kind is Kind.topic and label is None:
            ticket.topic_id = None
    told: dict[str, Any] = {
        "reads": kind.value,
        "was": said.label if said and by_model else None,
        "now": label,
    }
    ticket.events.add(Event(Happened.reading_corrected, by=by, message=message, **told))


async def _is_one(session: AsyncSession, kind: Kind, label: str | None) -> bool:
    if label is None:
        return kind in {Kind.topic, Kind.team, Kind.tag}
    fixed: dict[Kind, Sequence[str]] = {
        Kind.sentiment: list(Sentiment),
        Kind.urgency: list(Urgency),
        Kind.priority: list(Priority),
        Kind.frustration: ["calm", "frustrated"],
    }
    if kind in fixed:
        return label in fixed[kind]
    if kind is Kind.language:
        return label.isascii() and label.replace("-", "").isalpha() and 2 <= len(label) <= LANGUAGE
    table = {Kind.topic: Topic, Kind.team: Team, Kind.tag: Tag}[kind]
    if not (label.isascii() and label.isdigit() and len(label) < 19):
        return False
    return await session.get(table, int(label)) is not None
