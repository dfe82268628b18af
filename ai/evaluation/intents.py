"""Does a classifier learned from examples put texts where people put them, and say so where they belong nowhere?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai.evaluation.intervals import auroc, bootstrap, share
from ai.evaluation.sentiment import calibration_error
from ai.fewshot import FewShot
from helpdesk.errors import Invalid
from helpdesk.ports import Embedder, Scores


async def evaluate_intents(
    embedder: Embedder,
    train: Sequence[tuple[str, str]],
    test: Sequence[tuple[str, str]],
    *,
    names: bool = True,
) -> dict[str, Any]:
    """Accuracy on texts whose label was learned; how well the others are told, by AUROC and by Matthews'
    correlation with "don't know" as a label of its own. `names`: a label's name is an example, too, as at a desk."""
    if len({label for _, label in train}) < 2:
        raise Invalid("The file to learn from has one label only; it takes two to tell them apart.")
    rows = [*train, *((spoken(label), label) for label in dict.fromkeys(label for _, label in train))]
    texts, labels = zip(*(rows if names else train), strict=True)
    learned = FewShot.learn(texts, labels, await embedder.embed(texts))
    asked = [text for text, _ in test]
    scores = learned.classify(asked, await embedder.embed(asked))
    truth = [label if label in learned.labels else None for _, label in test]
    return {
        "labels": len(learned.labels),
        "examples": len(train),
        **measured(scores, truth),
        "embedder": embedder.name,
    }


def measured(scores: Sequence[Scores], truth: Sequence[str | None]) -> dict[str, Any]:
    """`truth`: None where no label is right."""
    known = np.array([label is not None for label in truth], bool)
    right = np.array([best(s) == label for s, label in zip(scores, truth, strict=True)], bool)
    sure = np.array([s.label is not None for s in scores], bool)
    confidence = np.array([s.confidence for s in scores])
    found: dict[str, Any] = {
        "accuracy": share(int(right[known].sum()), int(known.sum())),
        "sure": share(int(sure[known].sum()), int(known.sum())),
        "accuracy_when_sure": share(int((right & sure & known).sum()), int((sure & known).sum())),
        "expected_calibration_error": calibrated(confidence, right, sure),
    }
    if not known.all():
        found |= {
            "unknown_told": share(int((~sure & ~known).sum()), int((~known).sum())),
            "out_of_scope_auroc": _auroc(confidence, known),
            "matthews": _matthews(truth, [s.label for s in scores]),
        }
    return found


def calibrated(confidence: NDArray[Any], right: NDArray[Any], sure: NDArray[Any]) -> dict[str, Any]:
    """Of everything, and of what something was said about, with the share of that: its coverage."""
    return {
        "all": round(calibration_error(confidence, right), 4),
        "sure": round(calibration_error(confidence[sure], right[sure]), 4) if sure.any() else None,
        "coverage": round(float(sure.mean()), 4),
    }


def _auroc(confidence: NDArray[Any], known: NDArray[np.bool_]) -> dict[str, Any]:
    def of(drawn: NDArray[np.intp]) -> float:
        inside = known[drawn]
        return auroc(confidence[drawn][inside], confidence[drawn][~inside])  # type: ignore[arg-type]

    low, high = bootstrap(of, len(known), rounds=200)
    whole = of(np.arange(len(known)))
    return {"value": round(whole, 4), "n": len(known), "interval": [round(low, 4), round(high, 4)]}


def _matthews(truth: Sequence[str | None], said: Sequence[str | None]) -> dict[str, Any]:
    names = {name: at for at, name in enumerate(dict.fromkeys([*truth, *said]))}
    a, b = (np.array([names[each] for each in labels]) for labels in (truth, said))
    low, high = bootstrap(lambda drawn: matthews(a[drawn], b[drawn]), len(a), rounds=200)
    return {"value": round(matthews(a, b), 4), "n": len(a), "interval": [round(low, 4), round(high, 4)]}


def matthews(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """Matthews' correlation for any number of labels (Gorodkin 2004)."""
    size = int(max(truth.max(), said.max())) + 1
    t, p = np.bincount(truth, minlength=size).astype(float), np.bincount(said, minlength=size).astype(float)
    n, right = len(truth), float((truth == said).sum())
    below = np.sqrt((n * n - (p * p).sum()) * (n * n - (t * t).sum()))
    return float((right * n - (t * p).sum()) / below) if below else 0.0


def spoken(label: str) -> str:
    """`card_not_working` as a person would say it."""
    return label.replace("_", " ").lower()


def best(scores: Scores) -> str:
    return max(scores.all, key=scores.all.__getitem__)
