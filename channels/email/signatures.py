"""Where a signature begins, when a mail has one that can be told from its words."""

import re

from channels.email.wordings import DELIMITER, SENT_FROM

LONGEST = 12  # lines; what is longer is no signature
WIDEST = 200  # characters of a line in one
FENCE = re.compile(r"^\s*(?:```|~~~)")
DASHED_NAME = re.compile(r"^\s{0,3}[-–—]{1,2} ?[^\W\d_]{2,20}\.?\s*$")


def without_signature(text: str) -> str:
    lines = text.split("\n")
    start = _start([line[:WIDEST] for line in lines])
    while start and not lines[start - 1].strip():
        start -= 1
    return "\n".join(lines[:start])


def _start(lines: list[str]) -> int:
    filled = [index for index, line in enumerate(lines) if line.strip()]
    fenced = _fenced(lines)
    for place, index in enumerate(filled):
        rest = filled[place + 1 :] if len(filled) - place <= LONGEST + 1 else None
        if rest is not None and index not in fenced and _begins(lines, index, rest):
            return index
    return _dashed_name(lines, filled)


def _fenced(lines: list[str]) -> set[int]:
    """Lines of code between fences: whatever looks like a signature there is none."""
    inside = False
    fenced: set[int] = set()
    for index, line in enumerate(lines):
        if FENCE.match(line):
            inside = not inside
        elif inside:
            fenced.add(index)
    return fenced


def _begins(lines: list[str], index: int, rest: list[int]) -> bool:
    if DELIMITER.match(lines[index]):
        return bool(index) and all(len(lines[place]) < WIDEST for place in rest)
    return len(rest) <= 3 and bool(SENT_FROM.match(lines[index]))


def _dashed_name(lines: list[str], filled: list[int]) -> int:
    """A dash and a first name at the very end; a list's last point is none."""
    if len(filled) < 2 or not DASHED_NAME.match(lines[filled[-1]]):
        return len(lines)
    return len(lines) if lines[filled[-2]].lstrip().startswith(("-", "*", "–")) else filled[-1]
