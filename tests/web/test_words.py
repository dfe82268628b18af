"""People's texts as the console shows them."""

import pytest

from web.words import flowing, paragraphs, plain

WRAPPED = (
    "This is the third time this month that your printer has gone on strike,\n"
    "the light is blinking blue, it is Monday morning, and my dispatcher is\n"
    "writing job numbers on masking tape."
)
KEPT = [
    "Carol Whitby\nBookkeeper (Tue, Wed, Fri)\nHarrow Lane Upholstery",
    "We need three things before the end of this week, if you can do it:\nfirst\nsecond",
    "- a first point that goes on for as long as a whole line of a mail does\n- a second point",
    "A" * 76 + "\n" + "B" * 76,
    "    def indented(code_that_is_about_as_long_as_a_line_of_a_mail_would_be):\n    pass",
    "One line",
]


def test_lines_that_a_mail_program_broke_flow_again():
    assert "\n" not in flowing(WRAPPED)
    assert flowing(WRAPPED).split() == WRAPPED.split()


@pytest.mark.parametrize("text", KEPT)
def test_lines_that_a_person_broke_stay(text: str):
    assert flowing(text) == text


def test_every_paragraph_runs_as_its_own_script_does():
    assert paragraphs("مرحبا\n\nHello").count('<p dir="auto">') == 2


def test_an_article_in_one_line_has_neither_marks_nor_table_rules():
    text = "# Limits\n\n| | Team |\n|---|---|\n| Calls | 120 |\n\nA **Team** in [Plus](https://a.example), snake_case."
    assert plain(text) == "Team Calls 120 A Team in Plus, snake_case."
