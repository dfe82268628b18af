"""What readers learn from: names and phrases on the first day, then people's decisions, and corrections at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.predictions import Kind
from ai.questions import question_of
from ai.sentiment import bare
from ai.triage.rows import Correction
from helpdesk.events import ActorKind, Event
from helpdesk.events import Kind as Happened
from helpdesk.labels import Tag, ticket_tag
from helpdesk.messages import Direction, Message
from helpdesk.people import Team
from helpdesk.statements import AnySelect
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic, topics

LENGTH = 2000
"""Characters of a message that are read; the model looks at 256 tokens."""
NONE = ""
"""The label of what is none of those that there are."""
MOST = 1500
"""Examples of one kind, the newest first."""
OF_ONE_LABEL = 150
PHRASES = Path(__file__).parent / "urgency.tsv"
MOODS = frozenset({Kind.sentiment, Kind.frustration})
"""Read from what was said alone, without the subject."""


@dataclass(frozen=True)
class Example:
    label: str
    text: str
    source: Any
    """For people: the phrase itself, or `{"message": id}`: another customer's words are never repeated."""
    message_id: int | None = None


def text_of(kind: Kind, message: Message) -> str:
    return bare(message.text[:LENGTH]) if kind in MOODS else topic_of(message)


def topic_of(message: Message) -> str:
    """The subject says what it is about; in later messages it still names the matter."""
    return question_of(message.ticket.subject, [message])


async def phrases(session: AsyncSession, kind: Kind) -> list[Example]:
    """What is known on the first day."""
    if kind is Kind.topic:
        return [
            Example(str(each.id), line, line) for each in await topics(session) for line in lines_of(each)
        ]
    if kind is Kind.team:
        teams = (await session.scalars(select(Team).order_by(Team.id))).all()
        return [Example(str(team.id), line, line) for team in teams for line in lines_of(team)]
    if kind is Kind.urgency:
        rows = (line.split("\t") for line in PHRASES.read_text(encoding="utf-8").splitlines() if line)
        return [Example(label, phrase, phrase) for label, phrase in rows]
    return []


def lines_of(named: Topic | Team) -> list[str]:
    described = f"{named.name}: {named.description}" if named.description else named.name
    return [described, *filter(None, (phrase.strip() for phrase in named.examples))]


async def corrections(session: AsyncSession, kind: Kind, *, after: int = 0) -> tuple[list[Example], int]:
    """Oldest first, and the id of the last; `after`: only later ones."""
    rows = await session.execute(
        select(Correction.id, Correction.now, Message)
        .join(Message, Message.id == Correction.message_id)
        .where(Correction.kind == kind, Correction.id > after, Message.text != "")
        .options(joinedload(Message.ticket))
        .order_by(Correction.id.desc())
        .limit(MOST)
    )
    found = [
        (number, Example(now or NONE, text_of(kind, message), {"message": message.id}, message.id))
        for number, now, message in rows
    ][::-1]
    return [example for _, example in found], found[-1][0] if found else after


async def history(session: AsyncSession, kind: Kind) -> list[Example]:
    """What people decided on tickets by themselves, by the customer's first message; newest first."""
    query = _decided(kind)
    if query is None:
        return []
    rows = (await session.execute(query.limit(4 * MOST))).all()
    wanted = _few(rows)
    first = (
        select(func.min(Message.id))
        .where(
            Message.ticket_id.in_([ticket_id for ticket_id, _ in wanted]),
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            Message.copy_of_id.is_(None),
        )
        .group_by(Message.ticket_id)
    )
    messages = await session.scalars(
        select(Message).where(Message.id.in_(first), Message.text != "").options(joinedload(Message.ticket))
    )
    of_ticket = {message.ticket_id: message for message in messages}
    return [
        Example(str(label), text_of(kind, message), {"message": message.id}, message.id)
        for ticket_id, label in wanted
        if (message := of_ticket.get(ticket_id))
    ]


def _few(rows: Iterable[Any]) -> list[tuple[int, Any]]:
    counts: dict[Any, int] = {}
    kept: list[tuple[int, Any]] = []
    for ticket_id, label in rows:
        counts[label] = counts.get(label, 0) + 1
        if counts[label] <= OF_ONE_LABEL and len(kept) < MOST:
            kept.append((ticket_id, label))
    return kept


def _decided(kind: Kind) -> AnySelect | None:
    """(ticket id, label), newest first. A ticket that an agent answered and left where it was counts for its
    team, too: its place was right."""
    alive = and_(Ticket.removed.is_(None), Ticket.erased_at.is_(None))
    if kind is Kind.team:
        where = _by_agent(Happened.team_changed) | (Ticket.settled & Ticket.first_replied_at.is_not(None))
        return (
            select(Ticket.id, Ticket.team_id)
            .where(alive, Ticket.team_id.is_not(None), where)
            .order_by(Ticket.id.desc())
        )
    if kind is Kind.priority:
        where = _by_agent(Happened.priority_changed) | (Ticket.settled & Ticket.first_replied_at.is_not(None))
        return select(Ticket.id, Ticket.priority).where(alive, where).order_by(Ticket.id.desc())
    if kind is Kind.tag:
        return (
            select(Ticket.id, ticket_tag.c.tag_id)
            .join(ticket_tag, ticket_tag.c.ticket_id == Ticket.id)
            .join(Tag, Tag.id == ticket_tag.c.tag_id)
            .where(alive, _by_agent(Happened.tagged, tag=True))
            .order_by(Ticket.id.desc())
        )
    return None


def _by_agent(kind: Happened, *, tag: bool = False) -> Any:
    told = exists().where(Event.ticket_id == Ticket.id, Event.kind == kind, Event.actor == ActorKind.agent)
    return told.where(Event.data["tag"].as_integer() == ticket_tag.c.tag_id) if tag else told


def merged(*groups: Sequence[Example]) -> list[Example]:
    """Of one message the last word counts."""
    kept: dict[Any, Example] = {}
    for example in (each for group in groups for each in group):
        key = example.message_id or (example.label, example.text)
        kept.pop(key, None)
        kept[key] = example
    return list(kept.values())
