"""The command line: each verb is imported when it is used, so that none waits for another's libraries."""

import sys
from importlib import import_module
from keyword import iskeyword

import click

from helpdesk.errors import HelpdeskError

VERBS = {
    "serve": ("helpdesk.cli.serving", "Serve the console and do the work, all in one command."),
    "work": ("helpdesk.cli.serving", "Do the work without the console: listeners, deliveries, models."),
    "migrate": ("helpdesk.cli.migrating", "Bring the database to this version."),
    "demo": ("helpdesk.cli.demo", "A company to try the desk with, and mail to it."),
    "doctor": ("helpdesk.cli.doctor", "Say what is wrong with this installation, and how to mend it."),
    "user": ("helpdesk.cli.users", "Add agents, change their passwords, list them."),
    "contacts": ("helpdesk.cli.contacts", "Import people from CSV, export them, take an import back."),
    "tickets": ("helpdesk.cli.tickets", "List and search tickets, here or on a desk elsewhere."),
    "ticket": ("helpdesk.cli.tickets", "Show one ticket, answer it, change it: helpdesk ticket 42 reply …"),
    "token": ("helpdesk.cli.tokens", "Make, list and revoke API tokens."),
    "api": ("helpdesk.cli.api", "Send any request to the API: helpdesk api GET /tickets"),
    "inbox": ("helpdesk.cli.inboxes", "Connect a mailbox, check it, list inboxes."),
    "mail": ("helpdesk.cli.mail", "Look at mails as the desk reads them."),
    "export": ("helpdesk.cli.exporting", "Write everything this desk holds into a folder or a file."),
    "import": ("helpdesk.cli.exporting", "Make an empty desk the one that was exported."),
    "imports": (
        "helpdesk.cli.imports",
        "Bring in tickets of Zendesk, Freshdesk, Chatwoot, Zammad or FreeScout.",
    ),
    "knowledge": (
        "helpdesk.cli.knowledge",
        "Bring articles in from files of other products, take all along.",
    ),
    "config": (
        "helpdesk.cli.configuring",
        "Rules, promises, macros, views as a YAML file: export, plan, apply.",
    ),
    "retention": ("helpdesk.cli.retention", "Say how long tickets are kept; copy out or erase one person."),
    "backup": (
        "helpdesk.cli.backups",
        "Copy the whole desk into a file to come back to, and check such a file.",
    ),
    "restore": ("helpdesk.cli.backups", "Bring a desk back from a backup."),
    "upgrade": (
        "helpdesk.cli.upgrading",
        "Bring the desk's data to this version, of the desk and of PostgreSQL.",
    ),
    "ai": ("helpdesk.cli.ai", "Measure the models, export them."),
}


class Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = import_module(VERBS[name][0])
        return getattr(module, f"{name}_" if iskeyword(name) else name)  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="helpdesk")
def program() -> None:
    """A support desk: mail, chat and Slack in one place."""


def main() -> None:
    """Errors that we know of are one sentence, without a traceback."""
    try:
        program(standalone_mode=True)
    except HelpdeskError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
