"""What holds for the whole tree: names that are ours alone, files that fit in a head, no strange hosts."""

import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("helpdesk", "channels", "ai", "kb", "workers", "web")
SUFFIXES = {".py", ".js", ".css", ".html", ".jinja"}
LONGEST = 400


def ours() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", PACKAGES)
def test_nobody_else_provides_our_packages(name: str):
    assert set(packages_distributions().get(name, ["helpdesk"])) == {"helpdesk"}


def test_no_file_is_longer_than_fits_in_a_head():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ours()
        if path.suffix in SUFFIXES and (lines := len(path.read_text().splitlines())) > LONGEST
    }
    assert not long


def test_nothing_names_a_package_registry():
    registries = re.compile(r"registry\.npmjs|pypi\.org/simple|files\.pythonhosted")
    named = [
        path.name
        for path in ours()
        if path.suffix in SUFFIXES | {".json", ".toml", ".md", ".yml", ""}
        and path != Path(__file__)
        and registries.search(path.read_text(errors="ignore"))
    ]
    assert not named


@pytest.mark.parametrize(
    "module", ["web.app", "helpdesk.cli.main", "helpdesk.cli.serving", "workers.run", "kb.search"]
)
def test_the_console_never_imports_torch(module: str):
    """Half a gigabyte and six seconds that the web process does not have."""
    heavy = "('torch', 'transformers', 'sentence_transformers')"
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


GUARDED = (
    r"AsyncClient\(\s*transport=GuardedTransport\(self\.policy\), trust_env=False, follow_redirects=False"
)
"""A client that streams opens its own line, through the same guard."""
SERVED = "helpdesk/cli/demo/slack/"
"""The small Slack of the demo is called, and calls nobody."""
OWN_DESK = "helpdesk/cli/calling.py"
"""Calls the desk that whoever runs the command named themselves, on their own machine."""


def test_nobody_else_opens_a_way_out():
    """A client beside helpdesk/outbound would have no policy. Mail servers are named by whoever runs the desk."""
    imports = re.compile(
        r"^\s*(?:import|from) (?:httpx|aiohttp|requests|urllib\.request|urllib3|http\.client)\b", re.MULTILINE
    )
    found = {
        str(path.relative_to(ROOT)): path.read_text()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if imports.search(path.read_text()) and "outbound" not in path.parts
    }
    found.pop(OWN_DESK, None)
    for where, code in found.items():
        if where.startswith(SERVED):
            assert set(re.findall(r"aiohttp(?: import |\.)(.+)", code)) <= {"web", "WSMsgType, web"}, where
            assert not re.search(r"urllib\.request|Client|httpx", code), where
            continue
        assert not re.search(
            r"^\s*(?:import|from) (?!httpx\b)(?:aiohttp|requests|urllib|http\b)", code, re.MULTILINE
        ), where
        assert "httpx.Client" not in code, where
        assert len(re.findall(r"AsyncClient\(", code)) == len(re.findall(GUARDED, code)) > 0, where
