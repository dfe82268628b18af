"""What a backup says of itself."""

import hashlib
import hmac
from contextlib import closing
from pathlib import Path

import msgspec

from helpdesk.errors import Invalid
from helpdesk.export import archive
from helpdesk.settings import PREFIX, Settings

FORMAT = 1


class Content(msgspec.Struct, kw_only=True):
    sha256: str
    bytes: int
    count: int = 1


class Manifest(msgspec.Struct, kw_only=True):
    backup: int
    """The format's number; an export has none."""
    made_at: str
    version: str
    revision: str
    """The schema's, which a restore needs to know or be newer than."""
    postgresql: int
    rights: dict[str, list[str]]
    """What `helpdesk_app` may do with each table; empty where there is no such role."""
    rows: dict[str, int]
    dump: Content
    files: Content
    secret_mark: str
    """Tells whether a desk has the same secret, without telling anything of it."""
    secret: str = ""
    """The secret itself, where it was asked for."""


def mark(settings: Settings) -> str:
    return hmac.digest(settings.sign_key, b"helpdesk backup", "sha256")[:8].hex()


def of(source: Path) -> Manifest:
    """Raises Invalid where this is no backup."""
    with closing(archive.parts(source)) as parts:
        told = archive.manifest(next(parts, None), source)
    if "backup" not in told:
        raise Invalid(f"{source} is an export, not a backup: `helpdesk import` takes it.")
    try:
        manifest = msgspec.convert(told, Manifest)
    except msgspec.ValidationError as error:
        raise Invalid(f"The manifest of {source} cannot be read: {error}.") from None
    if manifest.backup != FORMAT:
        raise Invalid(f"{source} was written in a format that this version does not know.")
    return manifest


def content(path: Path, count: int = 1) -> Content:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Content(sha256=digest, bytes=path.stat().st_size, count=count)


SECRET = f"{PREFIX}SECRET"
