"""What a merge or a split did, so that it can be undone."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from helpdesk.database import Choice, Row
from helpdesk.tickets import Ticket


class MergeKind(StrEnum):
    merge = "merge"  # all of `source` went into `target`
    part = "split"  # one message of `source` became `target`


class TicketMerge(Row):
    __tablename__ = "ticket_merge"

    kind: Mapped[MergeKind] = mapped_column(Choice(MergeKind))
    source_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    message_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """What was moved."""
    watermark: Mapped[int] = mapped_column(BigInteger)
    """The newest message of the desk at that time; what came to the source since has a higher id."""
    before: Mapped[dict[str, Any]]
    """Both tickets as they were, and what the target was given: helpdesk/merging/snapshots.py."""
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_ticket_merge_source",
            "source_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL AND kind = 'merge'"),
        ),
    )


async def standing_merges(session: AsyncSession, ticket: Ticket) -> Sequence[Any]:
    """What was merged into this ticket, or split off it or from which, and can be undone: rows of
    (id, kind, source_number, source_subject, target_number, created_at), newest first."""
    source, target = aliased(Ticket), aliased(Ticket)
    query = (
        select(
            TicketMerge.id,
            TicketMerge.kind,
            source.number.label("source_number"),
            source.subject.label("source_subject"),
            target.number.label("target_number"),
            TicketMerge.created_at,
        )
        .join(source, source.id == TicketMerge.source_id)
        .join(target, target.id == TicketMerge.target_id)
        .where(TicketMerge.target_id == ticket.id, TicketMerge.undone_at.is_(None))
        .order_by(TicketMerge.id.desc())
    )
    return (await session.execute(query)).all()
