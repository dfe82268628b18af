"""Whether one sentence says another thing than another sentence about the same.

A cosine does not tell: it is above .95 for `14 days` and `30 days`. Two sentences contradict each other where they
have the same telling words, and another amount of the same thing or one negation more. In doubt they do not: words
that each has for itself mean that they speak of two things (`the Pro plan`, `the Team plan`), a condition or the past
that it is one customer's case (`your parcel was back after 3 days`).
"""

import re
from dataclasses import dataclass
from datetime import datetime

from ai.drafting.checking import Reading
from ai.learning.amounts import Amount, alone, amounts

SHARED = 0.5
"""Share of the telling words of the longer sentence that the other has, too."""
SAME_WORDS = 0.8
"""The same where they are to differ by nothing but a negation."""
FEWEST = 2
"""Telling words beside the amount."""
WITHOUT_AMOUNT = 3
LEFT_OUT = 0.3
"""Share of the article's telling words that an answer may leave out: who is asked about it need not say it again."""
PREFIX = 5
"""Letters that `delivery` and `deliver` have in common."""
COURTESY = frozenset(
    Reading.of(
        "now currently unfortunately sorry moment today regret afraid happy glad kindly hello note know"
    ).words
)
LIGHT = COURTESY | frozenset(Reading.of("cost price charge fee pay take last get give work stay keep").words)
"""Words that say nothing of what an amount is about."""
UNSURE = frozenset(
    {
        "may",
        "might",
        "could",
        "sometimes",
        "usually",
        "often",
        "some",
        "normally",
        "typically",
        "mostly",
        "many",
    }
)
"""What is so for some is not contradicted by what is not so for others."""
ONLY = frozenset({"only", "nur", "seulement", "solo", "sólo", "alleen"})
"""`only valid for 48 hours` is no condition."""
PAST = re.compile(
    r"\b(?:was|were|had|did|could|would|paid|took|got|bought|went|lasted|war|waren|hatte|hatten|wurde|wurden)\b"
    r"|\b(?:i|we|you|they|he|she|it)\s+(?:just\s+|already\s+|have\s+|has\s+)?(?!need)[a-z]+ed\b",
    re.IGNORECASE,
)
CEILING = re.compile(
    r"\b(?:up to|at most|at least|maximum|max|minimum|min|no more than|not more than|bis zu|höchstens|mindestens)\b",
    re.IGNORECASE,
)
MAY = re.compile(r"\b(?:can|could|may|allow\w*|possible|limit\w*|können|kann|darf|dürfen)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Difference:
    says: str
    """`30 days`, as the second sentence has it; `not` or `yes` where it is about no amount."""
    instead: str = ""
    """`14 days`, as the first has it."""
    value: tuple[float, ...] = ()
    """By which those that say the same are known."""
    of: str = ""

    def is_same(self, other: "Difference") -> bool:
        return (self.of, self.value) == (other.of, other.value) and (bool(self.of) or self.says == other.says)


@dataclass(frozen=True)
class Line:
    """One sentence, and where it stands."""

    text: str
    reading: Reading
    words: frozenset[str]
    """What it is about, in stems."""
    amounts: tuple[Amount, ...]
    of: int
    """The article's id, or the ticket's."""
    at: datetime
    """When the article was settled, or the answer sent."""

    @classmethod
    def read(cls, sentence: str, of: int, at: datetime) -> "Line | None":
        """None for what says too little to be contradicted."""
        found, rest = amounts(sentence)
        reading = Reading.of(rest)
        words = frozenset(reading.words) - (LIGHT if found else COURTESY)
        if len(words) < (FEWEST if found else WITHOUT_AMOUNT):
            return None
        return cls(sentence, reading, words, tuple(found), of, at)

    @property
    def is_a_case(self) -> bool:
        """It tells of what has happened to somebody."""
        return PAST.search(self.text) is not None


def differs(told: Line, said: Line, *, alike: float = SHARED) -> Difference | None:
    """What the second sentence says otherwise; None where they may both be true.

    `alike`: the share of their telling words that they must have in common. Two articles may well speak of two things
    in like words; two answers that agree with each other seldom do.
    """
    left_out, added = _only(told.words, said.words), _only(said.words, told.words)
    longer = max(len(told.words), len(said.words))
    shared = 1 - max(len(left_out), len(added)) / longer
    if shared < alike or (left_out and added):
        return None
    if said.reading.conditions - told.reading.conditions - ONLY or (said.is_a_case and not told.is_a_case):
        return None
    if told.amounts or said.amounts:
        if len(left_out) > LEFT_OUT * len(told.words) or _unlimited(told, said):
            return None
        return _amount(told, said)
    return _negated(told, said) if not left_out and shared >= SAME_WORDS else None


def _only(one: frozenset[str], other: frozenset[str]) -> set[str]:
    """Words of the first that the second has in no form."""
    begins = {word[:PREFIX] for word in other if len(word) >= PREFIX}
    return {word for word in one - other if word[:PREFIX] not in begins}


def _amount(told: Line, said: Line) -> Difference | None:
    theirs = {one.of: one for one in alone(list(said.amounts))}
    for mine in alone(list(told.amounts)):
        other = theirs.get(mine.of)
        if other and not other.is_same(mine):
            return Difference(other.words, mine.words, other.value, other.of)
    return None


def _unlimited(told: Line, said: Line) -> bool:
    """`up to 25 members` is not contradicted by a team that has 12."""
    return bool(CEILING.search(told.text)) and not (CEILING.search(said.text) or MAY.search(said.text))


def _negated(told: Line, said: Line) -> Difference | None:
    more = said.reading.negations - told.reading.negations
    if not more or min(said.reading.negations, told.reading.negations) > 0:
        return None
    lengths = sorted(len(one.reading.words) for one in (told, said))
    if lengths[0] < SAME_WORDS * lengths[1]:
        return None
    if (said.reading.limits ^ told.reading.limits) & UNSURE:
        return None
    return Difference("not" if more > 0 else "yes")
