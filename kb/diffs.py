"""What changed between two texts: line by line, and word by word within lines that were changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

AROUND = 3
"""Unchanged lines that are shown before and after a change."""
MOST_WORK = 1_000_000
"""Pairs of words that are compared in two lines; longer lines are shown whole."""


@dataclass(frozen=True)
class Piece:
    kind: str  # same | added | removed
    text: str


@dataclass(frozen=True)
class Line:
    kind: str  # same | added | removed | skipped
    pieces: tuple[Piece, ...] = ()
    skipped: int = 0

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


def diff(before: str, after: str) -> list[Line]:
    """All changes with some lines around them; `skipped` says how many are left out between."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    steps = SequenceMatcher(None, old, new).get_opcodes()
    for place, (kind, a, b, c, d) in enumerate(steps):
        if kind == "equal":
            lines.extend(_same(old[a:b], first=place == 0, last=place == len(steps) - 1))
        else:
            lines.extend(_changed(old[a:b], new[c:d]))
    return lines


def _same(lines: list[str], *, first: bool, last: bool) -> Iterator[Line]:
    head, tail = (0 if first else AROUND), (0 if last else AROUND)
    if len(lines) <= head + tail + 1:
        yield from map(_unchanged, lines)
        return
    yield from map(_unchanged, lines[:head])
    yield Line("skipped", skipped=len(lines) - head - tail)
    yield from map(_unchanged, lines[len(lines) - tail :])


def _unchanged(line: str) -> Line:
    return Line("same", (Piece("same", line),))


def _changed(old: list[str], new: list[str]) -> Iterator[Line]:
    """Lines in the same place are compared by words where they have much in common."""
    if len(old) == len(new):
        for one, other in zip(old, new, strict=True):
            yield from words(one, other)
        return
    yield from (Line("removed", (Piece("removed", line),)) for line in old)
    yield from (Line("added", (Piece("added", line),)) for line in new)


def words(before: str, after: str) -> Iterator[Line]:
    """Two lines: what was, with what went marked, and what is, with what came marked."""
    old, new = re.findall(r"\w+|\s+|[^\w\s]", before), re.findall(r"\w+|\s+|[^\w\s]", after)
    if len(old) * len(new) > MOST_WORK:
        yield Line("removed", (Piece("removed", before),))
        yield Line("added", (Piece("added", after),))
        return
    removed: list[Piece] = []
    added: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        same = "same" if kind == "equal" else ""
        if a < b:
            removed.append(Piece(same or "removed", "".join(old[a:b])))
        if c < d:
            added.append(Piece(same or "added", "".join(new[c:d])))
    if before:
        yield Line("removed", tuple(removed))
    if after:
        yield Line("added", tuple(added))
