"""The docs say what is true: every setting, every command."""

import re
from pathlib import Path

import pytest

from helpdesk.cli.main import VERBS, program
from helpdesk.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_every_setting_is_explained(name: str):
    assert PREFIX + name.upper() in (ROOT / "docs/settings.md").read_text()


def commands() -> set[str]:
    text = "\n".join(path.read_text() for path in DOCS)
    return set(re.findall(r"helpdesk ((?:[a-z-]+ ?){1,2})(?=[\s`\"]|$)", text))


def test_every_command_in_the_docs_exists():
    context = program.make_context("helpdesk", ["doctor"], resilient_parsing=True)
    for command in commands():
        verb, *rest = command.split()
        if verb not in VERBS:
            continue
        found = program.get_command(context, verb)
        assert found is not None, command
        if rest and hasattr(found, "commands"):
            assert rest[0] in found.commands, command


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_in_the_docs_lead_somewhere(path: Path):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target
