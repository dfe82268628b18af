"""Solved tickets that were like this one, and the answer that solved each: of those that the agent may see."""

from dataclasses import dataclass
from datetime import datetime

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting.turns import turns_of
from ai.questions import asked, matter
from helpdesk.access import is_visible
from helpdesk.messages import Direction
from helpdesk.people import Agent
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from kb.precedents import Precedent, PrecedentVector

NEAR = 0.6
"""Cosine of two letters: above .71 nineteen of twenty pairs ask for the same thing, below .6 hardly any does."""
MOST = 3
LOOKED_AT = 60


@dataclass(frozen=True)
class Similar:
    number: int
    subject: str
    solved_at: datetime | None
    answer: str
    """The last thing that an agent said, which nobody has contradicted."""
    nearness: float


async def similar(session: AsyncSession, embedder: Embedder, agent: Agent, ticket: Ticket) -> list[Similar]:
    """Nearest first; nothing where nothing comes near."""
    letters = [t for t in await turns_of(session, ticket) if t.direction is Direction.inbound]
    if not letters or not (question := asked(ticket.subject, letters[0].text)).strip():
        return []
    vector = HalfVector((await embedder.embed([question]))[0])
    kind = HALFVEC(embedder.dimensions)
    distance = cast(PrecedentVector.embedding, kind).max_inner_product(cast(vector, kind))
    near = (
        select(Precedent.ticket_id, Precedent.text, (-distance).label("nearness"))
        .join(PrecedentVector, PrecedentVector.precedent_id == Precedent.id)
        .join(Ticket, Ticket.id == Precedent.ticket_id)
        .where(
            is_visible(agent),
            Ticket.settled,
            Ticket.removed.is_(None),
            Ticket.id != ticket.id,
            PrecedentVector.embedder == embedder.name,
            func.vector_dims(PrecedentVector.embedding) == embedder.dimensions,
        )
        .order_by(distance)
        .limit(LOOKED_AT)
        .subquery()
    )
    rows = await session.execute(
        select(Ticket.number, Ticket.subject, Ticket.resolved_at, near.c.text, near.c.nearness)
        .join(near, near.c.ticket_id == Ticket.id)
        .where(near.c.nearness >= NEAR)
        .order_by(near.c.nearness.desc())
        .limit(MOST)
    )
    return [Similar(r.number, r.subject, r.resolved_at, matter(r.text), float(r.nearness)) for r in rows]
