"""Every payload of the corpus, as Slack sends it, and what is written down about it."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from tests.conftest import CORPORA, missing

SLACK = CORPORA / "slack"
TABLE = Path(__file__).parent / "outcomes.tsv"


def payloads() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name within the corpus, payload."""
    if not SLACK.is_dir():
        missing("The corpus of Slack payloads")
    for line in (SLACK / "index.jsonl").read_text().splitlines():
        name = json.loads(line)["file"]
        yield name, _payload((SLACK / name).read_text())
    for path in sorted((SLACK / "shapes").glob("*.json")):
        yield f"shapes/{path.name}", _payload(path.read_text())


def _payload(text: str) -> dict[str, Any]:
    found: Any = json.loads(text) if text.lstrip().startswith(("{", '"')) else dict(parse_qsl(text))
    if isinstance(found, str):
        found = dict(parse_qsl(found))
    if isinstance(found.get("payload"), str):
        found = json.loads(found["payload"])
    return dict(found)


def table() -> dict[str, tuple[str, str]]:
    """Name → what must come of it, and what it says or why it is ignored."""
    with TABLE.open(newline="") as lines:
        return {
            row["payload"]: (row["outcome"], row["says"]) for row in csv.DictReader(lines, delimiter="\t")
        }
