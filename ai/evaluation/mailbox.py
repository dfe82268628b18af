"""What topics are worth once a desk has corrected some letters:

python -m ai.evaluation.mailbox TRAIN.csv TEST.csv HOME_WITH_THE_EXPORT [100]

So many letters of TEST are corrected as people would, a label that TRAIN does not have being none of these; then
readers are learned as at night, from these letters and TRAIN's phrases, and read the rest. Drawn anew DRAWS times.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ai.embedding import embedder
from ai.evaluation.intents import best, calibrated, measured, spoken
from ai.evaluation.intervals import share
from ai.evaluation.sentiment import calibration_error
from ai.evaluation.sets import labelled
from ai.fewshot import FewShot
from ai.triage.examples import NONE
from ai.triage.readers import Taught
from helpdesk.ports import Embedder, Scores
from helpdesk.settings import Settings

LETTERS = 100
DRAWS = 10


async def evaluate_mailbox(
    model: Embedder,
    train: Sequence[tuple[str, str]],
    test: Sequence[tuple[str, str]],
    *,
    letters: int = LETTERS,
) -> dict[str, Any]:
    labels = dict.fromkeys(label for _, label in train)
    phrases = [*train, *((spoken(label), label) for label in labels)]
    known, texts = await model.embed([text for text, _ in phrases]), [text for text, _ in test]
    vectors, truth = await model.embed(texts), [label if label in labels else None for _, label in test]
    draws, said, wanted, perfect = list[dict[str, Any]](), list[Scores](), list[str | None](), list[float]()
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(test)).tolist()
        kept, rest = order[:letters], order[letters:]
        learned = FewShot.learn(
            [*(texts[i] for i in kept), *(text for text, _ in phrases)],
            [*(truth[i] or NONE for i in kept), *(label for _, label in phrases)],
            np.concatenate([vectors[kept], known]),
            letters=letters,
            none=NONE,
        )
        read = Taught(learned, "").read([texts[i] for i in rest], vectors[rest])
        draws.append(measured(read, [truth[i] for i in rest]))
        perfect.append(by_chance(read, seed))
        said += read
        wanted += [truth[i] for i in rest]
    return {
        "letters": letters,
        "draws": DRAWS,
        "read": len(said) // DRAWS,
        **together(said, wanted),
        "matthews": spread([each["matthews"]["value"] for each in draws]),
        "calibration_error_of_one_draw": spread(
            [each["expected_calibration_error"]["sure"] for each in draws]
        ),
        "the_same_if_every_confidence_were_true": spread(perfect),
        "embedder": model.name,
    }


def by_chance(read: Sequence[Scores], seed: int) -> float:
    """The calibration error that so few letters show of a reader without any."""
    confidence = np.array([each.confidence for each in read if each.label is not None])
    drawn = np.random.default_rng(seed).random((DRAWS, len(confidence)))
    return float(np.mean([calibration_error(confidence, each < confidence) for each in drawn]))


def together(said: Sequence[Scores], truth: Sequence[str | None]) -> dict[str, Any]:
    """Over all draws: in one of them, chance alone moves the calibration error by some hundredths."""
    right = np.array([best(each) == label for each, label in zip(said, truth, strict=True)], bool)
    sure = np.array([each.label is not None for each in said], bool)
    known = np.array([label is not None for label in truth], bool)
    return {
        "expected_calibration_error": calibrated(np.array([each.confidence for each in said]), right, sure),
        "sure_where_a_topic_fits": share(int((sure & known).sum()), int(known.sum())),
        "right_when_sure": share(int((right & sure).sum()), int(sure.sum())),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": round(float(np.mean(values)), 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
    }


if __name__ == "__main__":
    sets = [labelled(Path(path), label="category") for path in sys.argv[1:3]]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else LETTERS
    found = evaluate_mailbox(embedder(Settings(home=Path(sys.argv[3]))), *sets, letters=count)
    print(json.dumps(asyncio.run(found)))  # noqa: T201 - a script
