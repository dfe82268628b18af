"""Attachments on disk, named by their content: no supplied name ever becomes a path."""

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

from helpdesk.errors import NotFound


class Files:
    """A folder of files by sha256. Writing the same content twice is one file, so retries leave nothing behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, content: bytes) -> str:
        """Returns the key once the bytes are on disk, before any row may point at them."""
        key = hashlib.sha256(content).hexdigest()
        await asyncio.to_thread(self._write, self.path(key), content)
        return key

    async def get(self, key: str) -> bytes:
        try:
            return await asyncio.to_thread(self.path(key).read_bytes)
        except FileNotFoundError:
            raise NotFound from None

    def path(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
            _sync(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)  # a full disk is not to be filled with what did not fit
            raise


def _sync(folder: Path) -> None:
    """A new name is on disk only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
