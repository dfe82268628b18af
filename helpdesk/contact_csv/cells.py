"""Cells of CSV files: what a spreadsheet would run is made harmless, and several values share one cell.

Both ways are exact: `bare(harmless(text)) == text`, `parted(joined(values)) == values`.
"""

import re
from collections.abc import Iterable

FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n＝＋－＠|%]|'*[\t\r\n]")
"""How a cell begins that a spreadsheet may take for a formula, behind any number of quotes.

OWASP, CSV injection: `= + - @`, tab, carriage return; the full-width forms are read alike in East Asian locales.
"""
SEPARATOR = re.compile(r"(?<!\\)((?:\\\\)*);")


def harmless(text: str) -> str:
    """With a quote in front, which spreadsheets take for "this is text" and do not show."""
    return f"'{text}" if FORMULA.match(text) else text


def bare(text: str) -> str:
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def joined(values: Iterable[str]) -> str:
    return "; ".join(value.replace("\\", "\\\\").replace(";", "\\;") for value in values)


def parted(cell: str) -> list[str]:
    parts = SEPARATOR.sub("\\1\x00", cell).split("\x00")
    return [re.sub(r"\\(.)", r"\1", part.strip()) for part in parts if part.strip()]
