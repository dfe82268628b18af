"""pg_dump and pg_restore: which of them fit a server, and how they are run."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from helpdesk.database import libpq_url
from helpdesk.embedded import binaries
from helpdesk.errors import HelpdeskError, Misconfigured

TAIL = 2000  # characters of what a program complained


class Failed(HelpdeskError):
    """A program of PostgreSQL gave up; what it said is the detail."""


@dataclass(frozen=True)
class Clients:
    """A folder with `pg_dump` and `pg_restore` of one version."""

    folder: Path
    version: int

    @classmethod
    def fitting(cls, server: int, bin_dir: str = "") -> "Clients":
        """Those of the server's own version, else the next newer: an older pg_dump refuses a newer server."""
        found = {
            one.version: cls(one.folder, one.version)
            for one in reversed(list(binaries.everywhere(bin_dir)))
            if (one / "pg_dump").exists() and (one / "pg_restore").exists() and one.version >= server
        }
        if not found:
            raise Misconfigured(
                f"No pg_dump for PostgreSQL {server} was found: install PostgreSQL's client programs (on Debian "
                f"postgresql-client-{server}), or set HELPDESK_PG_BIN to their folder. `helpdesk export` needs none."
            )
        return found[min(found)]

    def dump(self, url: str, target: Path, *, snapshot: str = "") -> None:
        """In pg_dump's custom format, compressed."""
        options = ["--format=custom", "--no-password", f"--file={target}"]
        options += [f"--snapshot={snapshot}"] if snapshot else []
        self._run("pg_dump", options, environment(url))

    def contents(self, dump: Path) -> list[str]:
        """The dump's own list of what it holds, an entry a line."""
        done = self._run("pg_restore", ["--list", str(dump)], os.environ)
        return [line for line in done.splitlines() if line and not line.startswith(";")]

    def restore(self, url: str, dump: Path, entries: Sequence[str], *options: str) -> None:
        """In one transaction; `entries` are lines of `contents`. `url` is the role's that will own it all."""
        chosen = dump.with_suffix(".list")
        chosen.write_text("".join(f"{line}\n" for line in entries))
        try:
            self._run(
                "pg_restore",
                [
                    "--single-transaction",
                    "--exit-on-error",
                    "--no-owner",
                    "--no-password",
                    f"--use-list={chosen}",
                    f"--dbname={environment(url)['PGDATABASE']}",
                    *options,
                    str(dump),
                ],
                environment(url),
            )
        finally:
            chosen.unlink(missing_ok=True)

    def _run(self, program: str, options: Sequence[str], environ: Any) -> str:
        done = subprocess.run(
            [self.folder / program, *options],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
        )
        if done.returncode:
            raise Failed(f"{program} gave up: {done.stderr.strip()[-TAIL:] or 'it said nothing'}")
        return done.stdout


def environment(url: str) -> dict[str, str]:
    """The connection as libpq's variables: a command line, and a password in it, can be read by everybody."""
    variables = {
        option.keyword.decode(): option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar
    }
    given = {
        variables[name]: str(value)
        for name, value in conninfo_to_dict(libpq_url(url)).items()
        if name in variables and value is not None
    }
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ
    }
    return kept | {"TZ": "UTC", "PGAPPNAME": "helpdesk backup"} | given


def server_version(url: str) -> int:
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.info.server_version // 10000
