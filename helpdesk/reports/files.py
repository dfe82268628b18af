"""Sheets as files. What looks like a formula is kept from being one: strangers choose names and subjects."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xlsxwriter

from helpdesk.contact_csv.cells import harmless
from helpdesk.i18n import gettext
from helpdesk.measures import Answer, Period
from helpdesk.reports import sheets
from helpdesk.reports.sheets import Sheet

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Spreadsheets take a file without it for another encoding."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CELL = 32_000  # characters; a spreadsheet refuses more than 32,767


def plain(value: Any) -> Any:
    """A cell of a CSV file: text that could be a formula begins with an apostrophe; instants are ISO, in UTC."""
    if isinstance(value, str):
        return harmless(value[:CELL])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else value


def as_csv(sheet: Sheet) -> bytes:
    out = io.StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out)
    for row in lines(sheet):
        writer.writerow([plain(cell) for cell in row])
    return out.getvalue().encode()


def lines(sheet: Sheet) -> Iterable[Sequence[Any]]:
    yield sheets.heads(sheet)
    for row in sheet.rows:
        yield sheets.cells(sheet, row)


def as_xlsx(sheet: Sheet) -> bytes:
    """Two sheets: the numbers, and what they mean."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.xlsx"
        book = xlsxwriter.Workbook(path, {"constant_memory": True, **_PLAIN})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        numbers = book.add_worksheet(gettext("Report")[:31])
        numbers.freeze_panes(1, 1)
        numbers.set_column(0, 0, 28)
        numbers.set_column(1, len(sheets.heads(sheet)), 16)
        for number, row in enumerate(lines(sheet)):
            _write(numbers, number, row, bold if number == 0 else None)
        meaning = book.add_worksheet(gettext("What it means")[:31])
        meaning.set_column(0, 0, 36)
        meaning.set_column(1, 1, 110)
        for number, row in enumerate(explained(sheet.answer)):
            _write(meaning, number, row, None)
        book.close()
        return path.read_bytes()


_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def _write(page: Any, number: int, row: Sequence[Any], style: Any) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, (int, float)) and not isinstance(cell, bool):
            page.write_number(number, column, cell, style)
        elif cell not in (None, ""):
            page.write_string(number, column, str(cell)[:CELL], style)


def explained(answer: Answer) -> list[tuple[str, str]]:
    found = [(gettext("Period"), days(answer.period))]
    if answer.compared:
        found.append((gettext("Compared with"), days(answer.compared)))
    return [*found, *((str(measure), str(measure.definition)) for measure in answer.measures)]


def days(period: Period) -> str:
    return gettext("%(begin)s to %(end)s, both included, in the time of %(zone)s") % {
        "begin": period.begin.isoformat(),
        "end": period.end.isoformat(),
        "zone": period.zone,
    }


async def streamed(rows: AsyncIterator[Sequence[Any]]) -> AsyncIterator[bytes]:
    """CSV, a piece at a time: as many tickets as there are, in no more memory than a few of them need."""
    out = io.StringIO(newline="")
    out.write(BOM)
    writer = csv.writer(out)
    async for row in rows:
        writer.writerow([plain(cell) for cell in row])
        if out.tell() > 60_000:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()
