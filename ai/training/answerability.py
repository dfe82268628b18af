"""The gate in front of drafts: python -m ai.training.answerability CORPORA MODELS_HOME DATABASE_URL

Fitted on WixQA (MIT) and, as questions of another trade, CLINC150's out-of-scope part (CC-BY-3.0), because
what is fitted here ships. StackFAQ and TechQA are only looked at: they show what the gate is worth elsewhere.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

import helpdesk.tickets  # noqa: F401 - tables name each other
from ai.answerability import FEATURES, Gate, Stored, Usual, features
from ai.embedding import embedder
from ai.evaluation.answers import ANSWERABLE, NEAR_MISS, OFF_DOMAIN, Case, cases_of, drawn
from ai.evaluation.curves import at_coverage
from ai.evaluation.intervals import auroc
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import articles, questions
from ai.heads import COEFFICIENTS
from ai.levels import LEAST, Level, neighbours_of_titles
from helpdesk.database import engine, sessions
from helpdesk.settings import Settings

STRENGTH = 0.1  # scikit-learn's C: 61 questions carry no more
FOLDS = 10


async def main(corpora: Path, home: Path, database: str) -> None:
    model = embedder(Settings(home=home), threads=2)
    strangers = [
        text for text, _ in json.loads((corpora / "clinc150/data_full.json").read_text())["oos_train"]
    ]
    async with sessions(engine(database))() as session:
        await knowledge_of(session, model, articles(corpora / "wixqa/articles.jsonl"))
        neighbours = [features(hits) for hits in await neighbours_of_titles(session, model) if hits]
        wix = await cases_of(
            session,
            model,
            questions(corpora / "wixqa/questions.jsonl"),
            Level(threshold=0.5),
            strangers=drawn(strangers, 60),
        )
    stored = fitted(wix, neighbours)
    stored.measured = measured(wix, cross_validated(wix, neighbours))
    (COEFFICIENTS / "answerability.json").write_bytes(msgspec.json.encode(stored) + b"\n")
    print(json.dumps(msgspec.to_builtins(stored), indent=1))  # noqa: T201 - a script


def fitted(cases: Sequence[Case], neighbours: Sequence[Sequence[float]]) -> Stored:
    from sklearn.linear_model import LogisticRegression

    around = np.array(neighbours)
    usual = Usual(rounded(around.mean(0)), rounded(np.maximum(around.std(0), LEAST)))
    rows = np.array([usual.standard(case.features) for case in cases])
    model = LogisticRegression(C=STRENGTH, class_weight="balanced")
    model.fit(rows, targets(cases))
    stored = Stored(
        features=list(FEATURES),
        usual=usual,
        weights=[round(float(x), 4) for x in model.coef_[0]],
        bias=round(float(model.intercept_[0]), 4),
        neighbours=[],
        trained_on="WixQA (MIT), CLINC150 out-of-scope (CC-BY-3.0)",
        measured={},
    )
    stored.neighbours = sorted(round(Gate(stored).chance_of(each), 4) for each in neighbours)
    return stored


def rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(x), 5) for x in values)


def targets(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """Answering from the wrong article is wrong, too."""
    return np.array([case.kind == ANSWERABLE and case.right for case in cases])


def cross_validated(cases: Sequence[Case], neighbours: Sequence[Sequence[float]]) -> list[float]:
    """Each case's chance under a fit that saw neither its article nor any question on it."""
    groups = {group: i % FOLDS for i, group in enumerate(dict.fromkeys(group_of(case) for case in cases))}
    folds = np.array([groups[group_of(case)] for case in cases])
    chances = np.zeros(len(cases))
    for fold in range(FOLDS):
        kept = [case for case, f in zip(cases, folds, strict=True) if f != fold]
        gate = Gate(fitted(kept, neighbours))
        for i in np.flatnonzero(folds == fold):
            chances[i] = gate.chance_of(cases[int(i)].features)
    return [float(p) for p in chances]


def group_of(case: Case) -> str:
    return case.article or case.question


def measured(cases: Sequence[Case], chances: Sequence[float]) -> dict[str, float]:
    """Left out by article in turn, at the threshold that answers 60 % of the answerable."""
    by_kind = {
        kind: [p for p, case in zip(chances, cases, strict=True) if case.kind == kind]
        for kind in (ANSWERABLE, NEAR_MISS, OFF_DOMAIN)
    }
    wrong = by_kind[NEAR_MISS] + by_kind[OFF_DOMAIN]
    threshold = at_coverage(by_kind[ANSWERABLE], 0.6)
    return {
        "auroc": round(auroc(by_kind[ANSWERABLE], wrong), 4),
        "false_near_miss": round(float(np.mean(np.array(by_kind[NEAR_MISS]) >= threshold)), 4),
        "false_off_domain": round(float(np.mean(np.array(by_kind[OFF_DOMAIN]) >= threshold)), 4),
    }


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
