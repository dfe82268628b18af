"""Secrets and personal data leave as placeholders, and come back in the answer.

mask = Mask(names=["Ada Berg"])
mask.masked("Ada's card is 4111 1111 1111 1111")   # "[NAME_1]'s card is [CARD_1]"
mask.restored("[NAME_1], your card …")             # "Ada, your card …"

The same value has the same placeholder throughout. A text that already holds something like a placeholder has that
replaced as well: nobody can write `[CARD_1]` into a ticket to be shown somebody else's.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from ai.called import called
from ai.sensitive import Found, Sort, found_in

PLACEHOLDER = re.compile(r"\\?\[(" + "|".join(sort.value.upper() for sort in Sort) + r")_(\d{1,5})\\?\]")
LONGEST = 24  # characters of a placeholder, escaped as some models do
DENSE = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2}")
"""Thai, Lao, Japanese and Chinese: words stand next to each other."""
SHORTEST_NAME = 3  # letters of a part of a name that is looked for by itself


@dataclass
class Mask:
    names: Sequence[str] = ()
    values: Sequence[str] = ()
    """Words that are not to leave either, whatever they are."""
    people: bool = False
    """Names of whom nobody has told are looked for, too, where people put names."""
    _values: dict[str, str] = field(default_factory=dict)
    _placeholders: dict[tuple[Sort, str], str] = field(default_factory=dict)

    def masked(self, text: str) -> str:
        parts: list[str] = []
        place = 0
        for span in _apart([*found_in(text), *_literal(text), *self._told(text), *self._named(text)]):
            parts += [text[place : span.begin], self._placeholder(span.sort, text[span.begin : span.end])]
            place = span.end
        return "".join([*parts, text[place:]])

    def restored(self, text: str, *, in_json: bool = False) -> str:
        """`in_json`: the text is JSON, and what comes back stands within its strings."""
        return PLACEHOLDER.sub(lambda found: self._value(found, in_json), text)

    @property
    def counts(self) -> dict[str, int]:
        """Different values by sort."""
        return dict(Counter(sort.value for sort, _value in self._placeholders))

    def _placeholder(self, sort: Sort, value: str) -> str:
        key = (sort, value)
        if key not in self._placeholders:
            number = 1 + sum(other is sort for other, _value in self._placeholders)
            made = self._placeholders[key] = f"[{sort.value.upper()}_{number}]"
            self._values[made] = value
        return self._placeholders[key]

    def _value(self, found: re.Match[str], in_json: bool) -> str:
        value = self._values.get(f"[{found[1]}_{int(found[2])}]")
        if value is None:
            return found[0]
        return msgspec.json.encode(value).decode()[1:-1] if in_json else value

    def _told(self, text: str) -> Iterator[Found]:
        for value in dict.fromkeys(" ".join(value.split()) for value in self.values):
            if value:
                yield from _all(_apart_in(value), text, re.IGNORECASE, Sort.field)

    def _named(self, text: str) -> Iterator[Found]:
        """A whole name however it is written, its parts with capitals and in other cases: `mark` is a verb, `Mark` may
        be him. Scripts that know no capitals are taken by their parts as well. After a greeting and under a closing
        any word is a name."""
        if self.people or self.names:
            for begin, end in called(text):
                if self.people or self._is_told(text[begin:end]):
                    yield Found(begin, end, Sort.name)
        for name in {" ".join(name.split()) for name in self.names}:
            if (len(name) >= SHORTEST_NAME or DENSE.search(name)) and "@" not in name:
                yield from _all(_apart_in(name), text, re.IGNORECASE)
            for part in name.replace(",", " ").split():
                if len(part) >= SHORTEST_NAME and part[0].isalpha() and not part[0].islower():
                    yield from _all(_inflected(part), text)

    def _is_told(self, words: str) -> bool:
        """Parts of names that are known, however short or written small."""
        known = {part.lower() for name in self.names for part in name.replace(",", " ").split()}
        return {word.strip(".'’-").lower() for word in words.split()} <= known


@dataclass
class Restorer:
    """The same for an answer that comes in pieces: a placeholder may be cut anywhere."""

    mask: Mask
    in_json: bool = False
    _held: str = ""

    def more(self, piece: str) -> str:
        text = self._held + piece
        begin = max(text.rfind("["), len(text) - 1 if text.endswith("\\") else -1)
        if begin > 0 and text[begin - 1] == "\\":
            begin -= 1
        unfinished = begin >= 0 and "]" not in text[begin:] and len(text) - begin < LONGEST
        self._held = text[begin:] if unfinished else ""
        return self.mask.restored(text[:begin] if unfinished else text, in_json=self.in_json)

    def rest(self) -> str:
        held, self._held = self._held, ""
        return self.mask.restored(held, in_json=self.in_json)


def _apart_in(words: str) -> str:
    """A pattern for these words where they stand by themselves, a genitive's s left outside; anywhere in scripts that
    have no spaces."""
    whole = r"\s+".join(re.escape(part) for part in words.split())
    return whole if DENSE.search(words) else rf"(?<!\w){whole}(?=(?:['’]?s)?(?!\w))"


CASES = "a|e|i|u|y|ą|ę|ie|em|om|owi|ovi|ou|ei|en|n|ne|ová|nak|nek|hoz|val|vel"
OF_A = "y|i|ę|ą|u|o|e|ie|ze|ou|ě|át|ának"
"""Endings that languages with cases give a name, and those that take the place of an `a`."""


def _inflected(part: str) -> str:
    """As it is written, in capitals, and with an ending: `Adamowi`, `Annę`. Three letters take none: `Tim`, `Time`."""
    forms = [re.escape(part)]
    if part.upper() != part:
        forms.append(re.escape(part.upper()))
    if len(part) > SHORTEST_NAME and part.isalpha() and not DENSE.search(part):
        forms.append(rf"{re.escape(part)}(?:{CASES})")
        if part.endswith("a"):
            forms.append(rf"{re.escape(part[:-1])}(?:{OF_A})")
    return forms[0] if DENSE.search(part) else rf"(?<!\w)(?:{'|'.join(forms)})(?=(?:['’]?s)?(?!\w))"


def _all(pattern: str, text: str, flags: int = 0, sort: Sort = Sort.name) -> Iterator[Found]:
    for found in re.finditer(pattern, text, flags):
        yield Found(found.start(), found.end(), sort)


def _literal(text: str) -> Iterator[Found]:
    for found in PLACEHOLDER.finditer(text):
        yield Found(found.start(), found.end(), Sort.text)


def _apart(found: Iterable[Found]) -> list[Found]:
    """In order, those that overlap as one: of the sort that is worse to lose."""
    order = {sort: place for place, sort in enumerate(Sort)}
    apart: list[Found] = []
    for span in sorted(found, key=lambda span: (span.begin, -span.end)):
        if apart and span.begin < apart[-1].end:
            last = apart.pop()
            sort = min(last.sort, span.sort, key=order.__getitem__)
            span = Found(last.begin, max(last.end, span.end), sort)
        apart.append(span)
    return apart
