"""What a change of words changed: shown before it is taken, and checked for what must not change by itself."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from ai.drafting.lexicon import NEGATIONS
from helpdesk.i18n import gettext, ngettext

PIECE = re.compile(r"\s+|[\w'’]+|[^\w\s]")
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,:/]\d+)*(?![\w])")
ADDRESS = re.compile(r"https?://[^\s<>()\"']+|[\w.+-]+@[\w-]+\.[\w.]+")
WORD = re.compile(r"[\w']+")
LONGEST = 4_000  # pieces; longer texts are shown side by side


class Change(StrEnum):
    same = "same"
    gone = "gone"
    new = "new"


@dataclass(frozen=True)
class Run:
    change: Change
    text: str


def runs(before: str, after: str) -> list[Run]:
    """Both texts in one, by words."""
    one, other = PIECE.findall(before), PIECE.findall(after)
    if max(len(one), len(other)) > LONGEST:
        return [Run(Change.gone, before), Run(Change.new, after)]
    found: list[Run] = []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Run(Change.same, "".join(one[a:b])))
            continue
        if b > a:
            found.append(Run(Change.gone, "".join(one[a:b])))
        if d > c:
            found.append(Run(Change.new, "".join(other[c:d])))
    return found


def warnings(before: str, after: str, *, translated: bool = False) -> list[str]:
    """What an agent should look at before taking it: facts that came or went with the wording."""
    found = []
    lost, came = _apart(_numbers(before), _numbers(after))
    if lost:
        found.append(gettext("These numbers are gone: %(what)s.") % {"what": _listed(lost)})
    if came:
        found.append(gettext("These numbers are new: %(what)s.") % {"what": _listed(came)})
    lost, came = _apart(ADDRESS.findall(before), ADDRESS.findall(after))
    if lost:
        found.append(gettext("These addresses are gone: %(what)s.") % {"what": _listed(lost)})
    if came:
        found.append(gettext("These addresses are new: %(what)s.") % {"what": _listed(came)})
    if not translated and (less := _negations(before) - _negations(after)):
        words = ngettext("%(num)s “not” less than before.", "%(num)s “not” less than before.", less)
        more = ngettext("%(num)s “not” more than before.", "%(num)s “not” more than before.", -less)
        found.append(words % {"num": less} if less > 0 else more % {"num": -less})
    return found


def _apart(one: Iterable[str], other: Iterable[str]) -> tuple[list[str], list[str]]:
    mine, theirs = Counter(one), Counter(other)
    return sorted(mine - theirs), sorted(theirs - mine)


def _numbers(text: str) -> list[str]:
    plain = ADDRESS.sub(" ", text)
    return [re.sub(r"[.,](?=\d{3}$)", "", number).replace(",", ".") for number in NUMBER.findall(plain)]


def _negations(text: str) -> int:
    words = [word.lower() for word in WORD.findall(text.replace("’", "'"))]
    return sum(word in NEGATIONS or word.endswith("n't") for word in words)


def _listed(words: list[str]) -> str:
    return ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
