"""A real Dovecot (2.3 or 2.4) on loopback, living in one temporary folder."""

import imaplib
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from channels.email import EmailChannel
from channels.email.settings import EmailSettings
from helpdesk.outbound import Outbound, Policy

ADDRESS, PASSWORD = "support@example.test", "secret"
BINARY = shutil.which("dovecot") or (path if (path := "/usr/sbin/dovecot") and Path(path).exists() else None)

COMMON = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
ssl = yes
auth_mechanisms = plain login
auth_failure_delay = 0
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
maildir_stat_dirs = yes
mailbox_list_index = no
service anvil {{
  chroot =
}}
service stats {{
  client_limit = 100
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
"""
V23 = """
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
disable_plaintext_auth = no
mail_location = maildir:{home}/home/%u/Maildir
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/home/%u
}}
"""
V24 = """
ssl_server_cert_file = {home}/cert.pem
ssl_server_key_file = {home}/key.pem
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = {home}/home/%{{user}}/Maildir
passdb passwd-file {{
  passwd_file_path = {home}/users
  default_password_scheme = PLAIN
}}
userdb static {{
  fields {{
    uid = {user}
    gid = {group}
    home = {home}/home/%{{user}}
  }}
}}
"""
ORDINARY = (
    "From: Ada <ada@example.com>\r\nTo: support@example.test\r\nSubject: {0}\r\n"
    "Message-ID: <{0}@example.com>\r\n\r\n{0}\r\n"
)


class Dovecot:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.imap, self.imaps, self.lmtp = free_ports(3)
        self.process: subprocess.Popen[bytes] | None = None
        make_certificate(home)
        for name in ("run", "state", "home"):
            (home / name).mkdir(exist_ok=True)
        user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(home / "home", user)
        group = subprocess.run(["id", "-gn", user], check=True, capture_output=True, text=True).stdout.strip()
        (home / "users").write_text(f"{ADDRESS}:{{PLAIN}}{PASSWORD}\n")
        (home / "dovecot.conf").write_text(self._configuration(user, group))

    def _configuration(self, user: str, group: str) -> str:
        version = subprocess.run(
            [str(BINARY), "--version"], check=True, capture_output=True, text=True
        ).stdout
        new = tuple(map(int, version.split(".")[:2])) >= (2, 4)
        first = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if new else ""
        return first + (COMMON + (V24 if new else V23)).format(
            home=self.home, user=user, group=group, imap=self.imap, imaps=self.imaps, lmtp=self.lmtp
        )

    def start(self) -> None:
        self.process = subprocess.Popen([str(BINARY), "-F", "-c", str(self.home / "dovecot.conf")])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.imap), 1) as connection:
                if connection.recv(4) == b"* OK":
                    return
            time.sleep(0.05)
        log = self.home / "dovecot.log"
        raise RuntimeError(f"Dovecot does not start: {log.read_text() if log.exists() else 'no log'}")

    def stop(self) -> None:
        if self.process:
            self.kill_sessions()  # they outlive the master as long as their clients stay
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process = None

    def deliver(self, *subjects: str) -> None:
        self.deliver_raw(*(ORDINARY.format(subject).encode() for subject in subjects))

    def deliver_raw(self, *mails: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", self.lmtp) as lmtp:
            for mail in mails:
                lmtp.sendmail("ada@example.com", [ADDRESS], mail)

    def kill_sessions(self) -> None:
        """As a crash on the other side does: the processes of open IMAP sessions are gone at once."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in map(int, children):
            with suppress(FileNotFoundError, ProcessLookupError):  # ended by itself
                if Path(f"/proc/{pid}/comm").read_text().strip() == "imap":
                    os.kill(pid, signal.SIGKILL)

    def renumber(self) -> None:
        """Another UIDVALIDITY and other UIDs, as after a restored backup."""
        self.stop()
        folder = self.home / "home" / ADDRESS / "Maildir"
        for path in folder.glob("dovecot*"):
            path.unlink()
        (folder / "dovecot-uidlist").write_text(f"3 V{int(time.time()) + 1000} N1 G{os.urandom(16).hex()}\n")
        if os.geteuid() == 0:
            shutil.chown(folder / "dovecot-uidlist", "nobody")
        self.start()

    @contextmanager
    def session(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.imap) as imap:
            imap.login(ADDRESS, PASSWORD)
            imap.select("INBOX")
            yield imap

    def unseen(self) -> int:
        with self.session() as imap:
            return len(imap.search(None, "UNSEEN")[1][0].split())

    def empty(self) -> None:
        with self.session() as imap:
            if imap.search(None, "ALL")[1][0]:
                imap.store("1:*", "+FLAGS", r"(\Deleted)")
                imap.expunge()

    def settings(self, **changes: object) -> EmailSettings:
        given: dict[str, object] = {
            "imap_host": "localhost",
            "imap_port": self.imaps,
            "imap_user": ADDRESS,
            "imap_password": PASSWORD,
            "smtp_host": "localhost",
            "ca_file": str(self.home / "cert.pem"),
        }
        return EmailSettings(**{**given, **changes})  # type: ignore[arg-type]


def reaching(settings: EmailSettings) -> EmailChannel:
    """The channel of a desk whose operator has named these servers on loopback."""
    channel = EmailChannel(settings, address=ADDRESS)
    channel.outbound = Outbound(ours(settings))
    return channel


def ours(settings: EmailSettings) -> Policy:
    ends = {(settings.imap_host, settings.imap_port), (settings.smtp_host, settings.smtp_port)}
    return Policy(frozenset(ends))


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    home = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    home.chmod(0o755)
    server = Dovecot(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [made.getsockname()[1] for made in sockets]
    for made in sockets:
        made.close()
    return ports


def make_certificate(home: Path) -> ssl.SSLContext:
    """For localhost only, signed by itself; returns what a server on this machine needs."""
    if not (home / "cert.pem").exists():
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        keys = ["-keyout", str(home / "key.pem"), "-out", str(home / "cert.pem")]
        made = subprocess.run([*command.split(), *names, *keys], capture_output=True, text=True)
        assert not made.returncode, re.sub(r"\s+", " ", made.stderr)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(home / "cert.pem", home / "key.pem")
    return context
