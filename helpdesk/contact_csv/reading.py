"""Rows of a CSV file of unknown making: which encoding, which delimiter, and one bad row never ends the rest."""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes

from helpdesk.contact_csv.cells import bare
from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.texts import clean

HEAD = 256 * 1024  # bytes from which encoding and delimiter are told
LARGEST = 64 * 1024**2  # bytes of a file; some 500,000 contacts
COLUMNS = 200
DELIMITERS = (",", ";", "\t", "|")
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
LEGACY = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
]


class NoTable(Invalid):
    message = _(
        "This file has no header line with names of columns. Save it as CSV from your spreadsheet again."
    )


@dataclass(frozen=True)
class Form:
    """How a file is written."""

    encoding: str
    delimiter: str
    columns: list[str]


@dataclass(frozen=True)
class Line:
    number: int
    """Of the file, as an editor counts; of a row that has several, its last."""
    cells: list[str]
    trouble: str = ""


def form(path: Path) -> Form:
    """Raises NoTable where there is nothing like a header."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    encoding = encoding_of(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    delimiter = delimiter_of(text)
    columns = [cell.strip() for cell in next(csv.reader(text.splitlines(True), delimiter=delimiter), [])]
    if not any(columns) or len(columns) > COLUMNS or "\x00" in text[:1000]:
        raise NoTable
    return Form(encoding, delimiter, [clean(bare(column))[:100] for column in columns])


def encoding_of(head: bytes) -> str:
    for bom, name in BOMS.items():
        if head.startswith(bom):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        best = from_bytes(head, cp_isolation=LEGACY).best()
        return best.encoding if best else "cp1252"
    return "utf-8"


def delimiter_of(text: str) -> str:
    """The one that gives the most columns in the header and as many in the lines below it."""
    lines = text.splitlines(True)[:30]

    def fits(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        except csv.Error:
            return (0, 0)
        if not widths or widths[0] < 2:
            return (0, 0)
        return (sum(width == widths[0] for width in widths) / len(widths), widths[0])

    return max(DELIMITERS, key=fits)


def lines(path: Path, form: Form) -> Iterator[Line]:
    """Every row but the header and empty ones."""
    with path.open(encoding=form.encoding, errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=form.delimiter)
        first = True
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(reader.line_num, [], gettext("This row cannot be read: %(why)s.") % {"why": error})
                continue
            if first:
                first = False
            elif any(cell.strip() for cell in cells):
                yield _line(reader.line_num, [clean(cell) for cell in cells], form)


def _line(number: int, cells: list[str], form: Form) -> Line:
    width = len(form.columns)
    if any(cell.strip() for cell in cells[width:]):
        words = gettext("This row has %(cells)s cells, and the header only %(columns)s.")
        return Line(number, cells[:COLUMNS], words % {"cells": len(cells), "columns": width})
    return Line(number, (cells + [""] * width)[:width])
