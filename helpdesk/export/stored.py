"""The desk's files on their way into an archive and out of one."""

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from helpdesk.errors import Invalid
from helpdesk.export.archive import Part, Writer, sync

SHARD, REST = re.compile(r"[0-9a-f]{2}"), re.compile(r"[0-9a-f]{62}")


class Listed(msgspec.Struct):
    """One line of `files.jsonl`."""

    sha256: str
    size: int


def list_files(folder: Path, into: Path) -> tuple[int, int]:
    """Writes files.jsonl; returns how many files there are and how many bytes they have."""
    count = size = 0
    encode = msgspec.json.Encoder().encode
    with into.open("wb") as lines:
        for path in _walk(folder):
            length = path.stat().st_size
            lines.write(encode(Listed(path.parent.name + path.name, length)) + b"\n")
            count, size = count + 1, size + length
    return count, size


def add_files(to: Writer, folder: Path, listed: Path) -> int:
    """Copies what was listed; returns how many were erased since then."""
    gone = 0
    decode = msgspec.json.Decoder(Listed).decode
    with listed.open("rb") as lines:
        for line in lines:
            key = decode(line).sha256
            try:
                to.add(f"files/{key[:2]}/{key[2:]}", folder / key[:2] / key[2:])
            except FileNotFoundError:
                gone += 1
    return gone


def take(part: Part, folder: Path) -> int:
    """Stores one file of an archive under the name that its content gives it; returns its size."""
    key = part.name.removeprefix("files/").replace("/", "")
    path = folder / key[:2] / key[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in part.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if part.digest != key:
            raise Invalid(f"The file {key} in this archive is damaged: its content is another one.")
        Path(name).replace(path)
        sync(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return part.size


def _walk(folder: Path) -> Iterator[Path]:
    """Stored files in the order of their names; what is being written, or is nobody's, is left out."""
    for shard in sorted(folder.glob("??")):
        if SHARD.fullmatch(shard.name) and shard.is_dir():
            yield from sorted(path for path in shard.iterdir() if REST.fullmatch(path.name))
