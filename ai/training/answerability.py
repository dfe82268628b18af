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

from ai.answerability import FEATURES, Gate, Stored
from ai.embedding import embedder
from ai.evaluation.answers import ANSWERABLE, NEAR_MISS, OFF_DOMAIN, Case, cases_of, drawn
from ai.evaluation.intervals import auroc
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import articles, questions
from ai.heads import COEFFICIENTS
from ai.levels import Level
from helpdesk.database import engine, sessions
from helpdesk.settings import Settings

STRENGTH = 0.1  # scikit-learn's C: 61 questions carry no more
FALSE_ANSWERS = 0.1
"""The threshold lets at most this share of the near misses through, each judged by a fit without its article.
An agent reads every draft before it leaves; an assistant that answers alone will need a stricter one."""
FOLDS = 10


async def main(corpora: Path, home: Path, database: str) -> None:
    model = embedder(Settings(home=home), threads=2)
    strangers = [
        text for text, _ in json.loads((corpora / "clinc150/data_full.json").read_text())["oos_train"]
    ]
    async with sessions(engine(database))() as session:
        await knowledge_of(session, model, articles(corpora / "wixqa/articles.jsonl"))
        wix = await cases_of(
            session,
            model,
            questions(corpora / "wixqa/questions.jsonl"),
            Level(threshold=0.5),
            strangers=drawn(strangers, 60),
        )
    stored = fitted(wix)
    left_out = cross_validated(wix)
    near = sorted(p for p, case in zip(left_out, wix, strict=True) if case.kind == NEAR_MISS)
    stored.threshold = round(near[-1 - int(FALSE_ANSWERS * len(near))] + 0.0005, 3)
    stored.measured = measured(wix, left_out, stored.threshold)
    (COEFFICIENTS / "answerability.json").write_bytes(msgspec.json.encode(stored) + b"\n")
    print(json.dumps(msgspec.to_builtins(stored), indent=1))  # noqa: T201 - a script


def fitted(cases: Sequence[Case]) -> Stored:
    from sklearn.linear_model import LogisticRegression

    rows = np.array([case.features for case in cases])
    means, deviations = rows.mean(0), rows.std(0)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced")
    model.fit((rows - means) / deviations, targets(cases))
    return Stored(
        features=list(FEATURES),
        means=[round(float(x), 5) for x in means],
        deviations=[round(float(x), 5) for x in deviations],
        weights=[round(float(x), 4) for x in model.coef_[0]],
        bias=round(float(model.intercept_[0]), 4),
        threshold=0.5,
        trained_on="WixQA (MIT), CLINC150 out-of-scope (CC-BY-3.0)",
        measured={},
    )


def targets(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """Answering from the wrong article is wrong, too."""
    return np.array([case.kind == ANSWERABLE and case.right for case in cases])


def cross_validated(cases: Sequence[Case]) -> list[float]:
    """Each case's chance under a fit that saw neither its article nor any question on it."""
    groups = {group: i % FOLDS for i, group in enumerate(dict.fromkeys(group_of(case) for case in cases))}
    folds = np.array([groups[group_of(case)] for case in cases])
    chances = np.zeros(len(cases))
    for fold in range(FOLDS):
        gate = Gate(fitted([case for case, f in zip(cases, folds, strict=True) if f != fold]))
        for i in np.flatnonzero(folds == fold):
            chances[i] = gate.chance_of(cases[int(i)].features)
    return [float(p) for p in chances]


def group_of(case: Case) -> str:
    return case.article or case.question


def measured(cases: Sequence[Case], chances: Sequence[float], threshold: float) -> dict[str, float]:
    def answered(kind: str) -> float:
        of = [p >= threshold for p, case in zip(chances, cases, strict=True) if case.kind == kind]
        return round(sum(of) / len(of), 4)

    right = [p for p, case in zip(chances, cases, strict=True) if case.kind == ANSWERABLE]
    wrong = [p for p, case in zip(chances, cases, strict=True) if case.kind != ANSWERABLE]
    return {
        "auroc": round(auroc(right, wrong), 4),
        "answered": answered(ANSWERABLE),
        "false_near_miss": answered(NEAR_MISS),
        "false_off_domain": answered(OFF_DOMAIN),
    }


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
