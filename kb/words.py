"""The telling words of a question: stemmed, weighed, with what means the same and what was meant by a typo."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

from sqlalchemy import CheckConstraint, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from helpdesk.database import Row
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from kb.grams import RUN, pairs
from kb.index import stemmer_of

MOST = 24
"""Words of a long question; the rest costs time and finds nothing."""
LONGEST = 8000
SAME = 0.8
"""How much a word counts that stands for another one."""
TYPOS = 4
"""Unknown words of a question for which the desk's own are compared."""
ALIKE = 0.45
"""Share of the trigrams that a typo has in common with what was meant."""
MOST_GROUPS = 500
MOST_OF_A_GROUP = 20


class WordGroup(Row):
    """Words or short phrases that mean the same to this desk's customers."""

    __tablename__ = "word_group"
    __table_args__ = (CheckConstraint("cardinality(words) > 1", name="more_than_one"),)

    words: Mapped[list[str]]
    one_way: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Who looks for the first finds the others, and not the other way round."""

    @classmethod
    def of(cls, words: Sequence[str], *, one_way: bool = False) -> "WordGroup":
        return cls(words=checked(words), one_way=one_way)

    def others(self, word: str) -> list[str]:
        if self.one_way and word != self.words[0]:
            return []
        return [other for other in self.words if other != word]


def checked(words: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(" ".join(word.lower().split()) for word in words))
    found = [word for word in found if any(letter.isalnum() for letter in word)]
    if len(found) < 2:
        raise Invalid(_("A group needs at least two different words."))
    if len(found) > MOST_OF_A_GROUP or any(len(word) > 60 for word in found):
        raise Invalid(_("A group has at most 20 words or phrases of up to 60 characters."))
    return found


@dataclass(frozen=True)
class Word:
    """One of the question's words. `terms` are the ways in which a passage may have it, as tsquery, with what
    each of them counts."""

    lexeme: str
    idf: float
    passages: int
    terms: tuple[tuple[str, float], ...]
    meant: str = ""
    """Where nobody writes it so: the desk's own word that it was taken for."""
    written: str = ""
    """As it stands in the question, where its stem begins it."""


@dataclass(frozen=True)
class Words:
    all: tuple[Word, ...] = ()
    highest_idf: float = 0.0
    """Of a word that only one passage has."""

    @property
    def total_idf(self) -> float:
        return sum(word.idf for word in self.all)

    def rare(self, most: int) -> str:
        """As many of the rarest as `most` passages have, as one tsquery: what is everywhere finds nothing."""
        taken: list[str] = []
        room = most
        for word in sorted(self.all, key=lambda each: each.passages):
            room -= word.passages
            if room < 0 and (taken or word.passages > 5 * most):
                break
            taken += [term for term, _ in word.terms]
        return " | ".join(taken)


READ = text("""
    SELECT set_config('hnsw.ef_search', :breadth, true), set_config('hnsw.iterative_scan', 'relaxed_order', true),
           word, idf, passages, (SELECT max(idf) FROM lexeme) AS highest
    FROM (SELECT 1) AS once LEFT JOIN LATERAL unnest(tsvector_to_array(
      to_tsvector(CAST(:stemmer AS regconfig), :question) || to_tsvector('simple', :grams)
    )) AS word ON true LEFT JOIN lexeme USING (word)
    ORDER BY idf DESC NULLS FIRST
""")


async def telling_words(session: AsyncSession, question: str, *, locale: str, breadth: int = 100) -> Words:
    """The question's words with their idf; one that no passage has tells nothing and finds nothing, but it
    counts against the coverage. For the rest of the transaction vectors are searched `breadth` wide."""
    question = question[:LONGEST]
    stemmer = stemmer_of(locale)
    rows = (
        await session.execute(
            READ,
            {"stemmer": stemmer, "question": question, "grams": pairs(question), "breadth": str(breadth)},
        )
    ).all()
    found = [row for row in rows if row.word and not _is_whole_clause(row.word)]
    highest = rows[0].highest or log(10)
    same = await _same(session, question, stemmer)
    meant = await _meant(session, [r.word for r in found if r.idf is None and r.word not in same])
    tokens = re.findall(r"\w+", question.lower())
    words = [
        replace(
            _word(row, highest, same.get(row.word, []), meant.get(row.word)),
            written=next((token for token in tokens if token.startswith(row.word)), ""),
        )
        for row in found
    ]
    # what was typed wrong weighs what was meant
    words.sort(key=lambda word: -word.idf)
    return Words(tuple(words[:MOST]), highest)


def _is_whole_clause(word: str) -> bool:
    """Its pairs stand for it."""
    return len(word) > 2 and RUN.fullmatch(word) is not None


def _word(row: Any, highest: float, same: Iterable[str], meant: Any) -> Word:
    others = [(term, SAME) for term in same]
    if row.idf is None and meant is not None:
        terms = [(as_tsquery(meant.word), float(meant.alike)), (as_tsquery(row.word), 1.0), *others]
        return Word(row.word, meant.idf, meant.passages, tuple(terms), meant=meant.word)
    terms = [(as_tsquery(row.word), 1.0), *others]
    return Word(row.word, highest if row.idf is None else row.idf, row.passages or 0, tuple(terms))


def as_tsquery(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


GROUPS = text("""
    SELECT word_group.id, one_way, n, tsvector_to_array(to_tsvector(CAST(:stemmer AS regconfig), word)) AS lexemes,
           CAST(phraseto_tsquery(CAST(:stemmer AS regconfig), word) AS text) AS query,
           to_tsvector(CAST(:stemmer AS regconfig), :question)
             @@ phraseto_tsquery(CAST(:stemmer AS regconfig), word) AS occurs
    FROM word_group, unnest(words) WITH ORDINALITY AS each (word, n)
    WHERE numnode(phraseto_tsquery(CAST(:stemmer AS regconfig), word)) > 0
    ORDER BY word_group.id, n
""")


async def _same(session: AsyncSession, question: str, stemmer: str) -> dict[str, list[str]]:
    """Lexeme of the question → tsqueries that mean the same. A phrase hangs on its last word."""
    rows = (await session.execute(GROUPS, {"stemmer": stemmer, "question": question})).all()
    found: dict[str, list[str]] = {}
    for row in rows:
        if row.occurs and (row.n == 1 or not row.one_way):
            others = [r.query for r in rows if r.id == row.id and r.n != row.n]
            found.setdefault(row.lexemes[-1], []).extend(f"({query})" for query in others)
    return {word: list(dict.fromkeys(queries)) for word, queries in found.items()}


MEANT = text("""
    SELECT DISTINCT ON (typed) typed, near.word, near.idf, near.passages, near.alike
    FROM unnest(CAST(:typed AS text[])) AS typed, LATERAL (
      SELECT word, idf, passages, similarity(word, typed) AS alike FROM lexeme
      WHERE word % typed AND abs(length(word) - length(typed)) < 3 AND word !~ '[0-9]'
      ORDER BY alike DESC, passages DESC, word LIMIT 1
    ) AS near WHERE near.alike >= :alike
""").bindparams(bindparam("typed", type_=ARRAY(Text)))


async def _meant(session: AsyncSession, unknown: Sequence[str]) -> dict[str, Any]:
    """Words with digits are names and codes: another one is not what was meant."""
    typed = [word for word in unknown if len(word) > 3 and word.isalpha()][:TYPOS]
    if not typed:
        return {}
    rows = await session.execute(MEANT, {"typed": typed, "alike": ALIKE})
    return {row.typed: row for row in rows}


async def groups(session: AsyncSession) -> Sequence[WordGroup]:
    found = await session.scalars(select(WordGroup).order_by(WordGroup.words))
    return found.all()
