"""The backup of every day: when it is due, what it is called, and how many are kept."""

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from helpdesk.backups.writing import Backup, write
from helpdesk.clock import now
from helpdesk.settings import Settings

NAME = re.compile(r"helpdesk-(\d{8}-\d{6})\.tar")
STAMP = "%Y%m%d-%H%M%S"


def kept(settings: Settings) -> list[Path]:
    """The backups in the desk's own folder, newest first."""
    folder = settings.backups
    return sorted((path for path in folder.glob("*.tar") if NAME.fullmatch(path.name)), reverse=True)


def made_at(backup: Path) -> datetime:
    found = NAME.fullmatch(backup.name)
    if not found:
        raise ValueError(f"{backup.name} is not the name of a daily backup")
    return datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)


def next_due(settings: Settings, *, since: datetime) -> datetime | None:
    """When the next backup is to be made; `since` is when this desk started, for one that has none yet.

    A desk that was off at the hour makes it when it is on again.
    """
    if not settings.backup_at:
        return None
    last = max([since, *(made_at(path) for path in kept(settings)[:1])])
    hour, minute = settings.backup_at.split(":")
    due = datetime.combine(last.date(), time(int(hour), int(minute), tzinfo=UTC))
    return due if due > last else due + timedelta(days=1)


def make(database_url: str, settings: Settings) -> Backup:
    """Blocks. Older ones are removed when the new one is complete, never before."""
    done = write(database_url, settings, settings.backups / f"helpdesk-{now():{STAMP}}.tar")
    for old in kept(settings)[settings.backups_kept :]:
        old.unlink(missing_ok=True)
    return done
