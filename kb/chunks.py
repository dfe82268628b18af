"""Passages: an article cut by headings and sentences into pieces that answer one question each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

CUTTING = 1
"""Counted up with every change of what `split` returns: articles that were cut before are cut anew."""
WORDS = 110
"""Of one passage: the length that agreed best with experts' answers, and well inside the model's 256 tokens."""
SHORT = 30
"""A section below this many words shares its passage with the next one."""


CELLS = " | "
"""Between the cells of a table's row."""


@dataclass(frozen=True)
class Passage:
    path: tuple[str, ...]  # the headings above it, outermost first; without the article's title
    text: str  # a line per paragraph or list item; list items keep their mark


@dataclass(frozen=True)
class Block:
    """One paragraph, list item, table row or code block, as plain text."""

    path: tuple[str, ...]
    text: str
    whole: bool = False  # code: never cut between sentences


def split(body: str) -> list[Passage]:
    """Passages of about 110 words; each begins with the last sentence of the one before.

    Where short sections share one, each stands under its heading, unless that is above them all.
    """
    passages: list[Passage] = []
    current: list[tuple[str, bool]] = []  # sentence, begins a block
    path: tuple[str, ...] = ()
    section: tuple[str, ...] = ()  # of the block before
    carried = 0  # leading sentences of `current` that the passage before has, too

    def close(*, overlap: bool) -> None:
        nonlocal current, carried
        if len(current) > carried:
            passages.append(Passage(path, joined(current)))
            current = [(current[-1][0], True)] if overlap else []
            carried = len(current)

    for block in blocks(body):
        if not current or block.path != section:
            if counted(current) >= SHORT or not current:
                close(overlap=False)
                current, carried = [], 0
                path = block.path
            else:
                if path != (shared := common(path, block.path)):
                    current.insert(0, (announced(path[-1]), True))
                if block.path:
                    current.append((announced(block.path[-1]), True))
                path = shared
        section = block.path
        for i, sentence in enumerate([block.text] if block.whole else sentences(block.text)):
            if current and counted(current) + len(sentence.split()) > WORDS:
                close(overlap=len(sentence.split()) < WORDS / 2)
            current.append((sentence, i == 0))
    close(overlap=False)
    return passages


def headings(body: str) -> frozenset[str]:
    """As they stand within passages: a line each."""
    return frozenset(announced(heading) for block in blocks(body) for heading in block.path)


def announced(heading: str) -> str:
    """A heading within a passage reads as the start of what follows."""
    return heading if heading[-1:] in ".:?!" else heading + ":"


def joined(pieces: list[tuple[str, bool]]) -> str:
    text = ""
    for sentence, begins in pieces:
        text += ("\n" if begins else " ") + sentence if text else sentence
    return text


def counted(pieces: list[tuple[str, bool]]) -> int:
    return sum(len(sentence.split()) for sentence, _ in pieces)


def common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    same = [a for a, b in zip(one, other, strict=False) if a == b]
    return tuple(same)


BOUNDARY = re.compile(
    r"(?<=[.!?…。！？])[\"'”’)\]]*\s+(?=[\"'“‘(\[¿¡]*[^\W_a-z])"  # a mark, space, no small letter
    r"|(?<=[a-zà-ÿ)][.!?])(?=[A-ZÀ-Þ][a-zà-ÿ ])"  # pages whose paragraphs lost their line break: "done.You"
    r"|(?<=[。！？])"
)
ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|No|Nr|Dr|Mr|Mrs|Ms|St|Inc|z\.B|bzw|ca|approx)|^\d+)\.$")


def sentences(text: str) -> list[str]:
    """Sentences of one block; a full stop after an abbreviation or a list's number ends none."""
    found: list[str] = []
    for piece in BOUNDARY.split(text):
        if not (piece := piece.strip()):
            continue
        if found and ABBREVIATION.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.extend(bounded(piece))
    return found


def bounded(sentence: str) -> Iterator[str]:
    """A "sentence" longer than a passage is a table or a log: cut by words."""
    words = sentence.split()
    if len(words) <= WORDS:
        yield sentence
        return
    for start in range(0, len(words), WORDS):
        yield " ".join(words[start : start + WORDS])


PARSER = MarkdownIt("commonmark", {"html": False}).enable("table").disable("code")
"""Indented code is off: imported plain text is indented for many reasons, and rarely because it is code."""


def blocks(body: str) -> Iterator[Block]:
    path: list[str] = []
    levels: list[int] = []
    lists: list[int | None] = []  # the next number of each open list; None where it has bullets
    mark = ""
    cells: list[str] | None = None
    tokens = PARSER.parse(body)
    for i, token in enumerate(tokens):
        match token.type:
            case "heading_open":
                level = int(token.tag[1:])
                while levels and levels[-1] >= level:
                    levels.pop()
                    path.pop()
                levels.append(level)
                path.append(plain(tokens[i + 1]))
            case "ordered_list_open":
                lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_close" | "bullet_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                mark = "- " if number is None else f"{number}. "
                lists[-1] = None if number is None else number + 1
            case "tr_open":
                cells = []
            case "tr_close":
                if cells and (text := CELLS.join(cells)):
                    yield Block(tuple(path), text, whole=True)
                cells = None
            case "fence" if token.content.strip():
                yield Block(tuple(path), token.content.rstrip(), whole=len(token.content.split()) < WORDS)
            case "inline" if tokens[i - 1].type != "heading_open":
                text = plain(token)
                if cells is not None:
                    cells.append(text)
                elif text:
                    yield Block(tuple(path), mark + text)
                mark = ""


def plain(token: Token) -> str:
    """An inline token without its marks; an image speaks through its alternative text."""
    parts = []
    for child in token.children or []:
        if child.type in {"text", "code_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        elif child.type == "image":
            parts.append(plain(child))
    return " ".join("".join(parts).split())
