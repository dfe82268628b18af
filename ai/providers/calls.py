"""What language models were asked, what it cost, and what left the house for it.

A call is entered before it is made, with all it could come to, and set right when it is over: two at once can't both
have the last of a budget, and one that a crash cut off counts in full. Numbers stay; texts, which are masked, lie in
a table of their own, hang on their ticket, and go with it or when their time is over.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ai.providers.connections import Connection
from ai.providers.purposes import Purpose
from helpdesk import options
from helpdesk.clock import now
from helpdesk.database import Base, Choice, Row

NUMBERS_KEPT = timedelta(days=400)


class State(StrEnum):
    running = "running"  # or cut off by a crash
    answered = "answered"
    failed = "failed"


class Call(Row):
    __tablename__ = "model_call"

    connection_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("model_connection.id", ondelete="SET NULL")
    )
    connection_name: Mapped[str]
    model: Mapped[str]
    purpose: Mapped[Purpose | None] = mapped_column(Choice(Purpose))
    """None: somebody tried the connection."""
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    """No foreign key: what it cost stays on record when the ticket is deleted."""
    state: Mapped[State] = mapped_column(Choice(State))
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    left: Mapped[bool] = mapped_column(default=True, server_default="true")
    """Whether the text left the desk's own processes."""
    tokens_in: Mapped[int] = mapped_column(default=0, server_default="0")
    tokens_out: Mapped[int] = mapped_column(default=0, server_default="0")
    cost: Mapped[Decimal] = mapped_column(Numeric(14, 6), default=Decimal(0), server_default="0")
    first_ms: Mapped[int | None]
    """Until its first word."""
    took_ms: Mapped[int | None]
    masked: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """What was replaced by placeholders: kind → how many."""

    record: Mapped["Record | None"] = relationship(back_populates="call", lazy="raise", viewonly=True)

    __table_args__ = (
        Index(None, "connection_id", "created_at"),
        Index(None, "created_at"),
        Index("ix_model_call_ticket", "ticket_id", "id"),
    )


class Record(Base):
    """The texts of one call, as they left: masked."""

    __tablename__ = "model_record"

    call_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("model_call.id", ondelete="CASCADE"), primary_key=True
    )
    ticket_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(insert_default=now, server_default=func.clock_timestamp())
    system: Mapped[str]
    prompt: Mapped[str]
    answer: Mapped[str] = mapped_column(default="", server_default="")

    call: Mapped[Call] = relationship(back_populates="record", lazy="raise", viewonly=True)


@dataclass(frozen=True)
class Spent:
    """By one connection, since midnight."""

    tokens: int
    money: Decimal

    def exceeds(self, connection: Connection) -> bool:
        return (connection.daily_tokens is not None and self.tokens >= connection.daily_tokens) or (
            connection.daily_money is not None and self.money >= connection.daily_money
        )


async def midnight(session: AsyncSession) -> datetime:
    """The beginning of today, where the desk is."""
    zone = ZoneInfo((await options.load(session)).time_zone)
    return datetime.combine(now().astimezone(zone).date(), time(), zone)


async def spent(session: AsyncSession, connection: Connection) -> Spent:
    tokens, money = (
        await session.execute(
            select(
                func.coalesce(func.sum(Call.tokens_in + Call.tokens_out), 0),
                func.coalesce(func.sum(Call.cost), 0),
            ).where(Call.connection_id == connection.id, Call.created_at >= await midnight(session))
        )
    ).one()
    return Spent(int(tokens), Decimal(money))


async def forget(session: AsyncSession, *, days: int) -> int:
    """Texts older than so many days, and numbers that nobody reads any more. Returns how many texts."""
    gone = await session.execute(delete(Record).where(Record.created_at < now() - timedelta(days=days)))
    await session.execute(delete(Call).where(Call.created_at < now() - NUMBERS_KEPT))
    return int(gone.rowcount)  # type: ignore[attr-defined]
