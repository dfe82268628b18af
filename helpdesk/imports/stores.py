"""Attachments of an import on their way into the desk's files; a dry run only counts them."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from helpdesk.export.archive import sync


class Store:
    def __init__(self, folder: Path, *, dry: bool = False) -> None:
        self.folder, self.dry = folder, dry

    def put(self, path: Path) -> tuple[str, int]:
        """Its sha256 and size; the bytes are on disk before any row names them."""
        with path.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest()
        target = self.folder / key[:2] / key[2:]
        if not self.dry and not target.exists():
            self._copy(path, target)
        return key, path.stat().st_size

    def _copy(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as into, path.open("rb") as source:
                shutil.copyfileobj(source, into)
                into.flush()
                os.fsync(into.fileno())
            Path(name).replace(target)
            sync(target.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
