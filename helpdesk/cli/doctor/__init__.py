"""`helpdesk doctor`: what is wrong with this installation, in words, and how to mend it."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict

import click

from helpdesk.cli.doctor.database import examine_database
from helpdesk.cli.doctor.findings import Finding, Verdict, advice, good, wrong
from helpdesk.cli.doctor.installation import examine_installation
from helpdesk.errors import Misconfigured
from helpdesk.settings import Settings, load

MARKS = {Verdict.good: ("✔", "green"), Verdict.advice: ("!", "yellow"), Verdict.wrong: ("✗", "red")}

__all__ = ["Finding", "Verdict", "advice", "doctor", "examine", "good", "wrong"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def doctor(as_json: bool) -> None:
    """Say what is wrong with this installation, and how to mend it."""
    verdicts = set()
    found = []
    for finding in findings():
        verdicts.add(finding.verdict)
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    sys.exit(Verdict.wrong in verdicts)


def findings() -> Iterator[Finding]:
    try:
        settings = load()
    except Misconfigured as error:
        yield wrong("settings", str(error), "Correct or unset that variable; docs/settings.md lists all.")
        return
    chosen = sorted(name for name in os.environ if name.startswith("HELPDESK_"))
    yield good("settings", f"Read from {', '.join(chosen)}." if chosen else "All as they come along.")
    yield from examine(settings)


def examine(settings: Settings) -> Iterator[Finding]:
    """One by one, as they are found: some take a second."""
    yield from examine_installation(settings)
    yield from examine_database(settings)


def _show(finding: Finding) -> None:
    mark, colour = MARKS[finding.verdict]
    click.secho(f"{mark} {finding.name:<12}", fg=colour, nl=False)
    click.echo(_indented(finding.says))
    if finding.mend:
        click.echo(f"{'':14}{click.style('→ ', fg=colour)}{_indented(finding.mend)}")


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 14)
