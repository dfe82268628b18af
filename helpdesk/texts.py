"""Small things done to people's texts."""

import re
import unicodedata

SPACE = re.compile(r"\s+")


def preview(text: str, length: int = 160) -> str:
    """One line for a list, cut at a word where one ends near."""
    line = SPACE.sub(" ", text[: length * 4]).strip()
    if len(line) <= length:
        return line
    cut = line.rfind(" ", length - 24, length)
    return line[: cut if cut > 0 else length].rstrip() + "…"


def says_something(text: str) -> bool:
    """Not of spaces and marks alone that nobody sees, such as those that turn the direction of writing."""
    return any(each.isprintable() and not each.isspace() for each in text)


def written(text: str) -> str:
    """Several lines that somebody typed, as they are kept: clean, with plain line ends, nothing around them."""
    return clean(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def clean(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and lone surrogates, which no encoding knows."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def saved_as(name: str) -> str:
    """Without what could break a header, lead to another folder or turn a name around, so that a program looks like a
    picture: controls and bidi marks. What is shown is what is saved."""
    seen = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return seen.replace("/", "_").replace("\\", "_").strip(". ")[:180]
