"""Answer or silence at several help centres, each at the threshold that its own articles ask for:

python -m ai.training.silence CLINC150.json MODELS_HOME DATABASE_URL FOLDER FOLDER …

Each folder holds articles.jsonl and questions.jsonl; strangers are CLINC150's, half out of its scope, half in it. A
line is told of each, and one of all together: with every question, and with at most MOST of each, so that none outvotes
the others. `of_their_own` is the order under coefficients fitted on the same help centre, left out by article in turn.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

import helpdesk.tickets  # noqa: F401 - tables name each other
from ai.answerability import features
from ai.embedding import embedder
from ai.evaluation.answers import ANSWERABLE, Case, cases_of, drawn, shares, summary
from ai.evaluation.intervals import auroc, bootstrap
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import articles, questions
from ai.levels import level, measure, neighbours_of_titles
from ai.training.answerability import cross_validated
from helpdesk.database import engine, sessions
from helpdesk.ports import Embedder
from helpdesk.settings import Settings

STRANGERS = 100
"""Of either kind."""
MOST = 400


@dataclass(frozen=True)
class Asked:
    threshold: float
    cases: Sequence[Case]
    neighbours: Sequence[Sequence[float]]


async def main(clinc: Path, home: Path, database: str, folders: Sequence[Path]) -> None:
    model = embedder(Settings(home=home), threads=2)
    strangers = strangers_of(clinc)
    asked = {}
    for folder in folders:
        async with sessions(engine(database))() as session:  # never committed
            asked[folder.name] = await of_one(session, model, folder, strangers)
        print(json.dumps({folder.name: alone(asked[folder.name])}), flush=True)  # noqa: T201 - a script
    print(json.dumps(together(asked)))  # noqa: T201 - a script


def strangers_of(clinc: Path) -> list[str]:
    rows = json.loads(clinc.read_text())
    return [
        text for part in ("oos_test", "test") for text in drawn([row[0] for row in rows[part]], STRANGERS)
    ]


async def of_one(session: AsyncSession, model: Embedder, folder: Path, strangers: Sequence[str]) -> Asked:
    await knowledge_of(session, model, articles(folder / "articles.jsonl"))
    await measure(session, model)
    sure, draft = await level(session, model, alone=True), await level(session, model)
    neighbours = [features(hits) for hits in await neighbours_of_titles(session, model) if hits]
    cases = await cases_of(
        session, model, questions(folder / "questions.jsonl"), sure, draft, strangers=strangers
    )
    return Asked(sure.threshold, cases, neighbours)


def alone(asked: Asked) -> dict[str, Any]:
    right, wrong = sides(asked.cases, cross_validated(asked.cases, asked.neighbours))
    return {"threshold": asked.threshold, **told(asked.cases), "of_their_own": round(auroc(right, wrong), 4)}


def together(asked: Mapping[str, Asked]) -> dict[str, Any]:
    every = [case for each in asked.values() for case in each.cases]
    fewer = [case for each in asked.values() for case in at_most(each.cases)]
    return {"together": told(every), f"together_at_most_{MOST}": told(fewer)}


def at_most(cases: Sequence[Case]) -> list[Case]:
    """A question stays or goes with its near miss."""
    ids = list(dict.fromkeys(case.question for case in cases if case.kind == ANSWERABLE))
    kept = set(drawn(ids, MOST))
    return [case for case in cases if not case.article or case.question in kept]


def told(cases: Sequence[Case]) -> dict[str, Any]:
    rows = summary(cases)
    return {
        "auroc_interval": [round(each, 4) for each in interval(cases)],
        **rows,
        "drafts": shares(cases, lambda case: case.drafted),
    }


def interval(cases: Sequence[Case]) -> tuple[float, float]:
    chances, kinds = np.array([c.chance for c in cases]), np.array([c.kind == ANSWERABLE for c in cases])
    return bootstrap(lambda i: auroc(chances[i][kinds[i]], chances[i][~kinds[i]]), len(cases))


def sides(cases: Sequence[Case], chances: Sequence[float]) -> tuple[list[float], list[float]]:
    pairs = list(zip(cases, chances, strict=True))
    return (
        [chance for case, chance in pairs if case.kind == ANSWERABLE],
        [chance for case, chance in pairs if case.kind != ANSWERABLE],
    )


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], [Path(each) for each in sys.argv[4:]])
    )
