"""A sentence passes where a source says it, and none passes that says something else."""

import json
import re

import pytest

from ai.drafting.checking import Fault, best_source, fault_of
from kb.chunks import CELLS, sentences, split
from tests.conftest import CORPORA, missing

REFUND = "We pay back within 14 days, and the money arrives on the card that was charged."
PLANS = "The Basic plan costs 5 euros a month and the Pro plan 10 euros."
SHIPPING = "You can return a lamp within 30 days, but we do not refund the shipping."
STEP = "2. Open Settings → Printers and choose Connect."
EXPORT = "If you are the owner, you can export your data under Settings."
LATE = "A card may be charged twice when the connection breaks."


@pytest.mark.parametrize(
    ("said", "source"),
    [
        (REFUND, REFUND),
        ("We pay back within 14 days.", REFUND),
        ("The money arrives on the card that was charged.", REFUND),
        ("Within 14 days we pay back.", REFUND),
        ("The Pro plan costs 10 euros.", "The Pro plan costs 10 euros a month."),
        ("You can return the lamp within 30 days.", SHIPPING),
        ("We don't refund the shipping.", SHIPPING),
        ("Please open Settings → Printers and press Connect.", STEP),
        ("You can open Settings → Printers and then choose Connect.", STEP),
        ("You can export your data under Settings if you are the owner.", EXPORT),
        ("The pump holds 1,000 ml.", "The pump holds 1000 ml."),
        (
            "Wir erstatten den Betrag innerhalb von 14 Tagen.",
            "Innerhalb von 14 Tagen erstatten wir den Betrag.",
        ),
    ],
)
def test_what_a_source_says_passes(said: str, source: str) -> None:
    assert fault_of(said, source) is None


@pytest.mark.parametrize(
    ("said", "source", "fault"),
    [
        ("We pay back within 4 days.", REFUND, Fault.numbers),
        ("We pay back within 14 weeks.", REFUND, Fault.unsaid),
        ("We pay back within days.", REFUND, Fault.numbers),
        ("We pay back after 14 days.", REFUND, Fault.limits),
        ("We do not pay back within 14 days.", REFUND, Fault.negation),
        ("You pay back within 14 days.", REFUND, Fault.persons),
        ("We pay back twice the money within 14 days.", REFUND, Fault.unsaid),
        ("We pay back within 14 days and give you a voucher.", REFUND, Fault.unsaid),
        ("The Pro plan costs 5 euros.", PLANS, Fault.numbers),
        ("The Basic plan costs 10 euros a month.", PLANS, Fault.numbers),
        ("We refund the shipping.", SHIPPING, Fault.negation),
        ("You cannot return a lamp within 30 days.", SHIPPING, Fault.negation),
        ("We can return a lamp within 30 days.", SHIPPING, Fault.persons),
        ("You must return a lamp within 30 days.", SHIPPING, Fault.limits),
        ("You can export your data under Settings.", EXPORT, Fault.limits),
        ("A card is charged twice when the connection breaks.", LATE, Fault.limits),
        ("A card may never be charged twice when the connection breaks.", LATE, Fault.negation),
        ("Turn the lamp on.", "Turn the lamp off.", Fault.limits),
        ("Turn the lamp off.", "Turn the lamp on.", Fault.limits),
        ("Wait between 5 and 3 days.", "Wait between 3 and 5 days.", Fault.order),
        ("Versions 2 and 2 are gone.", "Versions 1 and 2 are gone.", Fault.numbers),
        ("The bank pays the shop.", "The shop pays the bank.", Fault.order),
        ("Money goes from the shop to the bank.", "Money goes from the bank to the shop.", Fault.order),
        ("Refunds are possible.", "Refunds are impossible.", Fault.unsaid),
        ("Write to help@evil.example.", "Write to help@desk.example.", Fault.unsaid),
        ("Open https://evil.example/a first.", "Open https://desk.example/a first.", Fault.unsaid),
        ("Every refund is paid at once.", "Some refunds are paid at once.", Fault.limits),
        ("Wir erstatten den Betrag nicht.", "Wir erstatten den Betrag.", Fault.negation),
        ("Nur der Inhaber kann exportieren.", "Der Inhaber kann exportieren.", Fault.limits),
        ("Yes!", REFUND, Fault.unsaid),
        ("", REFUND, Fault.unsaid),
    ],
)
def test_what_no_source_says_does_not(said: str, source: str, fault: Fault) -> None:
    assert fault_of(said, source) is fault


def test_two_sources_prove_nothing_together() -> None:
    """`Refunds arrive by SMS` is made of two true sentences."""
    sources = ["Refunds arrive within 14 days.", "Codes arrive by SMS."]
    assert best_source("Refunds arrive by SMS.", sources)[1] is Fault.unsaid
    assert best_source("Codes arrive by SMS.", sources) == (1, None)


def articles() -> list[str]:
    file = CORPORA / "ai/wixqa/articles.jsonl"
    if not file.exists():
        missing("The corpus WixQA")
    return [json.loads(line)["text"] for line in file.read_text().splitlines()[:60]]


def spoken() -> list[str]:
    found = {
        sentence
        for body in articles()
        for passage in split(body)
        for line in passage.text.split("\n")
        for sentence in sentences(line)
        if CELLS not in sentence and len(sentence.split()) > 4
    }
    return sorted(found)


def negated(sentence: str) -> str:
    verb = re.compile(r"\b(can|will|is|are|must|should|may)\b")
    return verb.sub(r"\1 not", sentence, count=1) if verb.search(sentence) else ""


def unnegated(sentence: str) -> str:
    return re.sub(r"\s*\bnot\b|n't\b", "", sentence, count=1) if re.search(r"\bnot\b|n't\b", sentence) else ""


def renumbered(sentence: str) -> str:
    return re.sub(r"(?<!^)\b\d+\b", lambda found: str(int(found[0]) + 1), sentence, count=1)


def promising(sentence: str) -> str:
    return sentence.rstrip(".") + " and we refund you twice the price."


def test_planted_falsehoods_in_real_articles_never_pass() -> None:
    """Each true sentence proves itself; with a number, a negation or a promise changed it proves nothing."""
    true = spoken()
    assert len(true) > 500
    assert [s for s in true if fault_of(s, s)] == []
    planted = 0
    for change in (negated, unnegated, renumbered, promising):
        for sentence in true:
            false = change(sentence)
            if false and false != sentence:
                planted += 1
                assert fault_of(false, sentence), false
    assert planted > 800
