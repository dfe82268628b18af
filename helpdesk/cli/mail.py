"""`helpdesk mail`: look at mails as the desk reads them."""

import json
from pathlib import Path

import click

from channels.email.report import records


@click.group()
def mail() -> None:
    """Look at mails as the desk reads them."""


@mail.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def parse(path: Path) -> None:
    """Read one mail or a folder of *.eml and print a JSON object for each, one a line."""
    for record in records(path):
        click.echo(json.dumps(record, ensure_ascii=False))
