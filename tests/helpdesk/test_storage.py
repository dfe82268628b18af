"""Attachments on disk: once, by their content, and nothing half."""

import errno
from pathlib import Path

import pytest

from helpdesk.errors import NotFound
from helpdesk.storage import Files


async def test_the_same_bytes_are_one_file_that_nobody_else_can_read(tmp_path: Path):
    files = Files(tmp_path)
    key = await files.put(b"plan")
    assert await files.put(b"plan") == key
    assert await files.get(key) == b"plan"
    (path,) = (found for found in tmp_path.rglob("*") if found.is_file())
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(NotFound):
        await files.get("0" * 64)


async def test_a_full_disk_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Halves that stay would take the room that smaller files still have, at every try again."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("helpdesk.storage.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        await Files(tmp_path).put(b"x" * 10_000)
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]
