"""Where a product's data lies: a folder of JSON files, or a ZIP of one. Any size, in the same memory.

tickets.json           a list, or an object that holds one, as the product's API answers
tickets.jsonl          one object a line
tickets-1.json …       pages
tickets/1.json …       pages, or one file an object
files/<id>             attachments by the product's id; files/<id>/<name> or files/<id>-<name> will do, too
"""

import json
import re
import shutil
import sqlite3
import stat
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from helpdesk.errors import Invalid
from helpdesk.imports.records import UNREADABLE, Raw

LARGEST_DOCUMENT = 512 << 20  # bytes of one .json, which is read whole; .jsonl may have any size
LARGEST_ZIP = 50 << 30  # bytes unpacked
MOST_FILES = 2_000_000
SAFE = re.compile(r"[\w.@+ ()-]{1,200}")


def is_name(key: str) -> bool:
    """Whether a product's id can be the name of a file, here and nowhere else."""
    return bool(SAFE.fullmatch(key)) and key not in {".", ".."}


class Place:
    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not self.folder.is_dir():
            raise Invalid(f"There is no folder {folder}.")

    def rows(self, *names: str) -> Iterator[Raw]:
        """All objects of a kind; `names` are how products call it, as a file and inside of one.

        What a file name says and its objects do not is added: `ticket_comments/7.json` → `"_of": "7"`.
        """
        for name in names:
            for path in self._files(name):
                of = re.sub(rf"^{name}[-_.]?", "", path.stem)
                for row in _objects(path, names):
                    if isinstance(row, dict):
                        row.setdefault("_of", of)
                        yield row

    def has(self, *names: str) -> bool:
        return any(next(self._files(name), None) for name in names)

    def file(self, key: str) -> Path | None:
        """An attachment's content. Nothing outside of the folder is ever read."""
        if not is_name(key):
            return None
        for folder in ("files", "attachments"):
            base = self.folder / folder
            inside = (
                [*(base / key).glob("*")] if (base / key).is_dir() else [base / key, *base.glob(f"{key}-*")]
            )
            for path in inside:
                if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(self.folder):
                    return path
        return None

    def _files(self, name: str) -> Iterator[Path]:
        found = [self.folder / f"{name}.json", self.folder / f"{name}.jsonl"]
        numbered = re.compile(rf"{re.escape(name)}[-_.]\d+\.jsonl?")
        found += sorted((p for p in self.folder.iterdir() if numbered.fullmatch(p.name)), key=_by_number)
        found += sorted((self.folder / name).glob("*.json*"), key=_by_number)
        for path in found:
            if path.is_file() and path.resolve().is_relative_to(self.folder):
                yield path


def _by_number(path: Path) -> tuple[int, str]:
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1][:18]) if digits else 0, path.name


def _objects(path: Path, names: Iterable[str]) -> Iterator[Any]:
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _line(line, f"{path.name}, line {number}")
        return
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise Invalid(f"{path.name} is larger than 512 MB: split it, or write one object a line as .jsonl.")
    try:
        yield from _listed(_decoded(path.read_bytes()), names)
    except ValueError as error:
        raise Invalid(f"{path.name} cannot be read as JSON: {error}") from None


def _line(line: bytes, where: str) -> Any:
    """One bad line of many is one object that cannot be read."""
    try:
        return _decoded(line)
    except ValueError as error:
        return {"id": where, UNREADABLE: f"it cannot be read as JSON: {error}"}


def _decoded(document: bytes) -> Any:
    try:
        return msgspec.json.decode(document)
    except msgspec.DecodeError:
        return json.loads(document)  # takes lone surrogates, which products do write


def _listed(document: Any, names: Iterable[str]) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return []
    for key in (*names, "payload", "results", "data", "_embedded"):
        if isinstance(document.get(key), list):
            return document[key]  # type: ignore[no-any-return]
        if isinstance(document.get(key), dict) and key in {"payload", "data", "_embedded"}:
            return _listed(document[key], names)
    return [document] if "id" in document else []


class Shelf:
    """Children put by their parent's id, on disk: comments come in any order, and there may be millions."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "children.sqlite"
        self.db = sqlite3.connect(self.path)
        self.db.executescript(
            "PRAGMA journal_mode = off; PRAGMA synchronous = off;"
            "CREATE TABLE child (parent TEXT, body BLOB); CREATE TABLE ready (yes INTEGER)"
        )
        self.encode, self.decode = msgspec.json.Encoder().encode, msgspec.json.Decoder().decode

    def put(self, rows: Iterable[Raw], *parents: str) -> None:
        """`parents` are the names under which an object may name its parent."""
        named = (
            (next((str(r[p]) for p in parents if r.get(p) not in (None, "")), ""), self.encode(r))
            for r in rows
        )
        self.db.executemany("INSERT INTO child VALUES (?, ?)", named)
        self.db.execute("CREATE INDEX IF NOT EXISTS by_parent ON child (parent)")

    def of(self, parent: object) -> list[Raw]:
        found = self.db.execute("SELECT body FROM child WHERE parent = ? ORDER BY rowid", [str(parent)])
        return [self.decode(body) for (body,) in found]


@contextmanager
def shelf() -> Iterator[Shelf]:
    with tempfile.TemporaryDirectory(prefix="helpdesk-import-") as folder:
        made = Shelf(Path(folder))
        try:
            yield made
        finally:
            made.db.close()


def unpack(archive: Path, into: Path) -> Path:
    """A ZIP that anybody may have made: no way out of the folder, no links, no bomb."""
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST_ZIP or len(entries) > MOST_FILES:
                raise Invalid(f"{archive.name} would unpack to more than the desk takes.")
            if sum(entry.file_size for entry in entries) > shutil.disk_usage(into.parent).free * 0.9:
                raise Invalid(f"There is no room on the disk to unpack {archive.name}.")
            for entry in entries:
                _extract(packed, entry, into)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise Invalid(f"{archive.name} cannot be unpacked: {error}") from error
    inner = [path for path in into.iterdir() if path.name != "__MACOSX"]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else into


def _extract(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path) -> None:
    target = (into / entry.filename).resolve()
    if not target.is_relative_to(into.resolve()):
        raise Invalid(f"The archive holds {entry.filename[:100]!r}, which leads out of it.")
    if stat.S_ISLNK(entry.external_attr >> 16) or entry.is_dir():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, target.open("xb") as file:
        left = entry.file_size
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise Invalid(f"{entry.filename[:100]!r} is larger than the archive says.")
            file.write(chunk)
