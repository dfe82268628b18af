"""One ranked answer for agents, over articles, solved tickets and macros, each with its kind and why it is there.

Scores of all kinds are absolute and made in the same way (kb/search.py), so they stand in one order; a ticket or a
macro gives way to an article that says the same, since articles were written to be read.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import is_visible
from helpdesk.macros import Macro
from helpdesk.people import Agent
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from kb.index import DIMENSIONS
from kb.precedents import SOLVED
from kb.readers import Reader
from kb.search import CANDIDATES, STRENGTHS, TERMS, WORDS, Asked, Hit, Strengths, search

SECOND = 0.1
"""What an article is ahead of a ticket or macro that fits as well."""
NEAR = 0.3
"""Cosine below which what shares no two telling words with the question has nothing to do with it."""


class Kind(StrEnum):
    article = "article"
    ticket = "ticket"
    macro = "macro"


@dataclass(frozen=True, kw_only=True)
class Found:
    kind: Kind
    title: str
    text: str
    """The passage that answers, the answer that solved it, or what the macro says."""
    asked: str = ""
    """Of a ticket: what the customer wrote."""
    number: int | None = None  # of a ticket
    macro_id: int | None = None
    hit: Hit | None = None  # of an article
    dense: float
    words: tuple[str, ...]
    fused: float

    @property
    def is_near(self) -> bool:
        return self.dense >= NEAR or len(self.words) > 1


async def found_everywhere(
    session: AsyncSession,
    embedder: Embedder,
    question: str,
    *,
    agent: Agent,
    limit: int = 8,
    locale: str = "en",
    besides: int | None = None,
) -> list[Found]:
    """What helps this agent, best first; of tickets only those that they may know of. `besides` is the id of the
    ticket that is open: it is no precedent of itself."""
    if not question.strip():
        return []
    hits = await search(session, embedder, question, reader=Reader.agent(), limit=limit, locale=locale)
    asked = await Asked.of(session, embedder, question, locale=locale)
    rows = await session.execute(
        text(precedents_sql(len(asked.vector), agent)), {**asked.parameters, "besides": besides or 0}
    )
    found = [_of_article(hit) for hit in hits] + [_of_precedent(row, asked) for row in rows]
    return sorted((each for each in found if each.is_near), key=lambda each: -each.fused)[:limit]


def _of_article(hit: Hit) -> Found:
    return Found(
        kind=Kind.article,
        title=hit.title,
        text=hit.best.text,
        hit=hit,
        dense=max(hit.dense, hit.title_score),
        words=hit.reasons,
        fused=hit.fused,
    )


def _of_precedent(row: Any, asked: Asked) -> Found:
    strengths = Strengths.of(row.places, row.strengths)
    return Found(
        kind=Kind.ticket if row.ticket_id else Kind.macro,
        title=row.title,
        text=row.text,
        asked=row.asked,
        number=row.number,
        macro_id=row.macro_id,
        dense=row.dense,
        words=strengths.shown(asked.words)[:5],
        fused=row.dense + WORDS * strengths.shared(asked.words) - SECOND,
    )


def precedents_sql(dimensions: int, agent: Agent) -> str:
    """The gate stands within the statement, before anything is ranked or cut off."""
    cast = f"halfvec({dimensions})" if dimensions in DIMENSIONS else "halfvec"
    seen = f"""
        (precedent.ticket_id IN ({_ids(Ticket, is_visible(agent))}) AND precedent.ticket_id <> :besides
         OR precedent.macro_id IN ({_ids(Macro, Macro.seen_by(agent))}))
    """
    return f"""
        WITH {TERMS},
        near AS (
            SELECT precedent.id FROM precedent_vector AS v JOIN precedent ON precedent.id = v.precedent_id
            WHERE v.embedder = :embedder AND vector_dims(v.embedding) = :dimensions AND {seen}
            ORDER BY v.embedding::{cast} <#> CAST(:vector AS {cast}) LIMIT {CANDIDATES // 2}
        ),
        worded AS (
            SELECT precedent.id FROM precedent WHERE lexemes @@ CAST(:any_word AS tsquery) AND {seen}
            ORDER BY ts_rank('{{.1,.2,.4,1}}', lexemes, CAST(:any_word AS tsquery), 1) DESC
            LIMIT {CANDIDATES // 4}
        ),
        candidate AS MATERIALIZED (SELECT id FROM near UNION SELECT id FROM worded)
        SELECT precedent.ticket_id, precedent.macro_id, ticket.number, precedent.title, precedent.asked,
               precedent.text, -(v.embedding::{cast} <#> CAST(:vector AS {cast})) AS dense,
               score.places, score.strengths
        FROM candidate JOIN precedent USING (id)
        JOIN precedent_vector AS v ON v.precedent_id = precedent.id AND v.embedder = :embedder
        LEFT JOIN ticket ON ticket.id = precedent.ticket_id
        LEFT JOIN macro ON macro.id = precedent.macro_id
        CROSS JOIN {STRENGTHS.format(lexemes="precedent.lexemes")}
        WHERE (ticket.id IS NOT NULL AND {SOLVED}) OR (macro.id IS NOT NULL AND NOT macro.archived)
    """  # noqa: S608 - words of ours; the conditions hold ids that the database gave


def _ids(model: type[Ticket] | type[Macro], allowed: ColumnElement[bool]) -> str:
    compiled = (
        select(model.id)
        .where(allowed)
        .compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
    )
    return str(compiled).replace(":", r"\:")
