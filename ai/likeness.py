"""How alike texts are: cosines of their vectors, their words and their letters, in one number.

Vectors know what is meant, words and letters what is called so and no other way: names, codes, misspellings.
Of what a stranger writes the three together tell better than vectors alone that nothing like it was ever seen
(docs/ai.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from helpdesk.ports import Vectors

SHARE = 0.3
"""Of words and of letters each, beside 1 of the vectors."""
WORD = r"\w+"
ROWS = 256
"""Texts that are compared at a time: with 15,000 others a batch takes some megabytes."""


@dataclass(frozen=True)
class Likeness:
    """To the texts that it was learned from; those have their rows in `vectors` and `grams`."""

    vectors: Vectors
    words: Any
    letters: Any
    """scikit-learn's TfidfVectorizers, never kept anywhere: made anew of the texts."""
    grams: tuple[Any, Any]

    @classmethod
    def learn(cls, texts: Sequence[str], vectors: Vectors) -> Self:
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD, dtype=np.float32)
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, dtype=np.float32)
        lines = [text or " " for text in texts]
        try:
            grams = words.fit_transform(lines), letters.fit_transform(lines)
        except ValueError:  # not one letter in any of them
            return cls(vectors, None, None, (None, None))
        return cls(vectors, words, letters, grams)

    def to(self, texts: Sequence[str], vectors: Vectors) -> Iterator[tuple[slice, Vectors]]:
        """Batch after batch: which of the texts, and how alike each is to each learned one, at most 1."""
        for start in range(0, len(texts), ROWS):
            rows = slice(start, start + ROWS)
            yield rows, self._alike(texts[rows], vectors[rows])

    def _alike(self, texts: Sequence[str], vectors: Vectors) -> Vectors:
        alike: NDArray[np.float32] = vectors @ self.vectors.T
        if self.words is None:
            return alike
        for maker, grams in zip((self.words, self.letters), self.grams, strict=True):
            alike = alike + SHARE * (maker.transform(texts) @ grams.T).toarray()
        return np.asarray(alike / (1 + 2 * SHARE), np.float32)
