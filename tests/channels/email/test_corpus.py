"""Some 1,500 mails from other projects' own tests: what they hold we get right, and nothing breaks us."""

import importlib.util
import json
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from channels.contract import Unreadable
from channels.email.bodies import file_name
from channels.email.reading import read
from channels.email.report import record
from tests.channels.email.mails import message, written
from tests.conftest import CORPORA, missing

MAIL = CORPORA / "mail"
FLOORS = {  # percent, a little under what is reached, and above what the common libraries reach
    "subject": 97,
    "from_address": 97.5,
    "from_name": 97,
    "to": 98.7,
    "cc": 100,
    "reply_to": 100,
    "date": 100,
    "message_id": 100,
    "in_reply_to": 100,
    "references": 100,
    "text": 95,
    "html": 100,
    "attachments": 97.5,
    "attachments.content": 97,
    "attachments.content_id": 100,
    "attachments.disposition": 100,
    "reply_text": 90,
    "is_bounce": 99,
    "bounce_permanent": 96,
    "bounce_status": 92,
    "bounce_recipients": 88,
    "bounce_hard": 82,
    "is_auto_reply": 100,
    "is_out_of_office": 100,
    "is_feedback_report": 70,
    "is_spam": 100,
}


@pytest.fixture(scope="module")
def scores() -> dict[str, float]:
    """Metric → percent right, as the corpus's own scorer counts."""
    if not MAIL.is_dir():
        missing("The mail corpus in ../shared/corpora")
    scorer = _scorer(MAIL / "score_mail.py")
    passed: dict[str, list[bool]] = defaultdict(list)
    for stem, case in scorer.load_cases(str(MAIL / "cases")).items():
        found = record((MAIL / "cases" / f"{stem}.eml").read_bytes())
        for name, expected in case["expected"].items():
            for metric, right, _absent in scorer.check(name, expected, found, case.get("meta") or {}):
                passed[metric].append(bool(right))
    return {metric: 100 * sum(results) / len(results) for metric, results in passed.items()}


def _scorer(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_mail", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("metric", "floor"), FLOORS.items())
def test_mails_are_understood(scores: dict[str, float], metric: str, floor: float) -> None:
    assert scores[metric] >= floor


def test_no_mail_breaks_the_reader_or_holds_it_up() -> None:
    if not MAIL.is_dir():
        missing("The mail corpus in ../shared/corpora")
    slow: dict[str, Any] = {}
    for path in sorted((MAIL / "robust").glob("*.eml")):
        found = record(path.read_bytes())
        assert "unreadable" in found or found["fingerprint"], path.name
        if found["seconds"] > 1:
            slow[path.name] = found["seconds"]
    assert not slow


def security_cases(category: str) -> list[dict[str, Any]]:
    path = CORPORA / "security/helpdesk_cases.jsonl"
    if not path.is_file():
        missing("The security corpus in ../shared/corpora")
    rows = map(json.loads, path.read_text().splitlines())
    return [row for row in rows if row["cat"] == category]


def test_whatever_must_not_be_answered_automatically_is_automatic() -> None:
    for case in security_cases("noautoreply"):
        headers = {name: value.replace("ourdesk.test", "desk.test") for name, value in case["value"].items()}
        assert message(written(**headers)).automatic, case["id"]


def test_a_file_name_is_a_label_without_a_path() -> None:
    for case in security_cases("filename"):
        name = file_name(case["value"])
        assert not set(name) & set("/\\\r\n\0\u202e\u200e"), case["id"]
        assert len(name) <= 200
        assert name.strip(".") or not name


@pytest.mark.parametrize("place", ["body", "html", "From", "Subject", "Content-Type", "Received"])
def test_no_regular_expression_explodes(place: str) -> None:
    for case in security_cases("redos"):
        how = case["value"]
        size = 100_000 if place in {"body", "html"} else 10_000
        text = how["prefix"] + how["pump"] * size + how["suffix"]
        if place in {"body", "html"}:
            raw = written(
                text, Content_Type=f"text/{'html' if place == 'html' else 'plain'}", Return_Path="<>"
            )
        else:
            raw = written(**{place: text.replace("\n", " ")})
        started = time.process_time()
        with suppress(Unreadable):  # over a limit, and said so at once
            assert read(raw).reply is not None
        assert time.process_time() - started < 1, case["id"]
