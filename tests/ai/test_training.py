"""What the commands that measure count, on rows that can be counted by hand."""

import pytest

from ai.evaluation.answers import ANSWERABLE, NEAR_MISS, Case
from ai.evaluation.sets import SetArticle
from ai.training import places, silence
from kb.search import FoundPassage


def passage(text: str) -> FoundPassage:
    return FoundPassage(chunk_id=1, position=1, path="", text=text, dense=0.5, lexical=0.0, words=())


def case(kind: str, number: int) -> Case:
    return Case(
        kind=kind,
        question=f"question {number}",
        article=f"article {number}",
        right=kind == ANSWERABLE,
        features=(),
        chance=number / 1000,
        answered=False,
    )


def test_rare_words_weigh_more_in_what_two_texts_share() -> None:
    bodies = ("the printer is offline", "the invoice is late", "the router is hot")
    rarity = places.Rarity([SetArticle(str(n), "", body) for n, body in enumerate(bodies)])
    assert rarity.f1("the printer", "the printer") == pytest.approx(1)
    assert rarity.f1("the printer", "a router") == 0
    assert rarity.f1("the printer", "printer late") > rarity.f1("the printer", "the late")
    assert rarity.f1("", "") == 0


def test_sections_stand_between_headings() -> None:
    found = places.sections_of(
        passage("Windows:\nPress start.\nMac:\nPress apple."), frozenset({"Windows:", "Mac:"})
    )
    assert found == ["Press start.", "Press apple."]


def test_a_hit_is_the_best_section_there_is() -> None:
    rows = [
        {"shipped": 0.5, "title -0.3": 0.2, "best": 0.5},
        {"shipped": 0.1, "title -0.3": 0.4, "best": 0.4},
    ]
    told = places.told(rows)
    assert told["shipped"]["hit"]["value"] == told["title -0.3"]["hit"]["value"] == 0.5
    assert told["shipped"]["f1"]["value"] == pytest.approx(0.3)
    assert told["title -0.3"]["f1_more_than_shipped"]["value"] == pytest.approx(0)


def test_a_question_stays_or_goes_with_its_near_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "MOST", 3)
    cases = [case(kind, number) for number in range(10) for kind in (ANSWERABLE, NEAR_MISS)]
    kept = silence.at_most(cases)
    by_kind = {
        kind: {each.question for each in kept if each.kind == kind} for kind in (ANSWERABLE, NEAR_MISS)
    }
    assert len(kept) == 6
    assert by_kind[ANSWERABLE] == by_kind[NEAR_MISS]
