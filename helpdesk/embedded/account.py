"""The user of this machine that PostgreSQL runs as.

It refuses to run as root, so root's desk lends it another one.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.errors import Misconfigured

ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
"""PGDATA, PGPORT and the like of whoever started the desk are none of its server's business."""


@dataclass(frozen=True)
class Account:
    """The user of this machine that the server runs as; `desk` is the one that the desk itself runs as."""

    name: str
    uid: int
    gid: int
    desk: str

    @property
    def is_lent(self) -> bool:
        return self.uid != os.geteuid()

    def own(self, folder: Path) -> None:
        """Makes a folder that nobody but this user can enter."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_lent:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)

    def can_enter(self, folder: Path) -> bool:
        return self.can_run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder)

    def can_run(self, *command: str | Path) -> bool:
        try:
            return subprocess.run(command, **self.as_user(), capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def as_user(self) -> dict[str, Any]:
        """How `subprocess` starts a program as this user, with an environment and a folder it can use."""
        common: dict[str, Any] = {"cwd": "/", "env": ENVIRONMENT, "start_new_session": True, "umask": 0o077}
        return common | {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_lent else common


def account() -> Account:
    """Raises Misconfigured where there is no user that PostgreSQL could run as."""
    uid = os.geteuid()
    try:
        desk = pwd.getpwuid(uid)
    except KeyError:
        raise Misconfigured(
            f"The user id {uid} has no name on this machine, and PostgreSQL needs one: add the user to "
            "/etc/passwd, or set DATABASE_URL to a PostgreSQL that runs elsewhere."
        ) from None
    if uid:
        return Account(desk.pw_name, desk.pw_uid, desk.pw_gid, desk.pw_name)
    lent = {user.pw_name: user for user in pwd.getpwall() if user.pw_name in {"postgres", "nobody"}}
    if not lent:
        raise Misconfigured(
            "PostgreSQL does not run as root, and this machine has neither a user `postgres` nor `nobody`: "
            "start the desk as an ordinary user, or set DATABASE_URL."
        )
    user = lent.get("postgres") or lent["nobody"]
    return Account(user.pw_name, user.pw_uid, user.pw_gid, desk.pw_name)
