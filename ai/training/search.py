"""The search's two weights, chosen on other sets than the one that is reported:

python -m ai.training.search MODELS_HOME DATABASE_URL FOLDER FOLDER [FOLDER …]

Each folder holds articles.jsonl and questions.jsonl. For each set in turn, NAMED and WORDS are chosen on the others:
where their mean reciprocal rank is best, the neighbours on the grid counted in, so that no lucky point wins. What that
choice is worth on the set left out is what may be said of a help centre that nobody has seen.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import helpdesk.tickets  # noqa: F401 - tables name each other
from ai.embedding import embedder
from ai.evaluation.intervals import share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, articles, questions
from helpdesk.database import engine, sessions
from helpdesk.ports import Embedder
from helpdesk.settings import Settings
from kb.readers import Reader
from kb.search import NAMED, WORDS, Asked, ranked, scores_sql

STEPS = np.round(np.arange(0, 0.55, 0.05), 2)
"""Of either weight."""

Ranks = NDArray[np.int64]
"""(weight of the title, weight of words, question): place of the first right article, 0 where it is no candidate."""


async def main(home: Path, database: str, folders: Sequence[Path]) -> None:
    model = embedder(Settings(home=home), threads=2)
    ranks = {}
    for folder in folders:
        async with sessions(engine(database))() as session:  # never committed
            ranks[folder.name] = await ranks_on(session, model, folder)
    print(json.dumps({name: left_out(name, ranks) for name in ranks}))  # noqa: T201 - a script


async def ranks_on(session: AsyncSession, model: Embedder, folder: Path) -> Ranks:
    await knowledge_of(session, model, articles(folder / "articles.jsonl"))
    rows = await session.execute(text("SELECT id, slug FROM article"))
    slugs = {row.id: row.slug for row in rows}
    asked = [each for each in questions(folder / "questions.jsonl") if each.articles]
    return np.stack([await places(session, model, each, slugs) for each in asked], axis=-1)


async def places(
    session: AsyncSession, model: Embedder, question: Question, slugs: dict[int, str]
) -> NDArray[np.int64]:
    asked = await Asked.of(session, model, question.text, locale="en")
    rows = await session.execute(text(scores_sql(len(asked.vector), Reader.public())), asked.parameters)
    found = sorted(ranked(rows, asked.words), key=lambda each: each.article_id)
    right = np.array([slugs[each.article_id] in question.articles for each in found], bool)
    if not right.any():
        return np.zeros((len(STEPS), len(STEPS)), np.int64)
    meant = np.array([max(each.dense, each.title_score) for each in found])
    named = np.array([each.title_score for each in found])
    shared = np.array([each.together.shared(each.words) for each in found])
    grid = meant + STEPS[:, None, None] * named + STEPS[None, :, None] * shared
    best = np.where(right, grid, -np.inf).max(-1, keepdims=True)
    ahead = (grid > best) | ((grid == best) & (np.cumsum(right) == 0))  # the search breaks ties by number
    return np.asarray(ahead.sum(-1) + 1, np.int64)


def left_out(name: str, ranks: dict[str, Ranks]) -> dict[str, Any]:
    others = [each for other, each in ranks.items() if other != name]
    i, j = best_of(np.mean([reciprocal(each).mean(-1) for each in others], axis=0))
    shipped = (int(abs(STEPS - NAMED).argmin()), int(abs(STEPS - WORDS).argmin()))
    return {
        "chosen_on": [other for other in ranks if other != name],
        "title": float(STEPS[i]),
        "words": float(STEPS[j]),
        **hits(ranks[name][i, j]),
        "as_shipped": hits(ranks[name][shipped]),
    }


def reciprocal(ranks: Ranks) -> NDArray[np.float64]:
    return np.where(ranks > 0, 1 / ranks.clip(1), 0.0)


def best_of(grid: NDArray[np.float64]) -> tuple[int, int]:
    """Where it is best on average over a point and those around it."""
    padded = np.pad(grid, 1, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    i, j = np.unravel_index(int(np.nanmean(around, axis=(2, 3)).argmax()), grid.shape)
    return int(i), int(j)


def hits(ranks: Ranks) -> dict[str, Any]:
    found = ranks > 0
    return {
        "hit@1": share(int((ranks == 1).sum()), len(ranks)),
        "hit@5": share(int((found & (ranks <= 5)).sum()), len(ranks)),
    }


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], [Path(each) for each in sys.argv[3:]]))
