"""From which risk on drafts are offered where a desk has too few articles to know its neighbours (`levels.FEW`):

python -m ai.training.small MODELS_HOME DATABASE_URL FOLDER [FOLDER …]

Small desks are drawn out of larger ones: twelve articles that questions are about, asked those questions and as many
about articles of the same help centre that this desk does not have. Each folder holds articles.jsonl and
questions.jsonl.
"""

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

import helpdesk.tickets  # noqa: F401 - tables name each other
from ai.answerability import gate
from ai.embedding import embedder
from ai.evaluation.intervals import share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, SetArticle, articles, questions
from ai.levels import Neighbourhood
from helpdesk.database import engine, sessions
from helpdesk.ports import Embedder
from helpdesk.settings import Settings
from kb.readers import Reader
from kb.search import search

SIZE = 12
DESKS = 6
"""Drawn out of each set."""
ASKED = 20
"""Questions a desk, of either kind."""
RISKS = (0.05, 0.15, 0.25, 0.3, 0.35, 0.4, 0.45)

Seen = tuple[bool, bool, float]
"""There is an answer; the best article is one; the chance."""


async def main(home: Path, database: str, folders: Sequence[Path]) -> None:
    model = embedder(Settings(home=home), threads=2)
    seen: dict[str, list[Seen]] = {}
    for folder in folders:
        known = articles(folder / "articles.jsonl")
        asked = [each for each in questions(folder / "questions.jsonl") if each.articles]
        seen[folder.name] = []
        for seed in range(DESKS):
            async with sessions(engine(database))() as session:  # never committed
                seen[folder.name] += await of_a_desk(session, model, known, asked, random.Random(seed))  # noqa: S311
    told = {name: by_risk(rows) for name, rows in seen.items()}
    told["together"] = by_risk([row for rows in seen.values() for row in rows])
    print(json.dumps(told))  # noqa: T201 - a script


async def of_a_desk(
    session: AsyncSession,
    model: Embedder,
    known: Sequence[SetArticle],
    asked: Sequence[Question],
    chance: random.Random,
) -> list[Seen]:
    wanted = sorted({each.articles[0] for each in asked})
    kept = set(chance.sample(wanted, min(SIZE, len(wanted) // 2)))
    here = [each for each in asked if kept & set(each.articles)]
    elsewhere = [each for each in asked if not kept & set(each.articles)]
    await knowledge_of(session, model, [each for each in known if each.id in kept])
    found = []
    for each in [*drawn(here, chance), *drawn(elsewhere, chance)]:
        hits = await search(session, model, each.text, reader=Reader.public(), limit=12)
        right = bool(hits) and hits[0].slug in each.articles
        found.append((bool(kept & set(each.articles)), right, gate().chance(hits)))
    return found


def drawn(rows: Sequence[Question], chance: random.Random) -> list[Question]:
    return chance.sample(rows, min(ASKED, len(rows)))


def by_risk(seen: Sequence[Seen]) -> dict[str, Any]:
    inside = [(right, chance) for there_is, right, chance in seen if there_is]
    outside = [chance for there_is, _, chance in seen if not there_is]
    told = {}
    for risk in RISKS:
        least = Neighbourhood.shipped().threshold(risk)
        said = [right for right, chance in inside if chance >= least]
        told[str(risk)] = {
            "answered": share(len(said), len(inside)),
            "right": share(sum(said), len(said)),
            "false": share(sum(chance >= least for chance in outside), len(outside)),
        }
    return told


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], [Path(each) for each in sys.argv[3:]]))
