"""Which passage of the article that was found answers: the one that a single sentence of the letter is nearest to.

The whole letter finds the article; about the place in it, its story of how everything came about says little.
"""

from dataclasses import replace

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.questions import matter
from helpdesk.ports import Embedder, Vectors
from kb.articles import ArticleVersion
from kb.chunks import headings, sentences
from kb.search import FoundPassage, Hit

SENTENCE = 0.5
"""Weight of the nearest sentence against the whole letter."""
SENTENCES = 6
LETTERS = 12
"""A sentence with fewer says nothing."""


async def best_passage_first(
    session: AsyncSession, embedder: Embedder, hit: Hit, *, subject: str, letter: str
) -> Hit:
    """Its other passages stay as they are; the first is narrowed to one section where it has several."""
    if not (asked := sentences_of(subject, letter)):
        return hit
    wanted = await embedder.embed(asked)
    near = await nearness(session, embedder, hit, wanted)
    best, *others = sorted(hit.passages, key=lambda p: -(p.dense + SENTENCE * near.get(p.chunk_id, 0.0)))
    known = await headings_of(session, hit)
    first = await narrowed(embedder, best, known, wanted)
    return replace(hit, passages=(first, *(with_bare_headings(each, known) for each in others)))


async def nearness(session: AsyncSession, embedder: Embedder, hit: Hit, wanted: Vectors) -> dict[int, float]:
    """Of each passage to the sentence that is nearest to it."""
    rows = await session.execute(
        text(
            "SELECT chunk_id, CAST(embedding AS real[]) AS vector FROM chunk_vector"
            " WHERE embedder = :embedder AND chunk_id = ANY(:chunks)"
        ),
        {"embedder": embedder.name, "chunks": [passage.chunk_id for passage in hit.passages]},
    )
    return {row.chunk_id: float((wanted @ np.asarray(row.vector, np.float32)).max()) for row in rows}


async def headings_of(session: AsyncSession, hit: Hit) -> frozenset[str]:
    body = await session.scalar(
        select(ArticleVersion.body).where(
            ArticleVersion.article_id == hit.article_id, ArticleVersion.version == hit.version
        )
    )
    return headings(body or "")


def with_bare_headings(passage: FoundPassage, known: frozenset[str]) -> FoundPassage:
    """With a colon they would be taken for a sentence of the article that announces a list."""
    lines = [line.removesuffix(":") if line in known else line for line in passage.text.split("\n")]
    return replace(passage, text="\n".join(lines))


async def narrowed(
    embedder: Embedder, passage: FoundPassage, known: frozenset[str], wanted: Vectors
) -> FoundPassage:
    """Short sections share a passage; quoted together without their headings they would contradict each other."""
    sections: list[list[str]] = [[]]
    for line in passage.text.split("\n"):
        if line in known and line not in sections[-1]:  # a list keeps its steps, however often it is named
            sections.append([])
        sections[-1].append(line)
    whole = ["\n".join(section) for section in sections if set(section) - known]
    if len(whole) > 1:
        vectors = await embedder.embed(whole)
        whole = [whole[int((vectors @ wanted.T).max(axis=1).argmax())]]
    lines = "\n".join(whole).split("\n")
    return replace(passage, text="\n".join(line for line in lines if line not in known))


def sentences_of(subject: str, letter: str) -> list[str]:
    """The subject, however short, and the first of them."""
    paragraphs = [" ".join(each.split()) for each in matter(letter).split("\n\n")]
    every = [sentence for each in paragraphs for sentence in sentences(each)]
    told = [each for each in every if sum(map(str.isalpha, each)) >= LETTERS]
    return [*filter(None, [subject.strip()]), *told[:SENTENCES]]
