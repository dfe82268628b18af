"""Believable words for a large desk: few that are in every mail, many that are in hardly any."""

import random
import re
from itertools import accumulate

SYLLABLES = [f"{consonant}{vowel}" for consonant in "bcdfghlmnprstv" for vowel in "aeio"]
COMMON = re.findall(
    r"\w+",
    "invoice refund charge card plan seat export import label printer calendar sync booking customer error message "
    "please help cannot find yesterday morning account password reset login mobile app offline report workshop job "
    "twice payment the and but with from when after before still again never always because",
)
FIRST = (
    "Marta",
    "Ada",
    "Liam",
    "Tess",
    "Noor",
    "Ivo",
    "Lena",
    "Omar",
    "Ines",
    "Kofi",
    "Mila",
    "Jonas",
    "Aiko",
    "Paul",
)
LAST = (
    "Johnson",
    "Novak",
    "Osei",
    "Varga",
    "Lindqvist",
    "Okafor",
    "Moreau",
    "Tanaka",
    "Silva",
    "Becker",
    "Kowalski",
)


def vocabulary(size: int = 6000) -> list[str]:
    """Common words first; the rest are made of syllables, each another."""
    chance = random.Random(7)  # noqa: S311 - the same desk every time
    made = dict.fromkeys(COMMON)
    while len(made) < size:
        made.setdefault("".join(chance.choices(SYLLABLES, k=chance.randint(2, 5))))
    return list(made)


def texts(count: int, length: int = 60) -> list[str]:
    """The word of rank n is about as frequent as 1/n."""
    chance = random.Random(8)  # noqa: S311
    words = vocabulary()
    weights = list(accumulate(1 / (rank + 12) for rank in range(len(words))))
    return [
        " ".join(chance.choices(words, cum_weights=weights, k=int(length * chance.uniform(0.3, 1.8))))
        for _ in range(count)
    ]


def names(count: int) -> list[str]:
    chance = random.Random(9)  # noqa: S311
    rest = [word.title() for word in vocabulary()[len(COMMON) :]]
    return [
        f"{chance.choice(FIRST)} {chance.choice(LAST) if chance.random() < 0.05 else chance.choice(rest)}"
        for _ in range(count)
    ]
