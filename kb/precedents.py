"""What helped before: solved tickets with the answer that solved them, and macros. For agents only, and a table of
their own, so that no search for customers can meet them.

A ticket is found by what was asked. Whether somebody may know of it is asked anew with every search; what is no
longer solved, or was removed or erased, is not found from that moment on, and deleted with the next round.
"""

from collections.abc import Callable, Sequence
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    delete,
    select,
    text,
)
from sqlalchemy import insert as insert_
from sqlalchemy.dialects.postgresql import REGCONFIG, TSVECTOR
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Row
from helpdesk.ports import Embedder
from kb.grams import pairs
from kb.index import stemmer_of, vector_indexes

KEPT = 20_000
"""The newest solved tickets that are found; older ones mostly tell of how things were."""
ASKED = 1200
ANSWERED = 2000  # characters


class Precedent(Row):
    __tablename__ = "precedent"
    __table_args__ = (
        CheckConstraint("(ticket_id IS NULL) <> (macro_id IS NULL)", name="of_one"),
        Index("ix_precedent_lexemes", "lexemes", postgresql_using="gin"),
    )

    ticket_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"), unique=True
    )
    macro_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("macro.id", ondelete="CASCADE"), unique=True
    )
    question_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    answer_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    title: Mapped[str]
    asked: Mapped[str]
    """What the customer wrote first; empty for a macro."""
    text: Mapped[str]
    """What solved it, or what the macro says."""
    grams: Mapped[str] = mapped_column(default="", server_default="")
    stemmer: Mapped[str] = mapped_column(REGCONFIG)
    lexemes: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector(stemmer, title), 'A') "
            "|| setweight(to_tsvector(stemmer, asked || ' ' || text), 'D') "
            "|| setweight(to_tsvector('simple'::regconfig, grams), 'D')",
            persisted=True,
        ),
        deferred=True,
    )

    @property
    def embedded(self) -> str:
        """A question is compared with what was asked, not with what was answered."""
        return "\n".join(filter(None, [self.title, self.asked or self.text]))


class PrecedentVector(Base):
    """As `ChunkVector`."""

    __tablename__ = "precedent_vector"
    __table_args__ = vector_indexes("precedent_vector")

    precedent_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("precedent.id", ondelete="CASCADE"), primary_key=True
    )
    embedder: Mapped[str] = mapped_column(primary_key=True)
    precision: Mapped[str]
    embedding: Mapped[Any] = mapped_column(HALFVEC(), deferred=True)


SOLVED = (
    "ticket.settled AND ticket.removed IS NULL AND ticket.merged_into_id IS NULL AND ticket.erased_at IS NULL"
)
"""In words that stand in every statement here."""

ANSWERS = """
    SELECT ticket.id AS ticket_id, ticket.subject, ticket.language, question.id AS question_id,
           question.text AS asked, answer.id AS answer_id, answer.text AS answered
    FROM ticket
    CROSS JOIN LATERAL (
      SELECT id, text FROM message WHERE ticket_id = ticket.id AND direction = 'inbound' AND side_id IS NULL
        AND copy_of_id IS NULL AND btrim(text) <> '' ORDER BY id LIMIT 1
    ) AS question
    CROSS JOIN LATERAL (
      SELECT id, text FROM message WHERE ticket_id = ticket.id AND direction = 'outbound' AND side_id IS NULL
        AND copy_of_id IS NULL AND withdrawn_at IS NULL AND agent_id IS NOT NULL AND id > question.id
        AND btrim(text) <> '' ORDER BY id DESC LIMIT 1
    ) AS answer
"""
NEW = f"""
    SELECT recent.* FROM (
      SELECT ticket.id FROM ticket WHERE {SOLVED} ORDER BY ticket.id DESC LIMIT {KEPT}
    ) AS newest
    CROSS JOIN LATERAL ({ANSWERS} WHERE ticket.id = newest.id) AS recent
    LEFT JOIN precedent ON precedent.ticket_id = recent.ticket_id
    WHERE precedent.id IS NULL OR precedent.answer_id IS DISTINCT FROM recent.answer_id
    ORDER BY recent.ticket_id DESC LIMIT :most
"""  # noqa: S608 - words of ours
STALE = f"""
    DELETE FROM precedent WHERE ticket_id IS NOT NULL AND (
      NOT EXISTS (SELECT FROM ticket WHERE ticket.id = precedent.ticket_id AND {SOLVED})
      OR ticket_id < coalesce(
        (SELECT ticket.id FROM ticket WHERE {SOLVED} ORDER BY ticket.id DESC OFFSET {KEPT} LIMIT 1), 0))
"""  # noqa: S608 - words of ours
MACROS = """
    SELECT macro.id, macro.name, macro.folder, macro.body FROM macro
    LEFT JOIN precedent ON precedent.macro_id = macro.id
    WHERE NOT macro.archived AND macro.body <> '' AND (
      precedent.id IS NULL OR precedent.title <> macro.name OR precedent.text <> macro.body)
    ORDER BY macro.id LIMIT :most
"""
GONE_MACROS = """
    DELETE FROM precedent USING macro WHERE macro.id = precedent.macro_id AND (macro.archived OR macro.body = '')
"""


async def index_precedents(
    session: AsyncSession,
    embedder: Embedder,
    *,
    tidy: Callable[[str], str] = str.strip,
    locale: str = "en",
    limit: int = 50,
) -> int:
    """Take in up to `limit` solved tickets, macros, or ones that this model has not seen; returns how many.
    `tidy` takes greetings and signatures off a letter. Call it until it returns 0."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('precedent'))"))
    await session.execute(text(STALE))
    await session.execute(text(GONE_MACROS))
    made = [
        _of_ticket(row, tidy, locale) for row in (await session.execute(text(NEW), {"most": limit})).all()
    ]
    made += [_of_macro(row, locale) for row in (await session.execute(text(MACROS), {"most": limit})).all()]
    for column in (Precedent.ticket_id, Precedent.macro_id):
        replaced = [id_ for each in made if (id_ := getattr(each, column.key)) is not None]
        await session.execute(delete(Precedent).where(column.in_(replaced)))
    session.add_all(made)
    await session.flush()
    unseen = made or await _unseen(session, embedder, limit)
    await _keep_vectors(session, embedder, unseen)
    return len(unseen)


def _of_ticket(row: Any, tidy: Callable[[str], str], locale: str) -> Precedent:
    asked, answered = tidy(row.asked)[:ASKED], tidy(row.answered)[:ANSWERED]
    return Precedent(
        ticket_id=row.ticket_id,
        question_id=row.question_id,
        answer_id=row.answer_id,
        title=row.subject,
        asked=asked,
        text=answered,
        grams=pairs(f"{row.subject} {asked} {answered}"),
        stemmer=stemmer_of(row.language or locale),
    )


def _of_macro(row: Any, locale: str) -> Precedent:
    return Precedent(
        macro_id=row.id,
        title=row.name,
        asked="",
        text=row.body,
        grams=pairs(f"{row.name} {row.body}"),
        stemmer=stemmer_of(locale),
    )


async def _unseen(session: AsyncSession, embedder: Embedder, limit: int) -> Sequence[Precedent]:
    seen = select(PrecedentVector).where(
        PrecedentVector.precedent_id == Precedent.id, PrecedentVector.embedder == embedder.name
    )
    found = await session.scalars(
        select(Precedent).where(~seen.exists()).order_by(Precedent.id.desc()).limit(limit)
    )
    return found.all()


async def _keep_vectors(session: AsyncSession, embedder: Embedder, made: Sequence[Precedent]) -> None:
    if not made:
        return
    vectors = await embedder.embed([each.embedded for each in made])
    await session.execute(
        insert_(PrecedentVector),
        [
            {
                "precedent_id": each.id,
                "embedder": embedder.name,
                "precision": getattr(embedder, "precision", "fp32"),
                "embedding": vector,
            }
            for each, vector in zip(made, vectors, strict=True)
        ],
    )
