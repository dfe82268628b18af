"""What changed between two texts, and what a text looks like to readers."""

import time

from kb.diffs import Line, diff
from kb.markup import rendered


def told(lines: list[Line]) -> list[str]:
    marks = {"same": " ", "added": "+", "removed": "-"}
    return [
        f"… {line.skipped}"
        if line.kind == "skipped"
        else marks[line.kind] + "".join(p.text if p.kind == "same" else f"[{p.text}]" for p in line.pieces)
        for line in lines
    ]


def test_a_changed_line_shows_the_changed_words():
    before, after = "One.\nWithin five days.\nTwo.", "One.\nWithin ten working days.\nTwo."
    assert told(diff(before, after)) == [
        " One.",
        "-Within [five] days.",
        "+Within [ten working] days.",
        " Two.",
    ]


def test_lines_that_came_and_went_are_whole():
    assert told(diff("a\nb", "a\nnew\nb")) == [" a", "+[new]", " b"]
    assert told(diff("a\nold\nb", "a\nb")) == [" a", "-[old]", " b"]
    assert told(diff("", "a")) == ["+[a]"]
    assert diff("", "") == []


def test_far_from_any_change_lines_are_left_out():
    lines = [f"line {n}" for n in range(20)]
    assert told(diff("\n".join(lines), "\n".join([*lines, "end"])))[0] == "… 17"
    assert told(diff("\n".join(lines), "\n".join(lines))) == ["… 20"]


def test_both_texts_can_be_read_out_of_it():
    before, after = "a b c\n\nd\ne f", "a x c\n\ne f\ng"
    lines = diff(before, after)
    assert [line.text for line in lines if line.kind != "added"] == before.splitlines()
    assert [line.text for line in lines if line.kind != "removed"] == after.splitlines()


def test_long_texts_are_compared_in_a_moment():
    began = time.perf_counter()
    diff("a b " * 50_000, "b a " * 50_000)
    diff("x\n" * 50_000, "x\ny\n" * 50_000)
    assert time.perf_counter() - began < 10


def test_nothing_of_a_stranger_gets_into_the_page():
    shown = rendered(
        "<b onclick=x>B</b> ![a](http://evil.example/x.png) ![b](data:image/png;base64,AA) [c](data:x)"
    )
    assert "evil.example" not in shown
    assert "data:image" not in shown.replace("![", "")
    assert "<b" not in shown
    assert 'href="data' not in shown
