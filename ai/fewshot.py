"""A classifier from a handful of examples per label: softmax regression in numpy, with "don't know".

How sure it is comes from leaving its own examples out: the score of each example under a model that never
saw it, and whether it was right, fit the chance that is reported. The score, largest probability × mean
cosine of the nearest examples, tells strange texts better than the probability alone (docs/ai.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ai.heads import softmax
from helpdesk.ports import Scores, Vectors

STRENGTH = 30.0  # how closely the examples are followed; scikit-learn's C
STEPS = 300
NEAREST = 3
UNSURE = 0.5
FOLDS = 10


@dataclass(frozen=True)
class FewShot:
    labels: tuple[str, ...]
    texts: tuple[str, ...]  # the examples, for the reason given to people
    examples: Vectors
    numbers: NDArray[np.int64]  # of each example's label
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    slope: float  # confidence = sigmoid(slope × score + offset)
    offset: float

    @classmethod
    def learn(cls, texts: Sequence[str], labels: Sequence[str], vectors: Vectors) -> Self:
        """Raises ValueError with fewer than two labels: there is nothing to tell apart."""
        names = tuple(dict.fromkeys(labels))
        if len(names) < 2:
            raise ValueError("at least two labels are needed")
        numbers = np.array([names.index(label) for label in labels], np.int64)
        weights, bias = regress(vectors, numbers, len(names))
        slope, offset = calibrate(*left_out(vectors, numbers, len(names)))
        return cls(names, tuple(texts), vectors, numbers, weights, bias, slope, offset)

    def classify(self, vectors: Vectors) -> list[Scores]:
        chances = softmax(vectors @ self.weights.T + self.bias)
        cosines = vectors @ self.examples.T
        scores = score(chances, cosines, self.numbers)
        confidences = sigmoid(self.slope * scores + self.offset)
        return [self._said(*each) for each in zip(chances, cosines, map(float, confidences), strict=True)]

    def _said(self, chances: Vectors, cosines: Vectors, confidence: float) -> Scores:
        best = int(chances.argmax())
        alike = np.where(self.numbers == best, cosines, -1.0).argmax()
        return Scores(
            self.labels[best] if confidence >= UNSURE else None,
            confidence,
            {label: float(p) for label, p in zip(self.labels, chances, strict=True)},
            (self.texts[int(alike)],),
        )


def score(chances: Vectors, cosines: Vectors, numbers: NDArray[np.int64]) -> Vectors:
    """Largest probability × mean cosine of the nearest examples of that label."""
    best = chances.argmax(axis=1)
    same = np.where(numbers[None, :] == best[:, None], cosines, -np.inf)
    nearest = -np.sort(-same, axis=1)[:, :NEAREST]
    counted = np.isfinite(nearest)
    mean = np.where(counted, nearest, 0.0).sum(1) / np.maximum(counted.sum(1), 1)
    return np.asarray(chances.max(axis=1) * np.clip(mean, 0.0, 1.0), np.float32)


def regress(
    vectors: Vectors, numbers: NDArray[np.int64], labels: int, *, strength: float = STRENGTH
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (labels, dimensions) and bias by Nesterov's gradient; every label has the same total weight."""
    n = len(vectors)
    inputs = np.concatenate([vectors, np.ones((n, 1), np.float32)], axis=1)
    share = (1 / np.bincount(numbers, minlength=labels).clip(1))[numbers]
    share = (share / share.sum()).astype(np.float32)[:, None]
    target = np.eye(labels, dtype=np.float32)[numbers]
    decay = 1 / (strength * n)
    step = 1 / (0.5 * float((share * inputs * inputs).sum()) + decay)
    current = previous = np.zeros((labels, inputs.shape[1]), np.float32)
    for i in range(STEPS):
        ahead = current + (i / (i + 3)) * (current - previous)
        error = (softmax(inputs @ ahead.T) - target) * share
        previous, current = current, ahead - step * (error.T @ inputs + decay * ahead)
    return current[:, :-1], current[:, -1]


def left_out(vectors: Vectors, numbers: NDArray[np.int64], labels: int) -> tuple[Vectors, NDArray[np.bool_]]:
    """Each example's score under a model that did not see it, and whether that model was right."""
    n = len(vectors)
    fold = np.random.default_rng(0).permutation(n) % min(n, FOLDS)
    scores, right = np.zeros(n, np.float32), np.zeros(n, np.bool_)
    for i in range(min(n, FOLDS)):
        out, rest = fold == i, fold != i
        weights, bias = regress(vectors[rest], numbers[rest], labels)
        chances = softmax(vectors[out] @ weights.T + bias)
        scores[out] = score(chances, vectors[out] @ vectors[rest].T, numbers[rest])
        right[out] = chances.argmax(1) == numbers[out]
    return scores, right


def calibrate(scores: Vectors, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Platt's sigmoid with his smoothed targets, and one imagined stranger (score 0, wrong) for every five
    examples: the examples of a desk hold no text that belongs nowhere, its mailbox does."""
    strangers = max(3, len(scores) // 5)
    x = np.concatenate([scores, np.zeros(strangers, np.float32)]).astype(np.float64)
    good = int(right.sum())
    bad = len(x) - good
    y = np.concatenate([right, np.zeros(strangers, np.bool_)])
    target = np.where(y, (good + 1) / (good + 2), 1 / (bad + 2))
    inputs, theta = np.stack([x, np.ones_like(x)], axis=1), np.zeros(2)
    for _ in range(50):  # Newton; the small ridge keeps it finite where the scores part perfectly
        p = sigmoid(inputs @ theta)
        gradient = inputs.T @ (p - target) + 1e-2 * theta
        hessian = (inputs * (p * (1 - p))[:, None]).T @ inputs + 1e-2 * np.eye(2)
        theta = theta - np.linalg.solve(hessian, gradient)
    return float(theta[0]), float(theta[1])


def sigmoid(x: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float64)
