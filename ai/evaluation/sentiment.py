"""Does the desk read a mood as people do?"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ai.evaluation.intervals import bootstrap, macro_f1, share
from ai.sentiment import SentimentReader, side_of
from helpdesk.errors import Invalid
from helpdesk.ports import Embedder, Scores

SIDES = ("negative", "neutral", "positive")


async def evaluate_sentiment(embedder: Embedder, rows: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Macro-F1 over negative, neutral and positive; every text gets a guess, unsure ones too. Beside it:
    how many were sure, how often those are right, and the expected calibration error of all."""
    if strange := {label for _, label in rows} - set(SIDES):
        raise Invalid(f"Sentiment labels must be {', '.join(SIDES)}; found {min(strange)!r}.")
    scores = await SentimentReader(embedder).classify([text for text, _ in rows])
    truth = np.array([label for _, label in rows])
    guess = np.array([best_side(each) for each in scores])
    sure = np.array([each.label is not None for each in scores])
    low, high = bootstrap(lambda drawn: macro_f1(truth[drawn], guess[drawn], SIDES), len(rows))
    return {
        "n": len(rows),
        "macro_f1": {
            "value": round(macro_f1(truth, guess, SIDES), 4),
            "n": len(rows),
            "interval": [round(low, 4), round(high, 4)],
        },
        "accuracy": share(int((truth == guess).sum()), len(rows)),
        "sure": share(int(sure.sum()), len(rows)),
        "accuracy_when_sure": share(int(((truth == guess) & sure).sum()), int(sure.sum())),
        "expected_calibration_error": round(
            calibration_error(np.array([s.confidence for s in scores]), truth == guess), 4
        ),
        "embedder": embedder.name,
    }


def best_side(scores: Scores) -> str:
    sides: dict[str, float] = dict.fromkeys(SIDES, 0.0)
    for label, p in scores.all.items():
        sides[side_of(label) or ""] += p
    return max(sides, key=sides.__getitem__)


def calibration_error(confidence: Any, right: Any, bins: int = 10) -> float:
    """Mean distance between confidence and accuracy over ten equal bins, weighted by their size."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).mean()
            for b in range(bins)
            if (which == b).any()
        )
    )
