"""What comes in, read in batches: language, mood, frustration and the team it is for. Proposals, all of them."""

import hashlib
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.fewshot import FewShot
from ai.language import NAME as LANGUAGE_MODEL
from ai.language import language_of
from ai.predictions import Classification, Kind
from ai.questions import question_of
from ai.sentiment import FrustrationReader, SentimentReader, bare
from helpdesk import events
from helpdesk.events import ASSISTANT, Event
from helpdesk.messages import Direction, Message
from helpdesk.people import Team
from helpdesk.ports import Embedder, Scores
from helpdesk.tickets import Ticket

LENGTH = 2000
"""Characters of a message that are read; the model looks at 256 tokens."""


async def triage(
    session: AsyncSession, embedder: Embedder, message_ids: Sequence[int]
) -> list[Classification]:
    """Read these messages of customers and keep what the models say; a second time replaces the first.

    Ticket.language and Ticket.sentiment follow the newest message that says something.
    """
    messages = await customers_messages(session, message_ids)
    if not messages:
        return []
    teams = await team_reader(session, embedder)
    moods = await embedder.embed([bare(message.text[:LENGTH]) for message in messages])
    topics = await embedder.embed([topic_of(message) for message in messages])
    nobody = [Scores(None, 0.0, reasons=("fewer than two teams say what they do",))] * len(messages)
    said: list[tuple[Kind, str, Sequence[Scores]]] = [
        (Kind.language, LANGUAGE_MODEL, [language_of(message.text) for message in messages]),
        (Kind.sentiment, f"sentiment/{embedder.name}", SentimentReader(embedder).read(moods)),
        (Kind.frustration, f"frustration/{embedder.name}", FrustrationReader(embedder).read(moods)),
        (Kind.team, f"fewshot/{embedder.name}", teams.classify(topics) if teams else nobody),
    ]
    rows = [
        Classification(
            message_id=message.id,
            kind=kind,
            label=scores.label,
            confidence=round(scores.confidence, 4),
            model=model,
            reasons=list(scores.reasons),
        )
        for kind, model, all_scores in said
        for message, scores in zip(messages, all_scores, strict=True)
    ]
    await keep(session, rows)
    for message in messages:
        await tell_ticket(session, message, [row for row in rows if row.message_id == message.id])
    return rows


async def customers_messages(session: AsyncSession, ids: Sequence[int]) -> Sequence[Message]:
    found = await session.scalars(
        select(Message)
        .where(Message.id.in_(ids), Message.direction == Direction.inbound, Message.text != "")
        .options(joinedload(Message.ticket))
        .order_by(Message.id)
    )
    return found.all()


def topic_of(message: Message) -> str:
    """The subject says what it is about; in later messages it still names the matter."""
    return question_of(message.ticket.subject, [message])


async def keep(session: AsyncSession, rows: Iterable[Classification]) -> None:
    values = [
        {
            name: getattr(row, name)
            for name in ("message_id", "kind", "label", "confidence", "model", "reasons")
        }
        for row in rows
    ]
    statement = insert(Classification).values(values)
    replaced = {name: statement.excluded[name] for name in ("label", "confidence", "model", "reasons")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["message_id", "kind"], set_=replaced)
    )


async def tell_ticket(session: AsyncSession, message: Message, rows: Iterable[Classification]) -> None:
    labels = {row.kind: row.label for row in rows if row.label}
    newest = await session.scalar(
        select(func.max(Message.id)).where(
            Message.ticket_id == message.ticket_id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
        )
    )
    ticket: Ticket = message.ticket
    if newest == message.id:
        ticket.language = labels.get(Kind.language, ticket.language)
        ticket.sentiment = labels.get(Kind.sentiment, ticket.sentiment)
    ticket.events.add(Event(events.Kind.triaged, by=ASSISTANT, message=message))


async def suggested_team(session: AsyncSession, message_id: int) -> Team | None:
    """The team that triage would give this message to."""
    label = await session.scalar(
        select(Classification.label).where(
            Classification.message_id == message_id, Classification.kind == Kind.team
        )
    )
    return await session.get(Team, int(label)) if label else None


async def team_reader(session: AsyncSession, embedder: Embedder) -> FewShot | None:
    """Learned from the teams' names, descriptions and example phrases; None with fewer than two such teams."""
    teams = (await session.scalars(select(Team).order_by(Team.id))).all()
    phrases = [(str(team.id), phrase) for team in teams for phrase in phrases_of(team)]
    if len({label for label, _ in phrases}) < 2:
        return None
    key = hashlib.sha256(repr((embedder.name, phrases)).encode()).hexdigest()
    if key not in _learned:
        labels, texts = zip(*phrases, strict=True)
        learned = FewShot.learn(texts, labels, await embedder.embed(texts))
        _learned.clear()
        _learned[key] = learned
    return _learned[key]


_learned: dict[str, FewShot] = {}
"""The latest, by what it was learned from: teams change seldom, messages come every second."""


def phrases_of(team: Team) -> list[str]:
    described = f"{team.name}: {team.description}" if team.description else team.name
    return [described, *filter(None, (phrase.strip() for phrase in team.examples))]
