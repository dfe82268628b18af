"""All settings, read once from HELPDESK_* (and DATABASE_URL), never changed afterwards."""

import os
import secrets
import sys
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from helpdesk.errors import Misconfigured
from helpdesk.outbound.addresses import Policy

PREFIX = "HELPDESK_"
DATABASE_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
LEAST_SECRET = 32  # characters
OF_COMMANDS = {"url", "token", "as"}
"""HELPDESK_URL, HELPDESK_TOKEN and HELPDESK_AS say which desk `helpdesk ticket` speaks to; see docs/cli.md."""


def default_home() -> Path:
    """Root's own home is closed to the user that PostgreSQL runs as, so root keeps its data elsewhere."""
    if os.geteuid() == 0:
        return Path("/var/lib/helpdesk")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share"
    return Path(base) / "helpdesk"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    home: Path = msgspec.field(default_factory=default_home)
    """Where the private PostgreSQL, attachments, exported models and the secret live."""
    database_url: str = ""
    """`postgresql://…` as the application's role. Empty: the desk runs its own PostgreSQL."""
    owner_database_url: str = ""
    """The same database as the role that owns the tables, for migrations. Empty: `database_url`."""
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8000
    public_url: str = ""
    """How browsers reach the desk, e.g. `https://support.example.com`. Empty: from host and port."""
    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses and networks, comma separated, of the reverse proxies whose word on who asks counts."""
    secret: str = ""
    """At least 32 characters; signs reply addresses and encrypts inboxes' passwords. Empty: made and kept in home."""
    embedding_model: str = "all-MiniLM-L6-v2"
    """A sentence-transformers model: the one that comes along, a folder, or a name on a hub you can reach."""
    remote_embedding_url: str = ""
    """An OpenAI-compatible endpoint whose vectors the search uses, e.g. `https://models.example.com/v1`."""
    remote_embedding_model: str = ""
    """The model's name at that endpoint."""
    remote_embedding_key: str = ""
    """What that endpoint wants to be shown as `Bearer`. Empty: nothing."""
    remote_embedding_daily_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    """What it may read from midnight to midnight, where the desk is. 0: no end."""
    reranker: str = ""
    """A cross-encoder, a folder or a name on a hub, that reads the best articles again for drafts. Empty: none."""
    entailment_model: str = ""
    """A cross-encoder trained on NLI, folder or name, that drafts of a language model are checked by as well."""
    log_level: Literal["debug", "info", "warning", "error", "critical"] = "info"
    log_json: bool = False
    workers: Literal["", "apart", "here"] = ""
    """Whether `helpdesk serve` works in a process of its own, or in the console's: slower, but 120 MB less memory.
    Empty: apart where there are two cores."""
    jobs: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    """How many jobs run at once in one worker process."""
    allow_hosts: str = ""
    """host:port pairs, comma separated, that outbound connections may reach although they are private."""
    api_rate: Annotated[int, msgspec.Meta(ge=1)] = 600
    """Requests a minute that one API token may send to one process."""
    backup_at: Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = "03:00"
    """When the daily backup is made, in UTC. Empty: never."""
    backup_folder: str = ""
    """Where daily backups lie; better on another disk. Empty: `backups` in home."""
    backups_kept: Annotated[int, msgspec.Meta(ge=1)] = 7
    """How many daily backups are kept; the oldest is removed when a new one is complete."""
    pg_bin: str = ""
    """Folder with `postgres` and `initdb` for the private PostgreSQL, in place of the one that comes along."""
    demo_smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 2525
    """Where the demo takes mail; only `make demo` listens there."""

    @property
    def url(self) -> str:
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def embedded(self) -> bool:
        return not self.database_url

    @property
    def files(self) -> Path:
        return self.home / "files"

    @property
    def backups(self) -> Path:
        return (
            Path(self.backup_folder).expanduser().absolute() if self.backup_folder else self.home / "backups"
        )

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def sign_key(self) -> bytes:
        return (self.secret or kept_secret(self.home)).encode()


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Raises Misconfigured naming the variable, what is wrong with it, and the known names."""
    given = {
        name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)
    }
    for name in OF_COMMANDS:
        given.pop(name, None)
    if url := environ.get("DATABASE_URL"):
        given.setdefault("database_url", url)
    known = Settings.__struct_fields__
    if unknown := sorted(set(given) - set(known)):
        raise Misconfigured(
            f"{PREFIX}{unknown[0].upper()} is no setting of the desk. "
            f"Known: {', '.join(PREFIX + name.upper() for name in known)}."
        )
    try:
        settings = msgspec.convert(given, Settings, strict=False, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise Misconfigured(f"A setting in the environment cannot be read: {error}.") from None
    if settings.secret and len(settings.secret) < LEAST_SECRET:
        raise Misconfigured("HELPDESK_SECRET needs at least 32 characters; `openssl rand -hex 32` makes one.")
    for name in ("database_url", "owner_database_url"):
        _check_url(name, getattr(settings, name), DATABASE_SCHEMES)
    _check_url("public_url", settings.public_url, ("http", "https"))
    _check_url("remote_embedding_url", settings.remote_embedding_url, ("http", "https"))
    if bool(settings.remote_embedding_url) != bool(settings.remote_embedding_model):
        raise Misconfigured(
            "HELPDESK_REMOTE_EMBEDDING_URL and HELPDESK_REMOTE_EMBEDDING_MODEL belong together: set both or none."
        )
    Policy.of(settings.allow_hosts)
    _check_networks(settings.trusted_proxies)
    return settings


def _check_url(name: str, url: str, schemes: Collection[str]) -> None:
    """The address itself is not repeated: it may hold a password."""
    scheme, separator, rest = url.partition("://")
    if url and not (separator and rest and scheme in schemes):
        variable = "DATABASE_URL" if name == "database_url" else PREFIX + name.upper()
        raise Misconfigured(f"{variable} has to begin with {' or '.join(f'{one}://' for one in schemes)}.")


def _check_networks(given: str) -> None:
    for one in filter(None, map(str.strip, given.split(","))):
        try:
            ip_network(one)
        except ValueError:
            raise Misconfigured(
                f"HELPDESK_TRUSTED_PROXIES: {one} is neither an address nor a network such as 172.16.0.0/12."
            ) from None


def _path(kind: type[Path], value: str) -> Path:
    return kind(value).expanduser().absolute()


def kept_secret(home: Path) -> str:
    """The desk's own secret: made at the first start, readable by its user alone, the same ever after."""
    path = home / "secret"
    with suppress(FileNotFoundError):
        return _good(path)
    home.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=home, prefix="secret.")  # for its owner alone
    made = Path(name)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        os.fsync(file.fileno())  # a secret that a power cut emptied would be everybody's
    with suppress(FileExistsError):
        os.link(made, path)  # atomic: two first starts at once agree on one secret
    made.unlink()
    return _good(path)


def _good(path: Path) -> str:
    secret = path.read_text().strip()
    if len(secret) < LEAST_SECRET:
        raise Misconfigured(
            f"{path} holds no secret any more. Bring it back from a backup; or remove it, and enter the "
            "passwords of all inboxes again."
        )
    return secret


if sys.platform == "win32":  # pragma: no cover
    raise Misconfigured("The desk runs on Linux and macOS.")
