"""Writing without spaces: Chinese, Japanese, Thai and the like, and Korean, whose words carry their particles.

PostgreSQL takes a whole clause for one word there. Pairs of neighbouring letters find as well as a dictionary
does (Nie et al. 2000, On the use of words and n-grams for Chinese information retrieval), and need none.
"""

import re
from collections.abc import Iterator

RUN = re.compile("[々぀-ヿ㐀-䶿一-鿿豈-﫿가-힣ᄀ-ᇿ฀-๿຀-໿ក-៿က-႟\U00020000-\U0003134f]+")
"""Han, Hiragana, Katakana, Hangul, Thai, Lao, Khmer, Burmese."""


def pairs(text: str) -> str:
    """The pairs of each run, in order and separated by spaces; a letter that stands alone is one by itself."""
    return " ".join(pair for run in RUN.findall(text) for pair in _pairs(run))


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for i in range(len(run) - 1):
        yield run[i : i + 2]
