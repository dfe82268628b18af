"""A classifier from a handful of examples per label, or from thousands, with "don't know".

Two opinions are mixed: softmax regression, and the likeness to the examples themselves (vectors, words and letters),
to which an example that was given a second ago belongs already. The regression sees the vectors alone while examples
are few, and words and letters, too, once there are enough to tell which of them matter. How sure it is comes from
leaving its own examples out, and whole labels, too: their texts are the strangers that a desk's examples do not hold
and its mailbox does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ai.likeness import Likeness
from ai.regression import UNMET, Ints, Learn, Weights, energy, learner, softmax, with_words
from helpdesk.ports import Scores, Vectors

NEAREST = 3
"""Examples of a label that are asked how like they are; fewer where it has few."""
WIDTH = 0.05  # how fast an example's word fades with its distance
EXAMPLES_SHARE = 0.3  # of the examples' own word beside that of the regression
UNSURE = 0.5
FOLDS = 10
FOLDS_OF_MANY = 5
USUALLY = 0.6
"""The signal of an ordinary example that was left out."""
GROUPS = 4
"""Of labels, each left out whole once."""
MOST_LEFT_OUT = 1500
"""Examples that are asked for the confidence: more cost minutes and change nothing."""
SAME = 0.75
"""A corrected message as like as this leans a reading to its own label; at 1 it decides."""


@dataclass(frozen=True)
class FewShot:
    labels: tuple[str, ...]
    sources: tuple[Any, ...]
    """Of each example, for the reason given to people."""
    examples: Likeness
    numbers: Ints
    """Of each example's label."""
    weights: Weights
    late: int = 0
    """How many of the examples, the last ones, came after the weights."""

    @classmethod
    def learn(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        vectors: Vectors,
        *,
        sources: Sequence[Any] | None = None,
        letters: int = 0,
        none: str | None = None,
    ) -> Self:
        """Raises ValueError with fewer than two labels: there is nothing to tell apart.

        The first `letters` examples are what the mailbox gets, the others phrases that somebody wrote; `none` is the
        label of those that belong nowhere. Where there are enough of either, how sure it is is measured on them."""
        names = tuple(dict.fromkeys(labels))
        if len(names) < 2:
            raise ValueError("at least two labels are needed")
        numbers = np.array([names.index(label) for label in labels], np.int64)
        weights = trained(texts, vectors, numbers, len(names))
        if none in names:
            weights = recalibrated(weights, texts, vectors, numbers, len(names), letters, names.index(none))
        return cls.of(weights, names, texts, labels, vectors, sources=sources)

    @classmethod
    def of(
        cls,
        weights: Weights,
        names: Sequence[str],
        texts: Sequence[str],
        labels: Sequence[str],
        vectors: Vectors,
        *,
        sources: Sequence[Any] | None = None,
        late: int = 0,
    ) -> Self:
        """With weights that were learned before; the last `late` examples are newer than they are, and their
        labels may be, too."""
        known = tuple(dict.fromkeys([*names, *labels]))
        if new := len(known) - len(names):  # the regression has not met them: their examples speak for them
            matrix = np.concatenate([weights.matrix, np.zeros((new, weights.matrix.shape[1]), np.float32)])
            weights = replace(weights, matrix=matrix, bias=np.append(weights.bias, [UNMET] * new))
        numbers = np.array([known.index(label) for label in labels], np.int64)
        kept = tuple(texts if sources is None else sources)
        return cls(known, kept, Likeness.learn(texts, vectors), numbers, weights, late)

    def classify(self, texts: Sequence[str], vectors: Vectors) -> list[Scores]:
        logits = self.weights.logits(texts, vectors)
        found: list[Scores] = []
        for rows, alike in self.examples.to(texts, vectors):
            chances, told = signals_of(self.weights, logits[rows], alike, self.numbers)
            sure = chance_of(told, self.weights.sure)
            self._lean(chances, sure, alike)
            found += [self._said(*each) for each in zip(chances, alike, map(float, sure), strict=True)]
        return found

    def _lean(self, chances: Vectors, sure: NDArray[np.float64], alike: Vectors) -> None:
        """Towards the newest corrections that say almost the same; in place."""
        if not self.late:
            return
        newest = alike[:, -self.late :]
        at, near = newest.argmax(1), newest.max(1)
        lean = np.clip((near - SAME) / (1 - SAME), 0, 1)
        theirs = self.numbers[-self.late :][at]
        agreed = chances.argmax(1) == theirs
        chances *= (1 - lean)[:, None]
        chances[np.arange(len(at)), theirs] += lean
        sure[:] = np.maximum(np.where(agreed, sure, sure * (1 - lean)), 0.99 * lean)

    def _said(self, chances: Vectors, alike: Vectors, confidence: float) -> Scores:
        best = int(chances.argmax())
        nearest = int(np.where(self.numbers == best, alike, -np.inf).argmax())
        return Scores(
            self.labels[best] if confidence >= UNSURE else None,
            confidence,
            {label: float(p) for label, p in zip(self.labels, chances, strict=True)},
            (self.sources[nearest],),
        )


def mixed(logits: Vectors, alike: Vectors, numbers: Ints) -> Vectors:
    """Chances of the labels: the regression's and the examples' own, in fixed shares."""
    labels = logits.shape[1]
    members = np.eye(labels, dtype=np.float32)[numbers]
    near = np.exp((alike - alike.max(1, keepdims=True)) / WIDTH) @ members / members.sum(0).clip(1)
    near /= near.sum(1, keepdims=True)
    return np.asarray((1 - EXAMPLES_SHARE) * softmax(logits) + EXAMPLES_SHARE * near, np.float32)


def signals(chances: Vectors, alike: Vectors, numbers: Ints) -> NDArray[np.float64]:
    """What tells whether the best label is right: chance^¼ × how like its nearest examples are. Weighing the two by
    what tells a desk's own labels apart did worse on strangers of another kind."""
    best = chances.argmax(1)
    same = np.where(numbers[None, :] == best[:, None], alike, -np.inf)
    top = -np.sort(-same, axis=1)[:, :NEAREST]
    few = np.clip(1 + np.bincount(numbers, minlength=chances.shape[1])[best] // 5, 1, top.shape[1])
    taken = (np.arange(top.shape[1]) < few[:, None]) & np.isfinite(top)
    mean = np.where(taken, top, 0.0).sum(1) / taken.sum(1).clip(1)
    found = chances.max(1) ** 0.25 * np.clip(mean, 0.0, 1.0)
    return np.asarray(found[:, None], np.float64)


def signals_of(
    weights: Weights, logits: Vectors, alike: Vectors, numbers: Ints
) -> tuple[Vectors, NDArray[np.float64]]:
    """The chances, and what tells whether the best of them is right."""
    chances = mixed(logits, alike, numbers)
    found = signals(chances, alike, numbers)
    return chances, found * energy(logits)[:, None] if len(weights.rarity) else found


def trained(texts: Sequence[str], vectors: Vectors, numbers: Ints, labels: int) -> Weights:
    learn = learner(len(texts), labels)
    weights = learn(texts, vectors, numbers, labels)
    return replace(weights, sure=confidence(learn, texts, vectors, numbers, labels))


def confidence(
    learn: Learn, texts: Sequence[str], vectors: Vectors, numbers: Ints, labels: int
) -> NDArray[np.float64]:
    """Learned from examples' signals under a model that did not see them, or not even their label."""
    many = learn is with_words
    drawn = np.random.default_rng(0).permutation(len(vectors))
    if not many:
        drawn = drawn[:MOST_LEFT_OUT]
    texts, vectors, numbers = [texts[i] for i in drawn], vectors[drawn], numbers[drawn]
    n = len(drawn)
    folds = min(n, FOLDS_OF_MANY if many else FOLDS)
    fold = np.arange(n) % folds
    known = [
        left_out(learn, texts, vectors, numbers, labels, fold == i, MOST_LEFT_OUT // folds)
        for i in range(folds)
    ]
    met = [(s, right) for s, right, _ in known if len(s)]
    strange = []
    if labels > 2 * GROUPS:
        for i in range(GROUPS):
            most = MOST_LEFT_OUT // GROUPS
            found, *_ = left_out(learn, texts, vectors, numbers, labels, numbers % GROUPS == i, most)
            strange.append(found)
    inputs = np.concatenate([s for s, _ in met])
    right = np.concatenate([r for _, r in met])
    strangers = np.concatenate(strange) if strange else imagined(len(inputs))
    if not many:
        return fitted(inputs, right, strangers)
    scale = float(inputs.mean()) / USUALLY  # how loud a label is called depends on how many there are
    sure = fitted(inputs / scale, right, strangers / scale if strange else strangers)
    return np.append(sure[:-1] / scale, sure[-1])


def recalibrated(
    weights: Weights,
    texts: Sequence[str],
    vectors: Vectors,
    numbers: Ints,
    labels: int,
    letters: int,
    none: int,
) -> Weights:
    """Phrases are unlike letters, and strangers at this mailbox unlike those imagined: so by letters that were left
    out, of those that would have been given a label, whatever people say they are (Platt 1999)."""
    if letters < LETTERS or int((numbers[:letters] == none).sum()) < NOWHERE:
        return weights
    learn, fold = learner(len(texts), labels), np.full(len(texts), -1)
    fold[:letters] = np.random.default_rng(0).permutation(letters) % FOLDS_OF_MANY
    found = [
        left_out(learn, texts, vectors, numbers, labels, fold == i, letters) for i in range(FOLDS_OF_MANY)
    ]
    signal, right, guess = (np.concatenate(parts) for parts in zip(*found, strict=True))
    x, y = signal[guess != none] @ weights.sure[:-1] + weights.sure[-1], right[guess != none]
    if min(y.sum(), (~y).sum()) < FEWEST_OF_EITHER:
        return weights
    slope, shift = platt(np.clip(x, -STEEP, STEEP), y)
    if slope <= 0:  # then the signal tells nothing here
        return weights
    return replace(weights, sure=np.append(slope * weights.sure[:-1], slope * weights.sure[-1] + shift))


LETTERS = 60
NOWHERE = 5
"""Letters, and those among them that belong nowhere, below which they say nothing about the mailbox."""
FEWEST_OF_EITHER = 5
"""Right and wrong ones, without which there is nothing to tell apart."""
STEEP = 9.2
"""Log odds of one in ten thousand."""


def platt(x: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    made = LogisticRegression().fit(x[:, None], right)
    return float(made.coef_[0][0]), float(made.intercept_[0])


def left_out(
    learn: Learn,
    texts: Sequence[str],
    vectors: Vectors,
    numbers: Ints,
    labels: int,
    out: NDArray[np.bool_],
    most: int,
) -> tuple[NDArray[np.float64], NDArray[np.bool_], Ints]:
    """Signals of `most` of the examples that are left `out`; whether the others put them right, and where."""
    rest, asked = np.flatnonzero(~out), np.flatnonzero(out)[:most]
    if not len(asked) or not len(rest):
        return np.zeros((0, 1)), np.zeros(0, np.bool_), np.zeros(0, np.int64)
    known, lines = [texts[i] for i in rest.tolist()], [texts[i] for i in asked.tolist()]
    weights = learn(known, vectors[rest], numbers[rest], labels)
    logits = weights.logits(lines, vectors[asked])
    found, guess = [], []
    for rows, alike in Likeness.learn(known, vectors[rest]).to(lines, vectors[asked]):
        chances, told = signals_of(weights, logits[rows], alike, numbers[rest])
        found.append(told)
        guess.append(chances.argmax(1))
    guesses = np.concatenate(guess)
    return np.concatenate(found), guesses == numbers[asked], guesses


def imagined(n: int) -> NDArray[np.float64]:
    """With few labels none can be spared: strangers are imagined, hardly like anything, and nobody's."""
    return np.full((max(3, n // 5), 1), HARDLY)


HARDLY = 0.15
USUAL = (9.0, -2.6)
"""What Banking77, CLINC150 and HINT3 come to within a tenth or two, with 4, 10 or 15 examples a label."""
STRANGERS = 0.05
"""How many letters of a mailbox belong nowhere, as far as the confidence is concerned."""


def fitted(
    inputs: NDArray[np.float64], right: NDArray[np.bool_], strangers: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logistic regression with Platt's smoothed targets; strangers are always wrong, and weigh STRANGERS."""
    x = np.concatenate([inputs, strangers])
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    y = np.concatenate([right, np.zeros(len(strangers), np.bool_)])
    weight = np.ones(len(x))
    weight[len(inputs) :] = max(STRANGERS / (1 - STRANGERS) * len(inputs), 3) / len(strangers)
    good, bad = weight[y].sum(), weight[~y].sum()
    target = np.where(y, (good + 1) / (good + 2), 1 / (bad + 2))
    theta = np.array(USUAL)
    for _ in range(50):  # Newton; a dozen examples say little about it, so they start from what is usual
        p = sigmoid(x @ theta)
        gradient = x.T @ (weight * (p - target)) + (theta - USUAL)
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.eye(len(theta))
        theta = theta - np.linalg.solve(hessian, gradient)
    return np.asarray(theta, np.float64)


def chance_of(found: NDArray[np.float64], sure: NDArray[np.float64]) -> NDArray[np.float64]:
    return sigmoid(found @ sure[:-1] + sure[-1])


def sigmoid(x: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float64)
