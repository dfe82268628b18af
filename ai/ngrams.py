"""Words, pairs of words and runs of letters as columns of a fixed number, found by hashing.

What is learned about them is an array of floats and no dictionary: no customer's word is kept in it, and it means
the same after the texts that it was learned from were erased.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ai.likeness import WORD

WORDS = 2**13
LETTERS = 2**13
COLUMNS = WORDS + LETTERS

Floats = NDArray[np.float32]


def counted(texts: Sequence[str]) -> Any:
    """A sparse row per text: 1 + log of how often each is in it."""
    from scipy.sparse import hstack

    rows = hstack([maker.transform(texts) for maker in _makers()]).tocsr()
    rows.data = 1 + np.log(rows.data)
    return rows


def rarity(counts: Any) -> Floats:
    """Of each column: what is in every text tells nothing."""
    known = np.asarray((counts > 0).sum(axis=0)).ravel()
    return np.asarray(np.log((1 + counts.shape[0]) / (1 + known)) + 1, np.float32)


def weighed(counts: Any, rare: Floats) -> Any:
    """Each text's words have length 1, and so have its letters."""
    from scipy.sparse import hstack
    from sklearn.preprocessing import normalize

    rows = counts.multiply(rare).tocsr()
    return hstack([normalize(rows[:, :WORDS]), normalize(rows[:, WORDS:])]).tocsr()


@cache
def _makers() -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import HashingVectorizer

    usual = {"norm": None, "alternate_sign": False, "dtype": np.float32}
    words = HashingVectorizer(n_features=WORDS, ngram_range=(1, 2), token_pattern=WORD, **usual)
    letters = HashingVectorizer(n_features=LETTERS, analyzer="char_wb", ngram_range=(3, 5), **usual)
    return words, letters
