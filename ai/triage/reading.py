"""What comes in, read in batches. Everything said here is a proposal; `doing` knows what may be done with it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.language import NAME as LANGUAGE_MODEL
from ai.language import language_of
from ai.predictions import Classification, Kind
from ai.triage.doing import act
from ai.triage.examples import MOODS, text_of
from ai.triage.keeping import is_newest, keep, write
from ai.triage.policy import Policy, policy
from ai.triage.readers import reader
from ai.triage.rows import Correction, Mode
from helpdesk import events
from helpdesk.events import ASSISTANT, Event
from helpdesk.messages import Direction, Message
from helpdesk.people import Team
from helpdesk.ports import Embedder, Scores
from helpdesk.tickets import Ticket


async def triage(
    session: AsyncSession, embedder: Embedder, message_ids: Sequence[int]
) -> list[Classification]:
    """Read these messages of customers and keep what the models say; a second time replaces the first, but
    never what an agent corrected.

    The ticket's language, sentiment, urgency and topic follow the newest message that says something.
    """
    messages = await customers_messages(session, message_ids)
    if not messages:
        return []
    rules = await policy(session)
    corrected = await _corrected(session, [message.id for message in messages])
    rows = [
        row
        for row in await _read(session, embedder, messages)
        if (row.message_id, row.kind) not in corrected
        and rules.of(row.kind, _team(messages, row)).mode is not Mode.off
    ]
    kept = await keep(session, rows)
    rows = [row for row in rows if (row.message_id, row.kind) in kept]
    for message in messages:
        await tell_ticket(session, message, [row for row in rows if row.message_id == message.id], rules)
    await act(session, messages, rows, rules)
    return rows


async def _read(
    session: AsyncSession, embedder: Embedder, messages: Sequence[Message]
) -> list[Classification]:
    moods = [text_of(Kind.sentiment, message) for message in messages]
    matters = [text_of(Kind.topic, message) for message in messages]
    vectors = await embedder.embed(moods), await embedder.embed(matters)
    rows = _rows(Kind.language, LANGUAGE_MODEL, messages, [language_of(each.text) for each in messages])
    for kind in Kind:
        if kind is Kind.language:
            continue
        texts, of_texts = (moods, vectors[0]) if kind in MOODS else (matters, vectors[1])
        made = await reader(session, embedder, kind)
        rows += _rows(kind, made.name, messages, made.read(texts, of_texts))
    return rows


def _rows(
    kind: Kind, model: str, messages: Sequence[Message], said: Sequence[Scores]
) -> list[Classification]:
    return [
        Classification(
            message_id=message.id,
            kind=kind,
            label=scores.label,
            confidence=round(scores.confidence, 4),
            model=model,
            reasons=list(scores.reasons),
        )
        for message, scores in zip(messages, said, strict=True)
    ]


def _team(messages: Sequence[Message], row: Classification) -> int | None:
    return next(message.ticket.team_id for message in messages if message.id == row.message_id)


async def _corrected(session: AsyncSession, ids: Sequence[int]) -> set[tuple[int, Kind]]:
    rows = await session.execute(
        select(Correction.message_id, Correction.kind).where(Correction.message_id.in_(ids))
    )
    return {(number, kind) for number, kind in rows}


async def customers_messages(session: AsyncSession, ids: Sequence[int]) -> Sequence[Message]:
    found = await session.scalars(
        select(Message)
        .where(Message.id.in_(ids), Message.direction == Direction.inbound, Message.text != "")
        .options(joinedload(Message.ticket))
        .order_by(Message.id)
    )
    return found.all()


async def tell_ticket(
    session: AsyncSession, message: Message, rows: Sequence[Classification], rules: Policy
) -> None:
    ticket: Ticket = message.ticket
    if await is_newest(session, message):
        for row in rows:
            if rules.of(row.kind, ticket.team_id).allows(row.confidence):
                write(ticket, row.kind, row.label)
    ticket.events.add(Event(events.Kind.triaged, by=ASSISTANT, message=message))


async def suggested_team(session: AsyncSession, message_id: int) -> Team | None:
    """The team that triage would give this message to."""
    label = await session.scalar(
        select(Classification.label).where(
            Classification.message_id == message_id, Classification.kind == Kind.team
        )
    )
    return await session.get(Team, int(label)) if label else None
