"""Articles that say the same twice, and sentences that say one thing where an answer or another article says another.

What people answered counts where two of them, in different tickets, have said the same other thing since the article
was last settled.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.learning.differing import SAME_WORDS, Difference, Line, differs
from ai.learning.findings import Found, Kind
from ai.questions import matter
from helpdesk.clock import now
from helpdesk.database import Opened
from helpdesk.ports import Embedder, Vectors
from kb.articles import Article, Audience
from kb.chunks import sentences
from kb.index import Chunk, ChunkVector
from kb.readers import Reader, readable

ALIKE = 0.9
"""Cosine of two passages that say the same."""
DOUBLED = 0.6
"""Share of an article's passages that another one says, too."""
NEAR = 0.6
"""Cosine of two sentences that are about the same thing."""
FORM = 2
"""Articles that a sentence disagrees with; with more it is a form, filled in differently in each of them."""
LATELY = timedelta(days=60)
ANSWERS = 1_500
PASSAGES = 5_000
BATCH = 64
AGREE = 2
"""Answers in different tickets that say the same other thing."""
LATEST = """
    SELECT answer.id, answer.ticket_id, answer.text, answer.sent_at FROM message AS answer
    JOIN ticket ON ticket.id = answer.ticket_id
    WHERE answer.direction = 'outbound' AND answer.agent_id IS NOT NULL AND answer.side_id IS NULL
      AND answer.withdrawn_at IS NULL AND answer.sent_at >= :since AND ticket.removed IS NULL
      AND ticket.erased_at IS NULL
    ORDER BY answer.id DESC LIMIT :most
"""


async def duplicates(session: AsyncSession, embedder: Embedder) -> list[Found]:
    return doubled(*await _passages(session, embedder))


def doubled(articles: np.ndarray, vectors: Vectors) -> list[Found]:
    """`articles` has the article's id of each passage, in order."""
    ids = sorted(set(articles.tolist()))
    found = []
    for place, one in enumerate(ids):
        mine = vectors[articles == one]
        for other in ids[place + 1 :]:
            cosines = mine @ vectors[articles == other].T
            share = max(
                float((cosines.max(axis=1) >= ALIKE).mean()), float((cosines.max(axis=0) >= ALIKE).mean())
            )
            if share >= DOUBLED:
                found.append(
                    Found(kind=Kind.duplicate, size=2, score=round(share, 3), article_id=one, other_id=other)
                )
    return sorted(found, key=lambda each: -each.score)


async def contradictions(opened: Opened, embedder: Embedder) -> list[Found]:
    async with opened() as session:
        told, answers = await _told(session), await _answers(session)
    if not told:
        return []
    return contradicted(told, answers, await _vectors(embedder, told), await _vectors(embedder, answers))


def contradicted(
    told: Sequence[Line], answers: Sequence[Line], vectors: Vectors, theirs: Vectors
) -> list[Found]:
    return [*_by_answers(told, vectors, answers, theirs), *_by_each_other(told, vectors)]


async def _vectors(embedder: Embedder, lines: Sequence[Line]) -> Vectors:
    made = [
        await embedder.embed([one.text for one in lines[i : i + BATCH]]) for i in range(0, len(lines), BATCH)
    ]
    return np.concatenate(made) if made else np.zeros((0, embedder.dimensions), np.float32)


def _by_answers(
    told: Sequence[Line], vectors: Vectors, answers: Sequence[Line], theirs: Vectors
) -> Iterator[Found]:
    for place, line in enumerate(told):
        otherwise: list[tuple[Difference, set[int]]] = []
        for i in np.flatnonzero(theirs @ vectors[place] >= NEAR):
            said = answers[int(i)]
            if said.at > line.at and (how := differs(line, said)):
                same = next((tickets for known, tickets in otherwise if known.is_same(how)), None)
                if same is None:
                    otherwise.append((how, {said.of}))
                else:
                    same.add(said.of)
        agreed = [(how, sorted(tickets)) for how, tickets in otherwise if len(tickets) >= AGREE]
        if tickets := sorted({ticket for _how, some in agreed for ticket in some}):
            others = [{**_words(how), "tickets": some} for how, some in agreed]
            yield Found(
                kind=Kind.contradiction,
                tickets=tickets,
                size=len(tickets),
                cost=len(tickets),
                article_id=line.of,
                edit={"sentence": line.text, "others": others},
            )


def _by_each_other(told: Sequence[Line], vectors: Vectors) -> Iterator[Found]:
    pairs = list(_pairs(told, vectors))
    of: dict[int, set[int]] = defaultdict(set)
    for one, other, _how in pairs:
        of[one].add(told[other].of)
        of[other].add(told[one].of)
    seen = set()
    for one, other, how in pairs:
        pair = frozenset((told[one].of, told[other].of))
        if pair in seen or max(len(of[one]), len(of[other])) > FORM:
            continue
        seen.add(pair)
        edit = {"sentence": told[one].text, "others": [{**_words(how), "sentence": told[other].text}]}
        yield Found(
            kind=Kind.contradiction, size=2, article_id=told[one].of, other_id=told[other].of, edit=edit
        )


def _pairs(told: Sequence[Line], vectors: Vectors) -> Iterator[tuple[int, int, Difference]]:
    """Places of two sentences in different articles, the earlier first."""
    for one, line in enumerate(told):
        for i in np.flatnonzero(vectors[one + 1 :] @ vectors[one] >= NEAR):
            other = one + 1 + int(i)
            if told[other].of != line.of and (how := differs(line, told[other], alike=SAME_WORDS)):
                yield one, other, how


def _words(how: Difference) -> dict[str, Any]:
    return {"says": how.says, "instead": how.instead}


def compared() -> ColumnElement[bool]:
    """What is written for one company may well say another thing than what is written for all."""
    return and_(readable(Reader.agent()), Article.audience != Audience.companies)


async def _passages(session: AsyncSession, embedder: Embedder) -> tuple[np.ndarray, Vectors]:
    rows = await session.execute(
        select(Chunk.article_id, ChunkVector.embedding)
        .join(ChunkVector, ChunkVector.chunk_id == Chunk.id)
        .join(Article, Article.id == Chunk.article_id)
        .where(compared(), Chunk.position > 0, ChunkVector.embedder == embedder.name)
        .order_by(Chunk.article_id, Chunk.position)
        .limit(PASSAGES)
    )
    found = [(row.article_id, np.asarray(row.embedding, np.float32)) for row in rows]
    if not found:
        return np.zeros(0, np.int64), np.zeros((0, embedder.dimensions), np.float32)
    return np.array([one for one, _ in found]), np.stack([each for _, each in found])


async def _told(session: AsyncSession) -> list[Line]:
    rows = await session.execute(
        select(Chunk.article_id, Chunk.text, Article.updated_at)
        .join(Article, Article.id == Chunk.article_id)
        .where(compared(), Chunk.position > 0)
        .order_by(Chunk.article_id, Chunk.position)
        .limit(PASSAGES)
    )
    every = [line for row in rows for line in lines(row.text, row.article_id, row.updated_at)]
    once = {(line.of, line.text): line for line in every}  # passages overlap
    return list(once.values())


async def _answers(session: AsyncSession) -> list[Line]:
    rows = await session.execute(text(LATEST), {"since": now() - LATELY, "most": ANSWERS})
    return [line for row in rows for line in lines(matter(row.text), row.ticket_id, row.sent_at)]


def lines(words: str, of: int, at: datetime) -> Iterator[Line]:
    for paragraph in words.split("\n"):
        if " | " in paragraph:  # a row of a table says nothing without its head
            continue
        for sentence in sentences(paragraph.strip()):
            if line := Line.read(sentence, of, at):
                yield line
