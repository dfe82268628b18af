"""Exports that somebody ordered in the console: files in the desk's home, made by a worker, kept for a week."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.export.writing import write
from helpdesk.settings import Settings

NAME = re.compile(r"helpdesk-export-\d{8}-\d{6}\.tar")
KEPT = timedelta(days=7)
WANTED = ".wanted"


@dataclass(frozen=True)
class Made:
    name: str
    at: datetime
    bytes: int
    ready: bool


def order(settings: Settings, *, with_secrets: bool) -> str:
    """Leaves a wish that the worker finds; returns the name that the file will have."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"helpdesk-export-{now():%Y%m%d-%H%M%S}.tar"
    (folder / f"{name}{WANTED}").write_text("secrets" if with_secrets else "")
    return name


def make_all(database_url: str, settings: Settings) -> int:
    """Blocks. Writes what was ordered and removes what is older than a week."""
    made = 0
    for wish in sorted(_folder(settings).glob(f"*{WANTED}")):
        target = wish.with_name(wish.name.removesuffix(WANTED))
        if NAME.fullmatch(target.name) and not target.exists():
            write(database_url, settings.files, target, with_secrets=wish.read_text() == "secrets")
            made += 1
        wish.unlink(missing_ok=True)
    for old in _folder(settings).glob("*.tar"):
        if NAME.fullmatch(old.name) and datetime.fromtimestamp(old.stat().st_mtime, UTC) < now() - KEPT:
            old.unlink(missing_ok=True)
    return made


def listed(settings: Settings) -> list[Made]:
    """Newest first; those that are still being made among them."""
    found = []
    for path in _folder(settings).glob("helpdesk-export-*"):
        name = path.name.removesuffix(WANTED)
        if NAME.fullmatch(name):
            stat = path.stat()
            found.append(
                Made(name, datetime.fromtimestamp(stat.st_mtime, UTC), stat.st_size, path.suffix == ".tar")
            )
    unready = {one.name for one in found if not one.ready}
    return sorted(
        (one for one in found if not (one.ready and one.name in unready)), key=lambda o: o.name, reverse=True
    )


def path_of(settings: Settings, name: str) -> Path:
    path = _folder(settings) / name
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    return path


def _folder(settings: Settings) -> Path:
    return settings.home / "exports"
