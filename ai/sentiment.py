"""How a customer feels: five steps and frustration, from a sentence vector."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ai.heads import Head, head
from ai.predictions import Sentiment
from helpdesk.ports import Embedder, Scores, Vectors

UNSURE = 0.45
"""Below this chance of the best of negative, neutral and positive nothing is said."""
SIDES = ("negative", "neutral", "positive")
NOISE = re.compile(r"https?://\S+|(?<!\w)@\w+")


class SentimentReader:
    """Five steps: first the side, then how strong. A model that the shipped coefficients were not made for
    gets no answer, and says so."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.head = head("sentiment")
        self.name = f"sentiment/{embedder.name}"

    async def classify(self, texts: Sequence[str]) -> list[Scores]:
        return self.read(await self.embedder.embed([bare(text) for text in texts]))

    def read(self, vectors: Vectors) -> list[Scores]:
        if not self.head.fits(self.embedder.name):
            return [foreign(self.head, self.embedder)] * len(vectors)
        return [scores_of(*each) for each in zip(*self._chances(vectors), strict=True)]

    def _chances(self, vectors: Vectors) -> tuple[NDArray[np.float32], ...]:
        strong = (head(name).probabilities(vectors)[:, 1] for name in ("very_negative", "very_positive"))
        return (self.head.probabilities(vectors), *strong)


class FrustrationReader:
    """Calm or frustrated."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self.head = head("frustration")
        self.name = f"frustration/{embedder.name}"

    async def classify(self, texts: Sequence[str]) -> list[Scores]:
        return self.read(await self.embedder.embed([bare(text) for text in texts]))

    def read(self, vectors: Vectors) -> list[Scores]:
        if not self.head.fits(self.embedder.name):
            return [foreign(self.head, self.embedder)] * len(vectors)
        chances = self.head.probabilities(vectors)[:, 1]
        return [
            Scores("frustrated" if p >= 0.5 else "calm", float(max(p, 1 - p)), {"frustrated": float(p)})
            for p in chances
        ]


def scores_of(sides: Vectors, very_negative: float, very_positive: float) -> Scores:
    """The confidence is that of the side; how strong it is said is a shade of it."""
    negative, neutral, positive = map(float, sides)
    steps = {
        Sentiment.very_negative: negative * float(very_negative),
        Sentiment.negative: negative * float(1 - very_negative),
        Sentiment.neutral: neutral,
        Sentiment.positive: positive * float(1 - very_positive),
        Sentiment.very_positive: positive * float(very_positive),
    }
    confidence = max(negative, neutral, positive)
    side = SIDES[int(np.argmax(sides))]
    best = max((step for step in steps if side_of(step) == side), key=steps.__getitem__)
    sure = confidence >= UNSURE
    return Scores(
        best.value if sure else None,
        confidence,
        {step.value: chance for step, chance in steps.items()},
        () if sure else ("mixed",),
    )


def bare(text: str) -> str:
    """Without addresses of people and pages, which carry no mood."""
    return NOISE.sub(" ", text)


def side_of(label: str | None) -> str | None:
    """`very_negative` → `negative`."""
    return str(label).removeprefix("very_") if label else None


def foreign(head: Head, embedder: Embedder) -> Scores:
    return Scores(None, 0.0, reasons=(f"{head.name} was learned for {head.model}, not for {embedder.name}",))


def mean_step(scores: Scores) -> float:
    """-1 (very negative) to 1, for a ticket's curve."""
    return float(np.dot(list(scores.all.values()), (-1.0, -0.5, 0.0, 0.5, 1.0))) if scores.all else 0.0
