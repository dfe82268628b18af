"""An export or a backup on disk: a folder, or one `.tar` of the same, complete under its name or not there.

What is read may come from anybody: names are checked before anything is opened, sizes are bounded, and what
was written down about a part is compared while the part is read.
"""

import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from helpdesk.errors import Conflict, Invalid

PART = re.compile(
    r"manifest\.json|files\.jsonl|database\.dump|tables/[a-z0-9_]+\.jsonl|files/[0-9a-f]{2}/[0-9a-f]{62}"
)
CHUNK = 1 << 20
MANIFEST = 16 << 20  # bytes, at the most


class Writer(Protocol):
    def add(self, name: str, source: Path) -> None: ...


@contextmanager
def written(target: Path) -> Iterator[Writer]:
    """A new archive, which gets its name when the block ends without an error; nothing is left otherwise."""
    if target.exists():
        raise Conflict(f"{target} exists already: choose another name, or remove it first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    remove(part)  # of somebody who was killed
    try:
        if target.suffix == ".tar":
            with (
                _private(part) as file,
                tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                yield _Tar(tar)
        else:
            part.mkdir(mode=0o700)
            yield _Folder(part)
        part.rename(target)
        sync(target.parent)
    except BaseException:
        remove(part)
        raise


@contextmanager
def _private(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


class _Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar

    def add(self, name: str, source: Path) -> None:
        with source.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
            self.tar.addfile(member, file)
        _forget(self.tar)


def _forget(tar: tarfile.TarFile) -> None:
    """`tarfile` remembers every member that it has seen, of which there may be millions."""
    tar.__dict__["members"].clear()


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, source: Path) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)


class Part:
    """One part of an archive while it is read; `digest` and `size` are those of what was read so far."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name, self._file, self.size = name, file, 0
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def lines(self) -> Iterator[bytes]:
        with _said_to_be_damaged(self.name):
            for line in self._file:
                self._saw(line)
                yield line

    def chunks(self) -> Iterator[bytes]:
        with _said_to_be_damaged(self.name):
            while chunk := self._file.read(CHUNK):
                self._saw(chunk)
                yield chunk

    def _saw(self, what: bytes) -> None:
        self._hash.update(what)
        self.size += len(what)


@contextmanager
def _said_to_be_damaged(what: object) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise Invalid(f"{what} is no export or backup, or it is damaged: {error}.") from error


def parts(source: Path) -> Generator[Part]:
    """All parts in the order in which they were written: manifest, then tables or dump, then files."""
    if source.is_dir():
        yield from _of_folder(source)
    elif source.is_file():
        yield from _of_tar(source)
    else:
        raise Invalid(f"There is no export or backup at {source}.")


def _of_folder(folder: Path) -> Generator[Part]:
    names = ["manifest.json", "database.dump"]
    names += sorted(f"tables/{path.name}" for path in (folder / "tables").glob("*"))
    names += ["files.jsonl"]
    for name in names:
        if (folder / name).is_file():
            with (folder / _checked(name)).open("rb") as file:
                yield Part(name, file)
    for shard in sorted((folder / "files").glob("*")):
        for path in sorted(shard.iterdir()):
            name = _checked(f"files/{shard.name}/{path.name}")
            if path.is_symlink():
                raise Invalid(f"{path} is a link; an export holds none.")
            with path.open("rb") as file:
                yield Part(name, file)


def _of_tar(source: Path) -> Generator[Part]:
    with _said_to_be_damaged(source), tarfile.open(source, mode="r|*") as tar:
        for member in tar:
            if not member.isreg():
                raise Invalid(f"{source} holds {member.name!r}, which is no plain file.")
            if file := tar.extractfile(member):
                yield Part(_checked(member.name), io.BufferedReader(file, CHUNK))  # type: ignore[type-var]
            _forget(tar)


def _checked(name: str) -> str:
    if not PART.fullmatch(name):
        raise Invalid(f"An export holds no part named {name[:100]!r}.")
    return name


def manifest(part: Part | None, source: Path) -> dict[str, Any]:
    """The first part, decoded."""
    if part is None or part.name != "manifest.json":
        raise Invalid(
            f"{source} does not begin with a manifest: it is no export or backup, or not all of one."
        )
    read = b""
    for chunk in part.chunks():
        read += chunk
        if len(read) > MANIFEST:
            raise Invalid(f"The manifest of {source} is longer than any that the desk writes.")
    with suppress(msgspec.DecodeError):
        if isinstance(found := msgspec.json.decode(read), dict):
            return found
    raise Invalid(f"The manifest of {source} cannot be read.")


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
