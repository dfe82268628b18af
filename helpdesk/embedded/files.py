"""The folder of a private PostgreSQL: what lies where, who may enter, and which processes work on it."""

import errno
import hashlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from helpdesk.embedded.account import Account
from helpdesk.errors import Misconfigured

LONGEST_SOCKET = 100  # bytes; sun_path holds 108 on Linux, 104 on macOS
LOG_SIZE = 5 * 1024**2


@dataclass(frozen=True)
class Files:
    """Only `data` and `sockets` belong to the server's user. The desk, who may be root, writes nothing
    there: a link laid in its way would make it overwrite what it points to."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def unfinished(self) -> Path:
        return self.root / "data.new"

    @property
    def next(self) -> Path:
        """Data that another version of PostgreSQL has taken over completely."""
        return self.root / "data.next"

    @property
    def binaries(self) -> Path:
        return self.root / "binaries"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def pid(self) -> Path:
        return self.data / "postmaster.pid"

    @property
    def owner_lock(self) -> Path:
        return self.root / "owner.lock"

    @property
    def server_lock(self) -> Path:
        return self.root / "server.lock"

    @property
    def sockets(self) -> Path:
        """Beside the data, unless that path is too long for a socket or libpq would take it for two."""
        beside = self.root / "sockets"
        if len(os.fsencode(beside / ".s.PGSQL.5432")) <= LONGEST_SOCKET and "," not in str(beside):
            return beside
        name = f"helpdesk-{os.geteuid()}-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"
        short = Path(tempfile.gettempdir()) / name
        return short if len(os.fsencode(short)) < LONGEST_SOCKET - 14 else Path("/tmp") / name  # noqa: S108

    def prepare(self, by: Account) -> None:
        """Raises Misconfigured where the folders cannot be made or `by` cannot get in."""
        try:
            for folder in (self.root.parent, self.root):
                if not folder.exists():
                    folder.mkdir(parents=True)
                    folder.chmod(0o711 if by.is_lent else 0o700)
            self._check_whose_data(by)
            self._check_the_way(by)
            if self.sockets.is_symlink() or (self.sockets.exists() and self.sockets.stat().st_uid != by.uid):
                raise Misconfigured(f"{self.sockets} belongs to somebody else: remove it, then start again.")
            by.own(self.sockets)
            self._write_access_rules(by)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise Misconfigured(explained(f"{self.root}: {error.strerror}.")) from error
            raise Misconfigured(
                f"The desk cannot keep its database in {self.root}: {error.strerror}. "
                f"Give that folder to the user {by.desk}, or set HELPDESK_HOME to another one."
            ) from error
        if self.log.exists() and self.log.stat().st_size > LOG_SIZE:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _check_the_way(self, by: Account) -> None:
        if by.can_enter(self.root):
            return
        closed = next(folder for folder in self._from_the_top() if not by.can_enter(folder))
        raise Misconfigured(
            f"{closed} is closed to the user {by.name}, whom PostgreSQL runs as because it refuses to run as "
            f"{by.desk}: set HELPDESK_HOME to a folder that every user can reach, such as /var/lib/helpdesk, "
            f"or open it with `chmod o+x {closed}`."
        )

    def _check_whose_data(self, by: Account) -> None:
        if self.data.exists() and self.data.stat().st_uid != by.uid:
            raise Misconfigured(
                f"The data in {self.data} belongs to {self.data.owner()}, but a desk of {by.desk} runs "
                f"PostgreSQL as {by.name}: start the desk as the user who made the data, or set "
                "HELPDESK_HOME to another folder."
            )

    def _from_the_top(self) -> Iterator[Path]:
        yield from reversed(self.root.parents)
        yield self.root

    def _write_access_rules(self, by: Account) -> None:
        rules = {"pg_hba.conf": "local all all peer map=desk\n", "pg_ident.conf": f'desk "{by.desk}" all\n'}
        for name, rule in rules.items():
            (self.root / name).write_text(rule)
            (self.root / name).chmod(0o644)

    def settings(self) -> dict[str, str]:
        return {
            "unix_socket_directories": '"{}"'.format(str(self.sockets).replace('"', '""')),
            "hba_file": str(self.root / "pg_hba.conf"),
            "ident_file": str(self.root / "pg_ident.conf"),
        }

    def finish(self) -> None:
        """The cluster is complete; a crash of the machine must not forget the rename, only undo it."""
        self.unfinished.rename(self.data)
        self._sync()

    def swap(self, incoming: Path, old: Path) -> None:
        """`incoming` becomes the data, and the data becomes `old`; `finish_swap` goes on after a sudden end."""
        incoming.rename(self.next)
        self._sync()
        self.data.rename(old)
        self._sync()
        self.finish_swap()

    def finish_swap(self) -> None:
        if self.next.exists() and not self.data.exists():
            self.next.rename(self.data)
            self._sync()

    def _sync(self) -> None:
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def version(self) -> int | None:
        """The major version of PostgreSQL that made the data."""
        with suppress(FileNotFoundError):
            return int((self.data / "PG_VERSION").read_text())
        return None

    def is_ready(self, pid: int) -> bool:
        lines = self._pid_lines()
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _pid_lines(self) -> list[str]:
        with suppress(FileNotFoundError):
            return self.pid.read_text().splitlines()
        return []

    def last_lines(self, count: int = 8) -> str:
        with suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 4000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])
        return "(there is no log)"

    def processes(self) -> list[int]:
        """Server processes on this data, the postmaster first. Known on Linux only: each works in `data`."""
        found = sorted(
            int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, self.data)
        )
        postmaster = next(iter(re.findall(r"\d+", "".join(self._pid_lines()[:1]))), "")
        return sorted(found, key=lambda pid: str(pid) != postmaster)

    def end(self, processes: Sequence[int], *, patiently: bool) -> None:
        """A postmaster shuts down by itself when asked; its children that outlived it have to be told.

        SIGINT must not reach the children: to the checkpointer it means that all others have ended.
        """
        if not processes:
            return
        postmaster = self._pid_lines()[:1] == [str(processes[0])]
        for pid in processes[:1] if postmaster and patiently else processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT if postmaster and patiently else signal.SIGQUIT)


def _works_in(process: Path, folder: Path) -> bool:
    with suppress(OSError):
        return (process / "cwd").samefile(folder)
    return False


def explained(words: str) -> str:
    """What PostgreSQL or the system said, and what to do about it where that is known."""
    if os.strerror(errno.ENOSPC) in words:
        return f"{words}\nThe disk is full: make room, then start the desk again; nothing committed is lost."
    return words
