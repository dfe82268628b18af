"""From one major version of PostgreSQL to the next: dumped by the new programs, loaded into new data, exchanged.

The old data is not touched until the new is complete, and kept afterwards. Whoever is interrupted before the
exchange still has the old data under its name, and begins again; after it, the new.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpdesk.embedded import binaries
from helpdesk.embedded.binaries import Binaries
from helpdesk.embedded.files import Files
from helpdesk.embedded.server import EmbeddedPostgres
from helpdesk.errors import Misconfigured

Carry = Callable[[EmbeddedPostgres, EmbeddedPostgres], None]
"""Takes everything from the first server to the second; raises when anything is missing there."""


@dataclass(frozen=True)
class Upgraded:
    was: int
    now: int
    old_data: Path


def outdated(home: Path, bin_dir: str = "") -> tuple[int, Binaries] | None:
    """The version that made the data and the programs that are to take it over; None where nothing is to do."""
    made_by = Files(home.absolute() / "postgres").version()
    if made_by is None:
        return None
    found = binaries.find(bin_dir)
    if made_by == found.version:
        return None
    if made_by > found.version:
        raise Misconfigured(
            f"The data was made by PostgreSQL {made_by}, and {found.folder} is older ({found.version}): no way leads "
            "back. Install the newer desk again, or restore a backup into an empty home."
        )
    return made_by, found


def old_programs(home: Path, version: int, bin_dir: str = "") -> Binaries:
    """Those that the desk kept, else some on this machine."""
    copies = Files(home.absolute() / "postgres").binaries
    for found in (*binaries.kept(copies), *binaries.everywhere(bin_dir)):
        if found.version == version and not found.missing_extensions:
            return found
    raise Misconfigured(
        f"The data was made by PostgreSQL {version}, and nothing on this machine can read it any more: name the bin "
        f"folder of a PostgreSQL {version} with pgvector by --old-bin, or restore a backup into an empty home."
    )


def upgrade(home: Path, old: Binaries, new: Binaries, carry: Carry) -> Upgraded:
    """Blocks; the desk is stopped. Raises before anything has changed, or not at all."""
    files = Files(home.absolute() / "postgres")
    beside = home.absolute() / "upgrading"
    shutil.rmtree(beside, ignore_errors=True)  # of an attempt that was interrupted
    with EmbeddedPostgres(home, str(old.folder)) as present:
        with EmbeddedPostgres(beside, str(new.folder)) as incoming:
            carry(present, incoming)
        kept = files.data.with_name(f"data.{old.version}")
        if kept.exists():
            shutil.rmtree(kept)
        present.end_server()
        files.swap(Files(beside / "postgres").data, kept)
    shutil.rmtree(beside, ignore_errors=True)
    return Upgraded(old.version, new.version, kept)
