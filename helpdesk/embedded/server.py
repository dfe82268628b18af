"""The server of a desk that has none: made, started, watched and ended."""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier

from helpdesk.embedded import account, binaries, provision
from helpdesk.embedded.files import Files, explained
from helpdesk.errors import Misconfigured

SUPERUSER = "postgres"
ROOM = 300 * 1024**2  # bytes; a new cluster takes 40 MB and its first WAL segments
LIFELINE = """
( { read -r word || kill -INT $$; } <&3 >/dev/null 2>&1 & ) 3<&0
exec "$@" </dev/null 3>&1 1>&2
"""  # stdout brings the server's lock, which becomes the server's third file and not the reader's
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_compression": "on",
    "random_page_cost": "1.1",  # nobody runs a desk on spinning disks
    "jit": "off",  # costs more than it saves on queries of milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


class AlreadyServed(Misconfigured):
    """Another process runs this server; who only wants to use it connects to `url()`."""


class EmbeddedPostgres:
    """Use it as a context manager, or call start() and stop(). All methods but watch() block."""

    def __init__(self, home: Path, bin_dir: str = "", *, fsync: bool = True) -> None:
        """Without `fsync` the data survives a crash of the desk but not of the machine: for tests."""
        self.files = Files(home.absolute() / "postgres")
        self.bin_dir = bin_dir
        self._fsync = fsync
        self._owner_lock: IO[str] | None = None
        self._lifeline: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, role: str = provision.APP, database: str = provision.DATABASE) -> str:
        return f"postgresql://{role}@/{quote(database)}?host={quote(str(self.files.sockets), safe='')}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Makes the cluster at the first start. Raises Misconfigured saying what to do about it.

        May be called again after the server died.
        """
        self._account = account.account()
        self.files.prepare(self._account)
        self._claim()
        try:
            with self._cleared_of_earlier_runs() as lock:
                self.files.finish_swap()
                self._binaries = self._suitable_binaries()
                if not self.files.data.exists():
                    self._make_cluster(lock)
                self._launch(lock)
            self._await_ready()
            self._furnish()
            binaries.keep(self._binaries, self.files.binaries)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back. Does nothing where nothing runs."""
        self.end_server()
        if self._owner_lock is not None:
            self._owner_lock.close()
            self._owner_lock = None

    def end_server(self) -> None:
        """As stop(), but nobody else may take the data yet."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        self._let_go_of_lifeline()

    async def watch(self) -> None:
        """Returns when stop() was called; raises Misconfigured when the server died by itself."""
        process = self._process
        while process is not None and process.poll() is None:  # noqa: ASYNC110 - only waitpid() can tell
            await asyncio.sleep(0.5)
        if process is not None and process is self._process:
            raise Misconfigured(
                f"The desk's PostgreSQL ended while the desk was running. {self._last_words()}"
            )

    def create_database(self, name: str, template: str | None = None) -> str:
        """Empty but furnished, or a clone of `template`; answers its URL for the application's role."""
        with self._superuser() as connection:
            provision.make_database(connection, name, template=template)
        if template is None:
            with self._superuser(name) as connection:
                provision.furnish(connection)
        return self.url(database=name)

    def drop_database(self, name: str) -> None:
        """Ends whoever is still connected to it."""
        with self._superuser() as connection:
            connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))

    def replace_database(self, name: str, *, by: str) -> None:
        """`by` gets this name; what had it is dropped. A sudden end leaves one of the two under the name."""
        old = f"{name}_replaced"
        self.drop_database(old)
        with self._superuser() as connection:
            rename = SQL("ALTER DATABASE {} RENAME TO {}")
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)"
            connection.execute(end, [[name, by]])
            with connection.transaction():
                connection.execute(rename.format(Identifier(name), Identifier(old)))
                connection.execute(rename.format(Identifier(by), Identifier(name)))
        self.drop_database(old)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _claim(self) -> None:
        if self._owner_lock is not None:
            if self.is_running:
                raise Misconfigured(f"The PostgreSQL in {self.files.root} is running already.")
            self._let_go_of_lifeline()  # start() again after the server died
            return
        lock = self.files.owner_lock.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyServed(
                f"The data in {self.files.root} is already served by another process (its number is "
                f"{holder}): use that desk, stop it, or set HELPDESK_HOME to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._owner_lock = lock

    def _cleared_of_earlier_runs(self) -> IO[str]:
        """The server's lock, once no process of an earlier server holds it any more."""
        lock = self.files.server_lock.open("a+")
        if not (_locked(lock, within=0) or self._end_earlier_server(lock)):
            lock.close()
            left = self.files.processes()
            raise Misconfigured(
                f"An earlier PostgreSQL still works on {self.files.data} and does not end"
                f"{f' (processes {left})' if left else ''}: end it, then start again."
            )
        self.files.pid.unlink(missing_ok=True)  # stale: its number may be anybody's by now
        shutil.rmtree(self.files.unfinished, ignore_errors=True)
        return lock

    def _end_earlier_server(self, lock: IO[str]) -> bool:
        for patiently in (True, False):
            self.files.end(self.files.processes(), patiently=patiently)
            if _locked(lock, within=20):
                return True
        return False

    def _suitable_binaries(self) -> binaries.Binaries:
        found = binaries.find(self.bin_dir)
        made_by = self.files.version()
        if made_by is not None and made_by != found.version:
            raise Misconfigured(
                f"The data in {self.files.data} was made by PostgreSQL {made_by}, but {found.folder} holds "
                f"version {found.version}: run `helpdesk upgrade` once, which moves it, or set HELPDESK_PG_BIN to a "
                f"PostgreSQL {made_by}."
            )
        return binaries.reachable(found, self._account, copies=self.files.binaries)

    def _make_cluster(self, lock: IO[str]) -> None:
        """In a folder that is renamed when all is there, so that an interrupted first start leaves nothing."""
        if (free := shutil.disk_usage(self.files.root).free) < ROOM:
            raise Misconfigured(
                f"The disk of {self.files.root} has {free >> 20} MB left, a new database needs {ROOM >> 20}: "
                "make room, or set HELPDESK_HOME to a folder on another disk."
            )
        making = self.files.unfinished
        self._account.own(making)
        made = subprocess.run(
            [self._binaries / "initdb", "-D", making, "-U", SUPERUSER, *self._initdb_options()],
            **self._account.as_user(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],  # who starts after our sudden end waits until initdb has ended, too
            text=True,
            check=False,
        )
        if made.returncode:
            shutil.rmtree(making, ignore_errors=True)
            raise Misconfigured(f"The database could not be made: {explained(made.stdout[-1000:].strip())}")
        self.files.finish()

    def _initdb_options(self) -> list[str]:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options = ["--encoding=UTF8", *(locale if self._binaries.version >= 17 else ["--locale=C.UTF-8"])]
        return [*options, "--auth=peer", "--no-instructions", *([] if self._fsync else ["--no-sync"])]

    def _launch(self, lock: IO[str]) -> None:
        settings = SERVER_SETTINGS | self.files.settings() | ({} if self._fsync else FORGETFUL)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        reader, writer = os.pipe()
        with self.files.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    LIFELINE,
                    "sh",
                    self._binaries / "postgres",
                    "-D",
                    self.files.data,
                    *options,
                ],
                **self._account.as_user(),
                stdin=reader,
                stdout=lock,
                stderr=log,
            )
        os.close(reader)
        self._lifeline = os.fdopen(writer, "wb", buffering=0)

    def _await_ready(self) -> None:
        process = self._process
        patience = time.monotonic() + 300  # recovery after a crash reads up to 1 GB of WAL
        while process and not self.files.is_ready(process.pid):
            if process.poll() is not None:
                raise Misconfigured(f"The desk's PostgreSQL did not start. {self._last_words()}")
            if time.monotonic() > patience:
                raise Misconfigured(
                    f"The desk's PostgreSQL is not ready after 5 minutes. {self._last_words()}"
                )
            time.sleep(0.01)

    def _furnish(self) -> None:
        with self._superuser() as connection:
            provision.make_roles(connection)
        self.create_database(provision.DATABASE)

    def _superuser(self, database: str = SUPERUSER) -> provision.Superuser:
        return psycopg.connect(self.url(SUPERUSER, database), autocommit=True)

    def _let_go_of_lifeline(self) -> None:
        if self._lifeline is not None:
            with suppress(BrokenPipeError):
                self._lifeline.write(
                    b"done\n"
                )  # else its reader would signal a number no longer the server's
            self._lifeline.close()
            self._lifeline = None

    def _last_words(self) -> str:
        return f"Its log, {self.files.log}, ends with: {explained(self.files.last_lines())}"


def _end(process: subprocess.Popen[bytes]) -> None:
    for politeness, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        process.send_signal(politeness)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _locked(lock: IO[str], *, within: float) -> bool:
    patience = time.monotonic() + within
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > patience:
            return False
        time.sleep(0.02)
