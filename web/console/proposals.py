"""What the models propose for a ticket: its mood, a team, a reply. A person decides."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Classification, Kind
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket
from web.console.thread import Thread

STEPS = {"very_negative": 4, "frustrated": 4, "negative": 3, "neutral": 2, "positive": 1, "very_positive": 0}


@dataclass(frozen=True)
class Said:
    """One model's word, with how sure it is and why."""

    label: str
    confidence: float
    reasons: list[Any]


@dataclass(frozen=True)
class Proposals:
    mood: Said | None = None
    moods: tuple[str, ...] = ()
    team: Said | None = None
    reply: Any = None

    @property
    def line(self) -> str:
        """The moods so far as the points of a polyline, 120 by 24, happiest on top."""
        if len(self.moods) < 2:
            return ""
        step = 112 / (len(self.moods) - 1)
        return " ".join(f"{4 + i * step:.1f},{4 + STEPS.get(m, 2) * 4}" for i, m in enumerate(self.moods))

    @property
    def end(self) -> tuple[str, str]:
        x, y = self.line.rsplit(" ", 1)[-1].split(",")
        return x, y


async def load(session: AsyncSession, ticket: Ticket, thread: Thread) -> Proposals:
    rows = (
        await session.execute(
            select(
                Classification.message_id,
                Classification.kind,
                Classification.label,
                Classification.confidence,
                Classification.reasons,
            )
            .join(Message, Message.id == Classification.message_id)
            .where(
                Message.ticket_id == ticket.id,
                Message.direction == Direction.inbound,
                Classification.kind.in_([Kind.sentiment, Kind.team]),
            )
            .order_by(Classification.message_id)
        )
    ).all()
    moods = [row for row in rows if row.kind is Kind.sentiment and row.label]
    teams = [row for row in rows if row.kind is Kind.team and row.label]
    team = _said(teams[-1]) if teams else None
    return Proposals(
        mood=_said(moods[-1]) if moods else None,
        moods=tuple(row.label for row in moods),
        team=team if team and team.label != str(ticket.team_id) else None,
    )


def _said(row: Row[Any]) -> Said:
    return Said(row.label, row.confidence, row.reasons or [])
