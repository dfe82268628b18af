"""Where a signature begins, when a mail has one that can be told from its words."""

import re

from channels.email.wordings import DELIMITER, SENT_FROM

LONGEST = 12  # lines; what is longer is no signature
FENCE = re.compile(r"^\s*(?:```|~~~)")
DASHED_NAME = re.compile(r"^\s{0,3}[-–—]{1,2} ?[^\W\d_]{2,20}\.?\s*$")


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
    """A dash and a first name at the very end; a list's last point is none."""
    filled = [index for index in range(end) if lines[index].strip()]
    if len(filled) < 2 or not DASHED_NAME.match(lines[filled[-1]]):
        return end
    return end if lines[filled[-2]].lstrip().startswith(("-", "*", "–")) else filled[-1]
