"""Is a written sentence said by a sentence of the passages that it cites? If in doubt, it is not.

A similarity alone lets every changed number and every lost `not` through (their cosine is above .95), so a sentence
has to say nothing but what one single sentence of a cited passage says: the same telling words in the same order or
with its end put in front, the same numbers, the same negations, the same conditions and limits, the same we and you.
What is combined of two sentences is not proved by either. Reading with an entailment model comes on top of it, never
instead.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from ai.drafting.lexicon import (
    CONDITIONS,
    FUNCTION,
    LIMITS,
    NEGATIONS,
    NUMBERS,
    OPTIONAL,
    OURS,
    SAME,
    THEIRS,
)

TOKEN = re.compile(
    r"https?://\S+|[^\s@<>]+@[^\s@<>]+\.\w+|\d+(?:[.,:/]\d+)*\s?%?|[^\W\d_]+(?:[-'’.&][^\W\d_]+)*[\w-]*|\w+|[€$£¥]"
)
CLAUSE = re.compile(
    r"(?<=[,;:()–—])\s+|\s+(?=(?:and|but|or|while|whereas|und|aber|oder|sondern|et|mais|ou|y|pero|o|e|ma|en|maar)\s)"
)
MARK = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s+")
SUFFIXES = ("ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es", "en", "er", "ly", "s", "e", "n", "y")
STEM = 3
"""Letters that stay of a word at least."""


class Fault(StrEnum):
    """Why a written sentence was taken out."""

    no_source = "no_source"
    unknown_source = "unknown_source"
    numbers = "numbers"
    negation = "negation"
    limits = "limits"
    persons = "persons"
    unsaid = "unsaid"
    order = "order"
    unlike = "unlike"
    not_entailed = "not_entailed"


@dataclass(frozen=True)
class Reading:
    """What of a text decides about what it says."""

    words: tuple[str, ...]
    """Stems of its telling words, in order."""
    order: tuple[str, ...]
    """The same with the numbers between them."""
    numbers: tuple[str, ...]
    """Sorted, each as often as it stands there."""
    negations: int
    limits: frozenset[str]
    conditions: frozenset[str]
    persons: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Reading":
        tokens = list(_tokens(text))
        return cls(
            words=tuple(_stem(t) for t in tokens if _tells(t)),
            order=tuple(t if t[0].isdigit() else _stem(t) for t in tokens if t[0].isdigit() or _tells(t)),
            numbers=tuple(sorted(t for t in tokens if t[0].isdigit())),
            negations=sum(t in NEGATIONS for t in tokens),
            limits=frozenset(t for t in tokens if t in LIMITS or t == "can"),
            conditions=frozenset(t for t in tokens if t in CONDITIONS),
            persons=frozenset("ours" if t in OURS else "theirs" for t in tokens if t in OURS | THEIRS),
        )


def fault_of(sentence: str, source: str, *, to_us: bool = False) -> Fault | None:
    """None where `source`, one sentence of an article, says what `sentence` says. `to_us`: the source is an order to
    the desk, as in `offer a voucher`, so that `we offer you a voucher` says the same."""
    if (tokens := _tokens(sentence)) and tokens == _tokens(source):
        return None
    said, whole = Reading.of(sentence), Reading.of(source)
    if not said.words and not said.numbers:
        return Fault.unsaid
    if set(said.words) - set(whole.words):
        return Fault.unsaid
    part = _touched(said, source)
    if said.numbers != part.numbers:
        return Fault.numbers
    if said.negations != part.negations:
        return Fault.negation
    missing, added = part.limits - said.limits, said.limits - part.limits
    if missing - OPTIONAL or added - OPTIONAL - {"can"} or said.conditions != whole.conditions:
        return Fault.limits
    if not to_us and not _same_persons(said, part, whole):
        return Fault.persons
    return None if _in_order(said.order, whole.order) else Fault.order


def best_source(sentence: str, sources: Sequence[str]) -> tuple[int, Fault | None]:
    """Which of these sentences proves it, and None; or the nearest one, and what is wrong with it."""
    faults = [fault_of(sentence, source) for source in sources]
    if None in faults:
        return faults.index(None), None
    said = set(Reading.of(sentence).words)
    shared = [len(said & set(Reading.of(source).words)) for source in sources]
    nearest = max(range(len(sources)), key=shared.__getitem__)
    return nearest, faults[nearest]


def _touched(said: Reading, source: str) -> Reading:
    """The clauses of the source that the sentence speaks of: it has all their words, or one that no other has."""
    clauses = [Reading.of(clause) for clause in _clauses(source)]
    if len(clauses) < 2:
        return Reading.of(source)
    wanted = set(said.words)
    own = []
    for i, clause in enumerate(clauses):
        others = {word for j, other in enumerate(clauses) if j != i for word in other.words}
        own.append(bool((wanted & set(clause.words)) - others) or wanted >= set(clause.words))
    if not any(own):
        return Reading.of(source)
    kept = [clause for clause, is_own in zip(clauses, own, strict=True) if is_own]
    return Reading(
        words=tuple(word for clause in kept for word in clause.words),
        order=tuple(word for clause in kept for word in clause.order),
        numbers=tuple(sorted(number for clause in kept for number in clause.numbers)),
        negations=sum(clause.negations for clause in kept),
        limits=frozenset[str]().union(*(clause.limits for clause in kept)),
        conditions=frozenset[str]().union(*(clause.conditions for clause in kept)),
        persons=frozenset[str]().union(*(clause.persons for clause in kept)),
    )


def _clauses(text: str) -> list[str]:
    """Cut at commas and conjunctions; a piece without a telling word belongs to its neighbour."""
    found: list[str] = []
    for piece in CLAUSE.split(MARK.sub("", text)):
        if found and not (Reading.of(piece).words and Reading.of(found[-1]).words):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def _same_persons(said: Reading, part: Reading, whole: Reading) -> bool:
    """An order has no subject, so `you` may be said where nobody was named; `we` only where it stood."""
    known = part.persons or whole.persons
    if said.persons - known - {"theirs"}:
        return False
    if "theirs" in said.persons and known == {"ours"}:
        return False
    return not (known and "ours" in known and said.persons == {"theirs"})


def _in_order(said: Sequence[str], source: Sequence[str]) -> bool:
    """As in the source, or with its end put in front: any other order may have changed who does what to whom."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(source):
        places.setdefault(word, []).append(place)
    at, first, turns = -1, -1, 0
    for word in said:
        later = [place for place in places[word] if place > at]
        turns += not later
        at = later[0] if later else places[word][0]
        first = at if first < 0 else first
    return not turns or (turns == 1 and at < first)


def _tokens(text: str) -> list[str]:
    """In lower case; contractions opened, words for numbers as digits."""
    found: list[str] = []
    for match in TOKEN.finditer(MARK.sub("", text)):
        token = match[0].lower().replace("’", "'").rstrip(".,;:)")
        if token.endswith("n't"):
            found += [{"ca": "can", "wo": "will"}.get(token[:-3], token[:-3]), "not"]
        elif token == "cannot":  # noqa: S105 - a word
            found += ["can", "not"]
        elif token[:1].isdigit():
            found.append(_number(token))
        elif token:
            found.append(NUMBERS.get(token, token.removesuffix("'s")))
    return found


def _number(token: str) -> str:
    """`1,000` and `1.000` are one number, `14 %` and `14%` as well; `1.5` stays what it is."""
    return re.sub(r"[.,](?=\d{3}(?:\D|$))", "", token).replace(",", ".").replace(" ", "")


def _tells(token: str) -> bool:
    return not (
        token[0].isdigit()
        or token in FUNCTION
        or token in NEGATIONS
        or token in LIMITS
        or token in CONDITIONS
        or token in OURS
        or token in THEIRS
        or token == "can"  # noqa: S105 - a word
    )


@cache
def _kind(word: str) -> str:
    return next((min(group) for group in SAME if word in group), word)


def _stem(word: str) -> str:
    """Without its ending, so that `refunds` and `refunded` are one word; prefixes turn a word round and stay."""
    word = _kind(word)
    for _ in range(2):
        for suffix in SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= STEM:
                word = word[: -len(suffix)]
                break
    return _kind(word)
