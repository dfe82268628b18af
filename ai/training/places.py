"""Which place of an article a draft quotes: python -m ai.training.places MODELS_HOME DATABASE_URL FOLDER [FOLDER …]

Each folder holds articles.jsonl and questions.jsonl with experts' answers. The article that answers is given, so that
only the choice within it counts: of its sections, the desk quotes one, and what it shares with the expert's answer is
their F1, each word by how rare it is in the articles. A hit is the section with the best F1 that the article has.
Beside what ships stand vectors of passages with a share of their title's vector taken out.
"""

import asyncio
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import helpdesk.tickets  # noqa: F401 - tables name each other
from ai.embedding import embedder
from ai.evaluation.intervals import bootstrap, share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, SetArticle, articles, questions
from ai.passages import SENTENCE, best_passage_first, headings_of, narrowed, sentences_of
from helpdesk.database import engine, sessions
from helpdesk.ports import Embedder
from helpdesk.settings import Settings
from kb.readers import Reader
from kb.search import FoundPassage, Hit, search

TAKEN = (0.3, 0.5)
"""Shares of the title's vector."""
STEM = 6
"""Letters of a word that count."""
Row = dict[str, float]
"""F1 by what chose the place, and the `best` that the article has."""


async def main(home: Path, database: str, folders: Sequence[Path]) -> None:
    model = embedder(Settings(home=home), threads=2)
    for folder in folders:
        async with sessions(engine(database))() as session:  # never committed
            print(json.dumps({folder.name: told(await rows_of(session, model, folder))}), flush=True)  # noqa: T201


async def rows_of(session: AsyncSession, model: Embedder, folder: Path) -> list[Row]:
    asked = [q for q in questions(folder / "questions.jsonl") if q.articles and q.answer]
    wanted = {id_ for question in asked for id_ in question.articles}
    known = [article for article in articles(folder / "articles.jsonl") if article.id in wanted]
    await knowledge_of(session, model, known)
    rarity = Rarity(known)
    return [row for question in asked if (row := await row_of(session, model, question, rarity))]


async def row_of(session: AsyncSession, model: Embedder, question: Question, rarity: "Rarity") -> Row | None:
    """None where the article has one section, or nothing is asked."""
    hits = await search(session, model, question.text, reader=Reader.public(), limit=100)
    hit = next((each for each in hits if each.slug in question.articles), None)
    if hit is None or not (asked := sentences_of("", question.text)):
        return None
    known = await headings_of(session, hit)
    sections = {each for passage in hit.passages for each in sections_of(passage, known)}
    if len(sections) < 2:
        return None
    shipped = await best_passage_first(session, model, hit, subject="", letter=question.text)
    wanted = await model.embed(asked)
    row = {"shipped": rarity.f1(shipped.best.text, question.answer)}
    for share_ in TAKEN:
        best = await without_title(session, model, hit, wanted, share_)
        place = await narrowed(model, best, known, wanted)
        row[f"title -{share_}"] = rarity.f1(place.text, question.answer)
    row["best"] = max(rarity.f1(each, question.answer) for each in sections)
    return row


def sections_of(passage: FoundPassage, known: frozenset[str]) -> list[str]:
    """Its text between the headings that stand in it."""
    sections: list[list[str]] = [[]]
    for line in passage.text.split("\n"):
        if line in known:
            sections.append([])
        else:
            sections[-1].append(line)
    return ["\n".join(section) for section in sections if section]


async def without_title(
    session: AsyncSession, model: Embedder, hit: Hit, wanted: NDArray[np.float32], taken: float
) -> FoundPassage:
    rows = await session.execute(
        text(
            "SELECT chunk.id, position, CAST(embedding AS real[]) AS vector FROM chunk"
            " JOIN chunk_vector ON chunk_id = chunk.id WHERE article_id = :article AND embedder = :embedder"
        ),
        {"article": hit.article_id, "embedder": model.name},
    )
    vectors = {row.id: (row.position, np.asarray(row.vector, np.float32)) for row in rows}
    title = next(vector for position, vector in vectors.values() if position == 0)

    def near(passage: FoundPassage) -> float:
        left = vectors[passage.chunk_id][1] - taken * title
        return float((wanted @ (left / np.linalg.norm(left))).max())

    return max(hit.passages, key=lambda passage: passage.dense + SENTENCE * near(passage))


class Rarity:
    def __init__(self, known: Sequence[SetArticle]) -> None:
        self.articles = len(known)
        self.counts = Counter(word for article in known for word in set(words(article.body)))

    def weight(self, found: Counter[str]) -> float:
        return sum(n * math.log(1 + self.articles / (self.counts[word] + 1)) for word, n in found.items())

    def f1(self, said: str, answer: str) -> float:
        one, other = Counter(words(said)), Counter(words(answer))
        total = self.weight(one) + self.weight(other)
        return 2 * self.weight(one & other) / total if total else 0.0


def words(of: str) -> list[str]:
    return [word[:STEM] for word in re.findall(r"\w+", of.lower())]


def told(rows: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {"questions": len(rows)}
    best = np.array([row["best"] for row in rows])
    shipped = np.array([row["shipped"] for row in rows])
    for name in rows[0] if rows else ():
        f1 = np.array([row[name] for row in rows])
        found[name] = {"f1": measured(f1), "hit": share(int((f1 >= best - 1e-9).sum()), len(rows))}
        if name not in {"shipped", "best"}:
            found[name]["f1_more_than_shipped"] = measured(f1 - shipped)
    return found


def measured(values: NDArray[np.float64]) -> dict[str, Any]:
    low, high = bootstrap(lambda drawn: float(values[drawn].mean()), len(values))
    return {"value": round(float(values.mean()), 4), "interval": [round(low, 4), round(high, 4)]}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], [Path(each) for each in sys.argv[3:]]))
