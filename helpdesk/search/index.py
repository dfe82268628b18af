"""What is kept so that messages are found by their words, and how it is brought up to date.

A trigger notes which messages have changed; `fill` reads them in batches, in one statement each, so that a
mail costs the intake one small row. The index's first column is a block of 65,536 messages: a search goes
from the newest block to older ones and stops when it has enough, however many messages a word is in.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base

BLOCK = 16
"""Bits of a message's id within its block."""
BATCH = 500
LONGEST = 100_000
"""Characters of a message that are searched; beyond it come logs and tables of numbers."""


class MessageSearch(Base):
    """The words of one message as PostgreSQL's stemmers leave them, with the names of its files; those of a
    ticket's first message have its subject as well."""

    __tablename__ = "message_search"

    message_id: Mapped[int] = mapped_column(
        ForeignKey("message.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    document: Mapped[Any] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("ix_message_search_ticket", "ticket_id", "message_id"),
        Index(
            "ix_message_search_words",
            text(f"(message_id >> {BLOCK})"),
            "document",
            postgresql_using="gin",
        ),
    )


search_todo = Table("search_todo", Base.metadata, Column("message_id", BigInteger, nullable=False))
"""Messages to be read again; one may stand there more than once."""

search_backfill = Table("search_backfill", Base.metadata, Column("below", BigInteger, nullable=False))
"""Messages with lower ids that were there before the index are still to be read; one row, or none when done."""

search_configuration = Table("search_configuration", Base.metadata, Column("name", Text, primary_key=True))
"""Text search configurations that occur in the index: a query is read by each of them."""


def search_query(words: str) -> Any:
    """A tsquery for what somebody typed, read once a statement: quotes, `or` and `-` as on the web."""
    return select(func.search_query(words)).scalar_subquery()


async def fill(session: AsyncSession, limit: int = BATCH) -> int:
    """Read what has changed, and then older messages that were never read; how many. Several may do it at once."""
    done = await session.scalar(select(func.search_fill(limit)))
    return int(done or 0)
