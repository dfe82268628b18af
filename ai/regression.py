"""Softmax regression: on vectors alone where examples are few, on words and letters, too, where they are many.

With ten examples a label a word that happens to stand in three of them misleads; with thirty and more it tells what
vectors of a general model do not know (docs/ai.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ai import ngrams
from helpdesk.ports import Vectors

STRENGTH = 30.0  # how closely the examples are followed; scikit-learn's C
STEPS = 300
MANY = 30
"""Examples a label, on average, from which on words and letters take part."""
STRENGTH_OF_MANY = 5.0
ROUNDS = 200
UNMET = -30.0
"""Bias of a label that the regression has not met."""

Ints = NDArray[np.int64]
Learn = Callable[[Sequence[str], Vectors, Ints, int], "Weights"]


@dataclass(frozen=True)
class Weights:
    """What is learned, and all that is kept of it: floats."""

    matrix: NDArray[np.float32]  # (labels, dimensions)
    bias: NDArray[np.float32]
    sure: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    """Confidence = sigmoid(signals · sure[:-1] + sure[-1])."""
    rarity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """Of words and letters, whose columns then follow those of the vectors; empty where they take no part."""

    def logits(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        meant = self.matrix[:, : vectors.shape[1]]
        found = vectors @ meant.T + self.bias
        if len(self.rarity) and len(texts):
            written = ngrams.weighed(ngrams.counted(texts), self.rarity)
            found = found + written @ self.matrix[:, meant.shape[1] :].T
        return np.asarray(found, np.float32)


def learner(examples: int, labels: int) -> Learn:
    return with_words if examples >= MANY * labels else without_words


def without_words(texts: Sequence[str], vectors: Vectors, numbers: Ints, labels: int) -> Weights:
    return Weights(*regress(vectors, numbers, labels))


def with_words(texts: Sequence[str], vectors: Vectors, numbers: Ints, labels: int) -> Weights:
    from scipy.sparse import csr_matrix, hstack
    from sklearn.linear_model import LogisticRegression

    counts = ngrams.counted(texts)
    rarity = ngrams.rarity(counts)
    inputs = hstack([csr_matrix(vectors), ngrams.weighed(counts, rarity)]).tocsr()
    matrix, bias = np.zeros((labels, inputs.shape[1]), np.float32), np.full(labels, UNMET, np.float32)
    if (numbers == numbers[0]).all():  # nothing to tell apart, among those that were kept
        bias[numbers[0]] = 0
        return Weights(matrix, bias, rarity=rarity)
    made = LogisticRegression(C=STRENGTH_OF_MANY, max_iter=ROUNDS, tol=1e-3).fit(inputs, numbers)
    if len(made.classes_) == 2:  # scikit-learn keeps the second's odds
        matrix[made.classes_[1]], bias[made.classes_] = made.coef_[0], [0.0, made.intercept_[0]]
    else:
        matrix[made.classes_], bias[made.classes_] = made.coef_, made.intercept_
    return Weights(matrix, bias, rarity=rarity)


def regress(
    vectors: Vectors, numbers: Ints, labels: int, *, strength: float = STRENGTH
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


def energy(logits: Vectors) -> NDArray[np.float64]:
    """How loudly any label is called, beside the mean of all: strangers are called by none. From many examples
    it tells them best; from few it tells little."""
    met = logits > UNMET / 2
    mean = np.where(met, logits, 0).sum(1) / met.sum(1).clip(1)
    beside = np.asarray(logits - mean[:, None], np.float64)
    most = beside.max(1)
    return np.asarray(most + np.log(np.exp(beside - most[:, None]).sum(1)), np.float64)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
