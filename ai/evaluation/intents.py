"""Does a classifier learned from examples put texts where people put them?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ai.evaluation.intervals import share
from ai.evaluation.sentiment import calibration_error
from ai.fewshot import FewShot
from helpdesk.ports import Embedder, Scores


async def evaluate_intents(
    embedder: Embedder, train: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Accuracy on texts whose label was learned, and how often the others are told "don't know"."""
    texts, labels = [text for text, _ in train], [label for _, label in train]
    learned = FewShot.learn(texts, labels, await embedder.embed(texts))
    scores = learned.classify(await embedder.embed([text for text, _ in test]))
    known = [(s, label) for s, (_, label) in zip(scores, test, strict=True) if label in learned.labels]
    strange = [s for s, (_, label) in zip(scores, test, strict=True) if label not in learned.labels]
    right = np.array([best(s) == label for s, label in known], bool)
    sure = np.array([s.label is not None for s, _ in known], bool)
    return {
        "labels": len(learned.labels),
        "examples": len(train),
        "accuracy": share(int(right.sum()), len(known)),
        "sure": share(int(sure.sum()), len(known)),
        "accuracy_when_sure": share(int((right & sure).sum()), int(sure.sum())),
        "unknown_told": share(sum(s.label is None for s in strange), len(strange)),
        "expected_calibration_error": round(
            calibration_error(np.array([s.confidence for s, _ in known]), right), 4
        ),
        "embedder": embedder.name,
    }


def best(scores: Scores) -> str:
    return max(scores.all, key=scores.all.__getitem__)
