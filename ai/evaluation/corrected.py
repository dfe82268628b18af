"""What moods are worth once many were corrected: python -m ai.evaluation.corrected TWEETS.csv HOME_WITH_THE_EXPORT

Five folds: each text is read by what was learned from the other four, as a desk's own reader learns at night.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ai.embedding import embedder
from ai.evaluation.intents import best
from ai.evaluation.intervals import bootstrap, macro_f1
from ai.evaluation.sentiment import SIDES
from ai.evaluation.sets import labelled
from ai.fewshot import FewShot
from ai.sentiment import bare
from helpdesk.ports import Embedder
from helpdesk.settings import Settings

FOLDS = 5


async def evaluate_corrected(model: Embedder, rows: Sequence[tuple[str, str]]) -> dict[str, Any]:
    texts, truth = [bare(text) for text, _ in rows], np.array([label for _, label in rows])
    vectors = await model.embed(texts)
    fold = np.random.default_rng(0).permutation(len(rows)) % FOLDS
    guess = np.empty(len(rows), dtype=truth.dtype)
    for i in range(FOLDS):
        kept, held = np.flatnonzero(fold != i), np.flatnonzero(fold == i)
        learned = FewShot.learn([texts[j] for j in kept], list(truth[kept]), vectors[kept])
        guess[held] = [best(each) for each in learned.classify([texts[j] for j in held], vectors[held])]
    low, high = bootstrap(lambda drawn: macro_f1(truth[drawn], guess[drawn], SIDES), len(rows), rounds=200)
    value = macro_f1(truth, guess, SIDES)
    found = {"value": round(value, 4), "n": len(rows), "interval": [round(low, 4), round(high, 4)]}
    return {"folds": FOLDS, "macro_f1": found, "embedder": model.name}


if __name__ == "__main__":
    measured = evaluate_corrected(embedder(Settings(home=Path(sys.argv[2]))), labelled(Path(sys.argv[1])))
    print(json.dumps(asyncio.run(measured)))  # noqa: T201 - a script
