"""What a sentence says in amounts, so that two sentences can be compared: `48 hours` and `two days` are the same time,
`5 working days` and `7 days` cannot be compared, `€ 29` and `29 EUR` are one price."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ai.drafting.checking import Reading
from ai.drafting.lexicon import CONDITIONS, FUNCTION, LIMITS, NEGATIONS, NUMBERS, OURS, THEIRS

SMALL = FUNCTION | LIMITS | CONDITIONS | NEGATIONS | OURS | THEIRS
WORDS = NUMBERS | {
    "one": "1", "ein": "1", "eine": "1", "zwei": "2", "drei": "3", "vier": "4", "fünf": "5", "sechs": "6",
    "sieben": "7", "acht": "8", "neun": "9", "zehn": "10", "zwölf": "12",
}  # fmt: skip
MINUTES = (
    (r"sec(?:ond)?s?|sekunden?|secondes?|segundos?", 1 / 60),
    (r"min(?:ute)?s?|minuten|minutos?", 1.0),
    (r"h|hrs?|hours?|stunden?|heures?|horas?", 60.0),
    (r"days?|tage?n?|jours?|d[ií]as?", 1_440.0),
    (r"weeks?|wochen?|semaines?|semanas?", 10_080.0),
    (r"months?|monaten?|monate?s?|mois|mes(?:es)?", 43_200.0),
    (r"years?|jahren?|jahre?s?|ans?|années?|años?", 518_400.0),
)
"""A month has 30 days and a year twelve of them."""
BYTES = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
MONEY = {"€": "€", "eur": "€", "euro": "€", "euros": "€", "$": "$", "usd": "$", "dollar": "$", "dollars": "$",
    "£": "£", "gbp": "£", "pound": "£", "pounds": "£", "chf": "CHF"}  # fmt: skip
MONTHS = (
    "jan(?:uary|uar)?", "feb(?:ruary|ruar)?", "mar(?:ch)?|märz", "apr(?:il)?", "may|mai", "june?|juni", "july?|juli",
    "aug(?:ust)?", "sep(?:t(?:ember)?)?", "o[ck]t(?:ober)?", "nov(?:ember)?", "de[cz](?:ember)?",
)  # fmt: skip
MONTH = "|".join(MONTHS)
NUMBER = rf"\d{{1,6}}(?:[.,]\d{{3}})*(?:[.,]\d{{1,2}})?(?![.,]?\d)|(?:{'|'.join(WORDS)})\b"
DATE = re.compile(
    rf"\b(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<m>{MONTH})|(?P<m2>{MONTH})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?)"
    r"\b\.?(?:,?\s+(?P<y>\d{4}))?",
    re.IGNORECASE,
)
OF_MONTH = re.compile(
    r"\b(first|last|\d{1,2}(?:st|nd|rd|th))(?:\s+day)?\s+of\s+(?:each|every|the|a)\s+month\b", re.IGNORECASE
)
HOURS = re.compile(
    r"\b(\d{1,2})(?:[:.](\d\d))?\s?(am|pm|a\.m\.|p\.m\.|uhr)?\s?(?:-|–|to|until|till|and|bis|und)\s?"
    r"(\d{1,2})(?:[:.](\d\d))?\s?(am|pm|a\.m\.|p\.m\.|uhr|o['’]clock)?",
    re.IGNORECASE,
)
PRICE = re.compile(rf"([€$£])\s?({NUMBER})")
QUANTITY = re.compile(
    rf"(?<![\w.,/:#-])(?:({NUMBER})\s?(?:-|–|to|bis|or)\s?)?({NUMBER})[\s-]?"
    r"(?:(working|business|calendar|full|more)\s)?(%|[€$£]|[^\W\d_][^\W\d_'’-]*)",
    re.IGNORECASE,
)
CLOSE = 0.02
"""By so much two amounts may differ and be one."""


@dataclass(frozen=True)
class Amount:
    of: str
    """What is counted: "time", "€", "date", or the stem of a word."""
    value: tuple[float, ...]
    """From and to; of a date month, day, and its year where it has one."""
    words: str
    """As it stands in the sentence."""
    at: int

    def is_same(self, other: "Amount") -> bool:
        if self.of == "date" and len(self.value) != len(other.value):
            return self.value[:2] == other.value[:2]  # one of them names no year
        return len(self.value) == len(other.value) and all(
            abs(a - b) <= CLOSE * max(abs(a), abs(b)) for a, b in zip(self.value, other.value, strict=True)
        )


def amounts(sentence: str) -> tuple[list[Amount], str]:
    """In the order in which they stand, and the sentence without them."""
    found: list[Amount] = []
    left = sentence
    for pattern, read in READERS:
        for match in pattern.finditer(left):
            if made := read(match):
                of, value = made
                found.append(Amount(of, value, match[0].strip(), match.start()))
        for one in found:
            left = left[: one.at] + " " * len(one.words) + left[one.at + len(one.words) :]
    return sorted(found, key=lambda one: one.at), " ".join(left.split())


Made = tuple[str, tuple[float, ...]] | None


def _date(match: re.Match[str]) -> Made:
    day, word = match["d"] or match["d2"], (match["m"] or match["m2"]).lower()
    month = next(i for i, each in enumerate(MONTHS, 1) if re.fullmatch(each, word))
    if not 1 <= int(day) <= 31:
        return None
    year = (float(match["y"]),) if match["y"] else ()
    return "date", (float(month), float(day), *year)


def _of_month(match: re.Match[str]) -> Made:
    word = match[1].lower()
    return "day of a month", ({"first": 1.0, "last": 31.0}.get(word) or float(re.sub(r"\D", "", word)),)


def _hours(match: re.Match[str]) -> Made:
    hour, minute, half, until, until_minute, until_half = match.groups()
    if not (minute and until_minute) and not until_half:
        return None
    return "hours", (_clock(hour, minute, half), _clock(until, until_minute, until_half))


def _clock(hour: str, minute: str | None, half: str | None) -> float:
    late = 12 if (half or "").lower().startswith("p") and int(hour) < 12 else 0
    return (int(hour) + late) * 60.0 + int(minute or 0)


def _price(match: re.Match[str]) -> Made:
    return match[1], (_number(match[2]),)


def _quantity(match: re.Match[str]) -> Made:
    low, high, kind, unit = match.groups()
    unit = unit.lower()
    if unit in SMALL:
        return None
    values = tuple(_number(each) for each in (low, high) if each)
    if unit in MONEY:
        return MONEY[unit], values
    if unit in {"%", "percent", "prozent"}:
        return "%", values
    if unit in BYTES:
        return "size", tuple(each * BYTES[unit] for each in values)
    for pattern, minutes in MINUTES:
        if re.fullmatch(pattern, unit):
            of = "working time" if (kind or "").lower() in {"working", "business"} else "time"
            return of, tuple(each * minutes for each in values)
    stems = Reading.of(unit).words
    return (stems[0], values) if stems else None


def _number(text: str) -> float:
    """`1,000` and `1.000` are a thousand, `4,90` and `4.90` are not."""
    text = WORDS.get(text.lower(), text)
    return float(re.sub(r"[.,](?=\d{3}(?:\D|$))", "", text).replace(",", "."))


READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Made]], ...] = (
    (DATE, _date),
    (OF_MONTH, _of_month),
    (HOURS, _hours),
    (PRICE, _price),
    (QUANTITY, _quantity),
)


def alone(found: list[Amount]) -> Iterator[Amount]:
    """Those of which there is one of the kind: of several nobody knows which is meant."""
    for one in found:
        if all(other.is_same(one) for other in found if other.of == one.of):
            yield one
