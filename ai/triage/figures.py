"""What each reader is worth at this desk, as far as people's words tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intervals import wilson
from ai.predictions import Classification, Kind
from ai.triage.rows import Correction, Learned
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.labels import Tag
from helpdesk.messages import Message
from helpdesk.people import Agent, Team
from helpdesk.tickets import Ticket
from helpdesk.topics import Topic

DAYS = 30
RECENT = 25


@dataclass(frozen=True)
class Figures:
    """Of the last DAYS days."""

    kind: Kind
    read: int = 0
    said: int = 0
    """Where it was sure enough to say something."""
    judged: int = 0
    """Messages on which an agent said what is right."""
    right: int = 0
    """Where the agent chose what the reader had said."""
    learned: Learned | None = None

    @property
    def coverage(self) -> float | None:
        return self.said / self.read if self.read else None

    @property
    def accuracy(self) -> tuple[float, float, float] | None:
        """Of what was judged, with its interval: people judge what looks wrong, so the truth is likely better."""
        if not self.judged:
            return None
        return (self.right / self.judged, *wilson(self.right, self.judged))


async def figures(session: AsyncSession) -> dict[Kind, Figures]:
    since = now() - timedelta(days=DAYS)
    said = func.count().filter(Classification.label.is_not(None))
    read = await session.execute(
        select(Classification.kind, func.count(), said)
        .where(Classification.created_at >= since)
        .group_by(Classification.kind)
    )
    counts = {kind: (n, spoken) for kind, n, spoken in read}
    right = func.sum(case((Correction.was == Correction.now, 1), else_=0))
    judged = await session.execute(
        select(Correction.kind, func.count(), right)
        .where(Correction.created_at >= since)
        .group_by(Correction.kind)
    )
    words = {kind: (n, int(good)) for kind, n, good in judged}
    active = {row.kind: row for row in await session.scalars(select(Learned).where(Learned.active))}
    return {
        kind: Figures(kind, *counts.get(kind, (0, 0)), *words.get(kind, (0, 0)), learned=active.get(kind))
        for kind in Kind
    }


async def nights(session: AsyncSession, kind: Kind) -> Sequence[Learned]:
    """What the last nights came to, newest first."""
    return (
        await session.scalars(
            select(Learned).where(Learned.kind == kind).order_by(Learned.id.desc()).limit(RECENT)
        )
    ).all()


@dataclass(frozen=True)
class Decision:
    number: int
    subject: str
    label: str | None
    confidence: float
    reason: Any
    model: str
    at: Any


async def recent(session: AsyncSession, kind: Kind, agent: Agent) -> list[Decision]:
    """What was read last, of tickets that this agent may know of."""
    rows = await session.execute(
        select(
            Ticket.number,
            Ticket.subject,
            Classification.label,
            Classification.confidence,
            Classification.reasons,
            Classification.model,
            Classification.created_at,
        )
        .join(Message, Message.id == Classification.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Classification.kind == kind, is_visible(agent))
        .order_by(Classification.id.desc())
        .limit(RECENT)
    )
    return [
        Decision(number, subject, label, sure, reasons[0] if reasons else "", model, at)
        for number, subject, label, sure, reasons, model, at in rows
    ]


async def names(session: AsyncSession, kind: Kind) -> dict[str, str]:
    """What the labels of this kind are called; empty where they are words themselves."""
    table: dict[Kind, type[Topic] | type[Team] | type[Tag]] = {
        Kind.topic: Topic,
        Kind.team: Team,
        Kind.tag: Tag,
    }
    if kind not in table:
        return {}
    rows = await session.execute(select(table[kind].id, table[kind].name))
    return {str(number): name for number, name in rows}
