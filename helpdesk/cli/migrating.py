"""The one schema of all packages: upgrade, downgrade, and whether the models agree with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from helpdesk.database import Base, psycopg_url
from helpdesk.embedded import EmbeddedPostgres
from helpdesk.embedded.binaries import EXTENSIONS, MINIMUM
from helpdesk.errors import Misconfigured
from helpdesk.settings import load

MIGRATIONS = Path(__file__).parent.parent / "migrations"
TABLES = (
    "helpdesk.tickets",
    "helpdesk.intake",
    "helpdesk.calendars",
    "helpdesk.fields",
    "helpdesk.routing",
    "helpdesk.topics",
    "helpdesk.links",
    "helpdesk.merging",
    "helpdesk.bulk",
    "helpdesk.sides",
    "helpdesk.templates",
    "helpdesk.webhooks",
    "helpdesk.contacts",
    "helpdesk.contact_merges",
    "helpdesk.duplicates",
    "helpdesk.contact_csv.models",
    "helpdesk.options",
    "helpdesk.invitations",
    "helpdesk.signatures",
    "helpdesk.notifications",
    "helpdesk.audit",
    "helpdesk.counting",
    "helpdesk.mentions",
    "helpdesk.saved_views",
    "helpdesk.macros",
    "helpdesk.satisfaction",
    "helpdesk.rules",
    "helpdesk.measures",
    "helpdesk.reports.saved",
    "helpdesk.board.risk.rows",
    "helpdesk.patience",
    "helpdesk.search.index",
    "helpdesk.retention",
    "helpdesk.imports.rows",
    "kb.index",
    "kb.words",
    "kb.precedents",
    "kb.serving",
    "kb.copies",
    "kb.reviews",
    "kb.slugs",
    "kb.images",
    "kb.imports.rows",
    "kb.feedback",
    "ai.predictions",
    "ai.providers",
    "ai.triage.rows",
    "ai.suggestions",
    "ai.drafting.tone",
    "ai.evaluation.rows",
    "ai.learning.findings",
    "ai.assistant.rows",
    "helpdesk.engagements",
    "helpdesk.portal",
    "helpdesk.slack",
    "helpdesk.chat",
    "web.sessions",
    "web.attempts",
    "helpdesk.tokens",
    "web.api.once",
)
"""Importing them adds their tables to the metadata."""
LOCK = 0x68656C70  # one migration at a time, whoever starts it


def upgrade(url: str, revision: str = "head") -> None:
    """`url` is the owner's; several at once wait for each other."""
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    _run(url, lambda config: command.downgrade(config, revision))


def check(url: str) -> None:
    """Raises alembic.util.CommandError where models and tables differ."""
    _run(url, command.check)


def pending(url: str) -> list[str]:
    """Revisions that this database has not had yet, oldest first."""
    script = ScriptDirectory.from_config(_config())
    with _connected(url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return [step.revision for step in script.iterate_revisions("head", current or "base")][::-1]


def _run(url: str, what: Callable[[Config], object]) -> None:
    config = _config()
    with _connected(url) as connection:
        refuse_unfit(connection)
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.execute(text("SET lock_timeout = '2s'"))  # rather fail than stop a running desk
        connection.commit()
        config.attributes["connection"] = connection
        what(config)
        connection.commit()


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    made = create_engine(psycopg_url(url))
    try:
        try:
            connection = made.connect()
        except OperationalError as error:
            raise Misconfigured(
                f"The database cannot be reached: {str(error.orig).strip()}\n"
                "Check DATABASE_URL (postgresql://user:password@host:5432/name) and that the server is running; "
                "unset it to let the desk run its own."
            ) from None
        with connection:
            yield connection
    finally:
        made.dispose()


def refuse_unfit(connection: Connection) -> None:
    """Before anything is changed: a server that is too old, or that lacks what the desk builds on."""
    version = connection.scalar(text("SELECT current_setting('server_version_num')::int / 10000"))
    if version < MINIMUM:
        raise Misconfigured(
            f"This server is PostgreSQL {version}; the desk needs {MINIMUM} or newer. Upgrade it, or unset "
            "DATABASE_URL to let the desk run its own."
        )
    known = set(connection.scalars(text("SELECT name FROM pg_available_extensions")))
    if missing := [name for name in EXTENSIONS if name not in known]:
        raise Misconfigured(
            f"This server has no {', '.join(missing)}: install the packages that bring them (`vector` comes with "
            "pgvector, the others with PostgreSQL's contrib), then run this again."
        )


def tables(*, of_web: bool = True) -> None:
    """All of them are known from here on; those of the web bring its framework along, some 20 MB."""
    for module in TABLES:
        if of_web or not module.startswith("web."):
            import_module(module)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    tables()
    config.attributes["metadata"] = Base.metadata
    return config


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Only say whether models and tables agree.")
@click.option("--to", "revision", default="head", help="A revision; a lower one than the present goes back.")
def migrate(only_check: bool, revision: str) -> None:
    """Bring the database to this version."""
    settings = load()
    if settings.embedded:
        with EmbeddedPostgres(settings.home, settings.pg_bin) as server:
            _migrate(server.url(role="helpdesk_owner"), only_check, revision)
    else:
        _migrate(settings.owner_database_url or settings.database_url, only_check, revision)


def _migrate(url: str, only_check: bool, revision: str) -> None:
    if only_check:
        check(url)
        return
    steps = pending(url)
    if revision == "head" or revision in steps:
        upgrade(url, revision)
        click.echo(f"Applied {', '.join(steps)}." if steps else "The database is up to date.")
    else:
        downgrade(url, revision)
        click.echo(f"The database is back at {revision}.")
