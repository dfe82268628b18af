"""Where a signature begins, when a mail has one that can be told from its words."""

import re

from channels.email.wordings import CLOSING, DELIMITER, SENT_FROM

LONGEST = 12  # lines; what is longer is no signature
FENCE = re.compile(r"^\s*(?:```|~~~)")
NAME_AFTER_DASH = re.compile(r"^\s{0,3}[-–—]{1,3}\s?[A-Z][\w'.]{1,20}(?: [A-Z][\w'.]{0,20}){0,2}\s*$")


def without_signature(text: str) -> str:
    lines = text.split("\n")
    start = _start(lines)
    while start and not lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[:start])


def _start(lines: list[str]) -> int:
    fenced = False
    delimiter = len(lines)
    for index, line in enumerate(lines):
        if FENCE.match(line):
            fenced = not fenced
        if not fenced and _begins(lines, index):
            delimiter = index
            break
    return _closing(lines, delimiter)


def _begins(lines: list[str], index: int) -> bool:
    line = lines[index]
    rest = [following for following in lines[index + 1 :] if following.strip()]
    if DELIMITER.match(line):
        return bool(index) and len(rest) <= LONGEST and all(len(following) < 200 for following in rest)
    return bool(SENT_FROM.match(line)) and len(rest) <= 3


def _closing(lines: list[str], end: int) -> int:
    """ "Regards," and a name or two right before the end."""
    filled = [index for index in range(end) if lines[index].strip()]
    for index in filled[1:][-6:]:
        after = [lines[place] for place in filled if place > index]
        if CLOSING.match(lines[index]) and len(after) <= 5 and all(len(line) < 60 for line in after):
            return index
    return end
