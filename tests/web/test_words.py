"""People's texts as the console shows them."""

import re
from dataclasses import replace
from typing import Any

import pytest

from web.console.shell import Directory, Named
from web.words import flowing, noted, paragraphs, plain

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


def test_exactly_the_name_of_a_colleague_who_is_called_is_marked():
    """As whoever is told of it: by the whole name, or by a first name that only one has; in notes alone."""
    people = [Named(1, "Liam Osei"), Named(2, "Sam Lee"), Named(3, "Sam Royal"), Named(4, "Zoë <b>")]
    directory = Directory({int(one.id): replace(one, presence="online") for one in people}, {})
    context: Any = {"directory": directory}

    def marked(text: str) -> list[str]:
        return re.findall('<span class="mention">(.*?)</span>', noted(context, text))

    assert marked("Ask @Liam Osei or @liam, please") == ["@Liam Osei", "@liam"]
    assert marked("@Liam Oseisson? @Sam? @Sam Royal!") == ["@Liam", "@Sam Royal"]
    assert marked("See @Media in the CSS, a@Liam.example, https://x.example/@Liam") == []
    assert marked("@Zoë <b> & @Nobody") == ["@Zoë &lt;b&gt;"]
    assert "mention" not in paragraphs("Hello @Liam Osei"), "a customer calls nobody"
