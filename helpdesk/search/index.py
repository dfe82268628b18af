"""What is kept so that messages are found by their words, and how it is brought up to date.

A trigger notes which messages have changed; `fill` reads them in batches, in one statement each, so that a
mail costs the intake one small row. The index's first column is a block of 65,536 messages: a search goes
from the newest block to older ones and stops when it has enough, however many messages a word is in.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base
from helpdesk.statements import own_plans

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


@dataclass(frozen=True)
class Readings:
    """What somebody typed, each as a tsquery, and the newest message that has words."""

    queries: Mapping[str, str] = field(default_factory=dict)
    newest: int = 0


async def read(session: AsyncSession, texts: Iterable[str]) -> Readings:
    """Statements after it are planned for their own values and run in one process: how common a word, tag or field
    is decides between milliseconds and seconds, and lists are too short to share the work."""
    each = func.unnest(cast(list(texts), ARRAY(Text))).column_valued("typed")
    queries = select(func.json_object_agg(each, cast(func.search_query(each), Text))).scalar_subquery()
    newest = select(func.max(MessageSearch.message_id)).scalar_subquery()
    alone = func.set_config("max_parallel_workers_per_gather", "0", True)
    row = (await session.execute(select(queries, newest, own_plans(True), alone))).one()
    return Readings(row[0] or {}, row[1] or 0)


def reading(query: str) -> Any:
    return cast(query, TSQUERY)


async def fill(session: AsyncSession, limit: int = BATCH) -> int:
    """Read what has changed, and then older messages that were never read; how many. One does it at a time."""
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    wanted = list(await session.scalars(text(CLAIM), {"limit": limit}))
    if not wanted:
        wanted = list(await session.scalars(text(OLDER), {"limit": limit}))
        await session.execute(text(DONE))
    if wanted:
        await session.execute(text(FORGET), {"ids": wanted})
        await _read(session, wanted)
    return len(wanted)


async def read_now(session: AsyncSession, ticket_ids: Collection[int]) -> None:
    """For whoever asks about the words of these tickets before `fill` has come by; it reads them once more."""
    if wanted := list(await session.scalars(text(UNREAD), {"tickets": list(ticket_ids)})):
        await _read(session, wanted)


async def _read(session: AsyncSession, message_ids: Sequence[int]) -> None:
    ids = {"ids": sorted(set(message_ids))}
    await session.execute(text(CONFIGURATIONS), ids)
    await session.execute(text(READ), ids | {"longest": LONGEST})


async def behind(session: AsyncSession) -> bool:
    """Whether older messages are still to be read, so that a search may not find everything yet."""
    return await session.scalar(select(func.count()).select_from(search_backfill)) != 0


LOCK = 0x77_6F_72_64
CLAIM = """
DELETE FROM search_todo WHERE ctid IN (SELECT ctid FROM search_todo LIMIT :limit) RETURNING message_id
"""
UNREAD = """
SELECT message_id FROM search_todo JOIN message ON message.id = message_id WHERE message.ticket_id = ANY(:tickets)
"""
OLDER = """
WITH next AS (
  SELECT id FROM message WHERE id < (SELECT below FROM search_backfill) ORDER BY id DESC LIMIT :limit
), moved AS (
  UPDATE search_backfill SET below = (SELECT min(id) FROM next) WHERE EXISTS (SELECT FROM next)
)
SELECT id FROM next
"""
DONE = """
DELETE FROM search_backfill WHERE NOT EXISTS (SELECT FROM message WHERE id < below)
"""
FORGET = """
DELETE FROM message_search USING message
WHERE message_search.message_id = ANY(:ids) AND message.id = message_search.message_id
  AND (message.withdrawn_at IS NOT NULL OR message.copy_of_id IS NOT NULL)
"""
WORDS = """
  FROM message JOIN ticket ON ticket.id = message.ticket_id JOIN contact ON contact.id = ticket.contact_id,
  LATERAL (SELECT search_configuration_of(coalesce(ticket.language, nullif(contact.language, ''),
    (SELECT value #>> '{}' FROM desk_option WHERE name = 'language'), 'en')) AS name) AS configuration
  WHERE message.id = ANY(:ids) AND message.withdrawn_at IS NULL AND message.copy_of_id IS NULL
"""
CONFIGURATIONS = f"""
INSERT INTO search_configuration SELECT DISTINCT configuration.name {WORDS} ON CONFLICT DO NOTHING
"""
READ = f"""
INSERT INTO message_search (message_id, ticket_id, document)
SELECT message.id, message.ticket_id, to_tsvector(configuration.name::regconfig, concat_ws(E'\\n',
    CASE WHEN NOT EXISTS (SELECT FROM message AS earlier
                          WHERE earlier.ticket_id = message.ticket_id AND earlier.id < message.id)
         THEN ticket.subject END,
    left(message.text, :longest),
    (SELECT string_agg(name || ' ' || regexp_replace(name, '[^[:alnum:]]+', ' ', 'g'), E'\\n')
     FROM attachment WHERE attachment.message_id = message.id AND NOT inline)))
{WORDS}
ORDER BY message.id
ON CONFLICT (message_id) DO UPDATE SET ticket_id = excluded.ticket_id, document = excluded.document
"""  # noqa: S608
