"""Sentiment in five steps, and frustration: python -m ai.training.sentiment GOEMOTIONS_FOLDER MODELS_HOME

Learned from GoEmotions (Demszky et al. 2020, Apache-2.0) and from phrases of customers that we wrote
(phrases.tsv), both with the same total weight: comments on Reddit know the emotions, our phrases know that
"where is my order" is neutral and "still waiting" is not. Nothing else is used, least of all the airline set.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ai.embedding import OnnxEmbedder, embedder
from ai.evaluation.intervals import macro_f1
from ai.heads import COEFFICIENTS, Stored, softmax
from ai.predictions import Sentiment
from helpdesk.ports import Vectors
from helpdesk.settings import Settings

PHRASES = Path(__file__).parent / "phrases.tsv"
STEPS = {
    Sentiment.very_negative: {"anger", "disgust"},
    Sentiment.negative: {
        "annoyance", "disappointment", "disapproval", "embarrassment", "fear", "grief", "nervousness", "remorse",
        "sadness",
    },
    Sentiment.neutral: {"neutral", "confusion", "curiosity", "realization"},
    Sentiment.positive: {"approval", "caring", "desire", "gratitude", "optimism", "pride", "relief", "amusement"},
    Sentiment.very_positive: {"admiration", "excitement", "joy", "love"},
}  # fmt: skip
SIDES = [
    [Sentiment.very_negative, Sentiment.negative],
    [Sentiment.neutral],
    [Sentiment.positive, Sentiment.very_positive],
]
FRUSTRATED = {"anger", "annoyance", "disgust", "disappointment"}
STRENGTH = 1.0  # scikit-learn's C


@dataclass(frozen=True)
class Labelled:
    vectors: Vectors
    labels: NDArray[np.int64]


def main(goemotions: Path, home: Path) -> None:
    model = embedder(Settings(home=home), threads=2)
    train, dev = comments(goemotions, "train"), comments(goemotions, "dev")
    phrases = [line.split("\t") for line in PHRASES.read_text().splitlines()]
    texts = {
        name: model.embed_now([text for text, _ in rows]) for name, rows in (("train", train), ("dev", dev))
    }
    ours = model.embed_now([text for _, text in phrases])

    for name, (labels, number) in HEADS.items():
        fit_and_write(
            name,
            labels,
            kept(texts["train"], [number(emotions) for _, emotions in train]),
            kept(ours, [number_of(name, Sentiment(label)) for label, _ in phrases]),
            kept(texts["dev"], [number(emotions) for _, emotions in dev]),
            model,
        )


def comments(folder: Path, part: str) -> list[tuple[str, set[str]]]:
    names = (folder / "labels.txt").read_text().split()
    rows = [line.split("\t") for line in (folder / f"{part}.tsv").read_text().splitlines()]
    return [(text, {names[int(i)] for i in ids.split(",")}) for text, ids, _ in rows]


def side(emotions: set[str]) -> int | None:
    """0, 1, 2 for negative, neutral, positive; none for mixed feelings."""
    sides = {i for i, steps in enumerate(SIDES) for step in steps if emotions & STEPS[step]}
    return sides.pop() if len(sides) == 1 else None


def very_negative(emotions: set[str]) -> int | None:
    return int(bool(emotions & STEPS[Sentiment.very_negative])) if side(emotions) == 0 else None


def very_positive(emotions: set[str]) -> int | None:
    return int(bool(emotions & STEPS[Sentiment.very_positive])) if side(emotions) == 2 else None


def frustrated(emotions: set[str]) -> int:
    return int(bool(emotions & FRUSTRATED))


Number = Callable[[set[str]], int | None]
HEADS: dict[str, tuple[list[str], Number]] = {
    "sentiment": (["negative", "neutral", "positive"], side),
    "very_negative": (["negative", "very_negative"], very_negative),
    "very_positive": (["positive", "very_positive"], very_positive),
    "frustration": (["calm", "frustrated"], frustrated),
}


def number_of(head: str, step: Sentiment) -> int | None:
    """Our phrases' own label; a complaint in plain words says nothing about frustration either way."""
    if head == "frustration" and step is Sentiment.negative:
        return None
    return HEADS[head][1](STEPS[step])


def kept(vectors: Vectors, labels: list[Any]) -> Labelled:
    rows = [i for i, label in enumerate(labels) if label is not None]
    return Labelled(vectors[rows], np.array([labels[i] for i in rows], np.int64))


def fit_and_write(
    name: str,
    labels: list[str],
    comments: Labelled,
    phrases: Labelled,
    dev: Labelled,
    model: OnnxEmbedder,
) -> None:
    weights, bias = fitted(comments, phrases)
    temperature = calibrated(comments, phrases, dev)
    guess = (dev.vectors @ weights.T + bias).argmax(1)
    measured = macro_f1([labels[i] for i in dev.labels], [labels[i] for i in guess], labels)
    stored = Stored(
        model=model.name,
        labels=labels,
        weights=[[round(float(x), 3) for x in row] for row in weights],
        bias=[round(float(x), 3) for x in bias],
        temperature=round(temperature, 3),
        trained_on="GoEmotions train (Apache-2.0) and ai/training/phrases.tsv, same total weight",
        measured={"goemotions_dev_macro_f1": round(measured, 4)},
    )
    (COEFFICIENTS / f"{name}.json").write_bytes(msgspec.json.encode(stored) + b"\n")
    print(name, stored.measured, "temperature", stored.temperature)  # noqa: T201 - a script


def fitted(comments: Labelled, phrases: Labelled) -> tuple[Vectors, Vectors]:
    """Coefficients (labels, dimensions) and bias (labels,)."""
    from sklearn.linear_model import LogisticRegression

    vectors = np.concatenate([comments.vectors, phrases.vectors])
    labels = np.concatenate([comments.labels, phrases.labels])
    weights = np.concatenate(
        [balanced(part.labels, float(len(phrases.labels))) for part in (comments, phrases)]
    )
    model = LogisticRegression(C=STRENGTH, max_iter=500).fit(vectors, labels, sample_weight=weights)
    if len(model.coef_) > 2:
        return model.coef_, model.intercept_
    zero = np.zeros_like(model.coef_)  # two labels: logits 0 and z, so that softmax gives sigmoid(z)
    return np.concatenate([zero, model.coef_]), np.array([0.0, model.intercept_[0]], np.float32)


def balanced(labels: NDArray[np.int64], total: float) -> NDArray[np.float64]:
    """Weights with the same sum for every label, `total` together."""
    counts = np.bincount(labels)
    return np.asarray(total / (counts > 0).sum() / counts[labels], np.float64)


def calibrated(comments: Labelled, phrases: Labelled, dev: Labelled) -> float:
    """The temperature with the least log loss on comments of the dev part and on phrases left out in turn."""
    fold = np.arange(len(phrases.labels)) % 5
    logits, labels, weights = [], [], []
    for i in range(5):
        w, b = fitted(comments, Labelled(phrases.vectors[fold != i], phrases.labels[fold != i]))
        logits.append(phrases.vectors[fold == i] @ w.T + b)
        labels.append(phrases.labels[fold == i])
    w, b = fitted(comments, phrases)
    weights = [balanced(np.concatenate(labels), 1.0), balanced(dev.labels, 1.0)]
    all_logits = np.concatenate([*logits, dev.vectors @ w.T + b])
    all_labels, all_weights = np.concatenate([*labels, dev.labels]), np.concatenate(weights)

    def loss(temperature: float) -> float:
        right = softmax((all_logits / temperature).astype(np.float32))[np.arange(len(all_labels)), all_labels]
        return float(-(all_weights * np.log(right + 1e-9)).sum())

    return float(min(np.geomspace(0.1, 5, 80), key=loss))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
