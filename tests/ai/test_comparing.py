"""Curves and comparisons are arithmetic that can be checked by hand; files are read as if somebody meant harm."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ai.evaluation.comparing import compare, mcnemar
from ai.evaluation.converting import convert
from ai.evaluation.curves import area, at_coverage, risk_curve, thinned
from ai.evaluation.own import linked
from ai.evaluation.sets import LARGEST, articles, labelled, questions
from helpdesk.cli.ai import read_set
from helpdesk.errors import Invalid, Misconfigured


@dataclass(frozen=True)
class Asked:
    key: str
    answered: bool
    right: bool = True
    kind: str = "answerable"


def test_the_curve_begins_with_the_surest():
    curve = risk_curve([0.9, 0.8, 0.8, 0.1], [True, False, True, False])
    assert curve == [(0.25, 0.0), (0.75, 0.3333), (1.0, 0.5)]  # equals are answered together
    assert area(curve) == pytest.approx(0.25 * 0 + 0.5 * 0.3333 + 0.25 * 0.5, abs=1e-4)
    assert risk_curve([], []) == []
    assert area([]) is None
    assert thinned([(n / 500, 0.1) for n in range(501)], 60)[-1] == (1.0, 0.1)
    assert at_coverage([0.1, 0.2, 0.3, 0.4, 0.5], 0.6) == pytest.approx(0.26)


def test_a_wrong_answer_costs_more_than_silence():
    before = [Asked(str(n), answered=True) for n in range(20)]
    silent = [Asked(str(n), answered=n >= 5) for n in range(20)]
    wrong = [Asked(str(n), answered=True, right=n >= 5) for n in range(20)]
    one, other = compare(before, silent), compare(before, wrong)
    assert one
    assert other
    assert (one.difference, other.difference) == (-0.25, -1.0)
    assert one.is_worse
    assert other.interval[1] < 0
    assert (one.better, one.worse) == (0, 5)
    same = compare(before, before)
    assert same
    assert not same.is_worse
    assert compare(before, [Asked("another", answered=True)]) is None


def test_silence_where_nothing_answers_is_well_done():
    loud = [Asked(str(n), answered=True, right=False, kind="near_miss") for n in range(10)]
    quiet = [Asked(str(n), answered=False, right=False, kind="near_miss") for n in range(10)]
    found = compare(loud, quiet)
    assert found
    assert (found.better, found.worse, found.difference) == (10, 0, 3.0)


def test_mcnemars_test_by_hand():
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 5) == 1
    assert mcnemar(10, 0) == pytest.approx(2 / 2**10)
    assert mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert mcnemar(3000, 3000) == pytest.approx(1, abs=0.02)


def test_a_link_to_an_article_is_an_answer():
    answers = ["See https://help.example/en/reset-password. And (https://else.example/reset-phone/)"]
    assert linked(answers, {"reset-password", "reset-phone", "else"}) == {"reset-password", "reset-phone"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"id": "1", "text": "a"}\n{"id": "1", "text": "b"}', ":2: the article '1' is there already"),
        (b"\xff\xfe{", ":1: this line is not UTF-8"),
        (b'{"id": "1", "text": ["a"]}', ":1: `text` must be a text"),
        (b'{"id": {"a": 1}, "text": "a"}', ":1: an article needs"),
        (b"[" * 200_000, ":1: this line is no JSON"),
        (b"", "there is no article in this file"),
    ],
)
def test_a_hostile_file_is_refused_by_line(tmp_path: Path, content: bytes, says: str):
    (path := tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(Invalid) as refused:
        articles(path)
    assert says in str(refused.value)


FAQ = """<root><qapair><rephr>How to\n strike &amp; bold?</rephr><rephr> * </rephr><question>Markdown</question>
<answer>Use ~~.</answer><answer>Or stars.</answer></qapair><qapair><question>Nobody knows</question></qapair></root>"""


def test_public_sets_become_ours(tmp_path: Path):
    (faq := tmp_path / "faq.xml").write_text(FAQ)
    assert convert(["stackfaq", str(faq), str(tmp_path / "made")]) == {"articles": 1, "questions": 1}
    (article,) = found = articles(tmp_path / "made/articles.jsonl")
    assert (article.title, article.body) == ("Markdown", "Use ~~.\n\nOr stars.")
    (asked,) = questions(tmp_path / "made/questions.jsonl", found)
    assert (asked.text, asked.articles) == ("How to strike & bold?", (article.id,))
    (data := tmp_path / "data_full.json").write_text(
        '{"train": [["a, b", "x"], ["c", "y"]], "test": [["d", "x"]], "oos_test": [["e", "oos"]]}'
    )
    assert convert(["clinc150", str(data), str(tmp_path)]) == {"train": 2, "test": 2}
    assert labelled(tmp_path / "test.csv", label="category") == [("d", "x"), ("e", "oos")]
    assert convert(["few", str(tmp_path / "train.csv"), str(tmp_path / "few")]) == {"labels": 2, "train": 2}


@pytest.mark.parametrize(
    ("what", "content", "says"),
    [
        ("stackfaq", '<!DOCTYPE a [<!ENTITY b "bbb">]><root/>', "document type is not read"),
        ("stackfaq", "<root><qapair>", "this is no XML"),
        ("stackfaq", "<root/>", "there is no <qapair>"),
        ("clinc150", '{"train": 1}', "is not CLINC150"),
        ("few", "a;b\n", "the column 'category' is missing"),
        ("all", "", "Say what to convert"),
    ],
)
def test_other_files_are_refused_in_words(tmp_path: Path, what: str, content: str, says: str):
    (path := tmp_path / "x").write_text(content)
    with pytest.raises((Invalid, Misconfigured), match=says):
        convert([what, str(path), str(tmp_path)])


def test_a_question_about_an_article_that_is_not_there_is_refused(tmp_path: Path):
    """Or it would count as one that an article answers, and every silence as a fault."""
    (given := tmp_path / "a.jsonl").write_text('{"id": "1", "text": "a"}')
    (path := tmp_path / "q.jsonl").write_text('{"question": "b", "article_ids": ["2"]}')
    with pytest.raises(Invalid, match=r"q.jsonl:1: there is no article '2'"):
        read_set(given, path)


def test_a_huge_file_is_not_even_begun(tmp_path: Path):
    with (path := tmp_path / "x.jsonl").open("wb") as file:
        file.truncate(LARGEST + 1)  # a hole: it takes no room
    with pytest.raises(Invalid, match="larger than 200 MB"):
        articles(path)


def test_questions_and_labels_are_checked_too(tmp_path: Path):
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "a", "article_ids": [{"no": 1}]}')
    with pytest.raises(Invalid, match=r"q.jsonl:1: `article_ids` must be an id or a list of ids"):
        questions(path)
    path.write_text('{"question": "a\\u0000b \\ud800", "is_impossible": true, "article_ids": ["x"]}')
    (only,) = questions(path)
    assert (only.text, only.articles) == ("ab ?", ())
    (table := tmp_path / "x.csv").write_text("text,category\none,two\nthree\n")
    with pytest.raises(Invalid, match=r"x.csv:3: a row needs `text` and `category`"):
        labelled(table, label="category")
