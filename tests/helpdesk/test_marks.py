"""Words with marks of Markdown: shown safely, said plainly, and never changed where no mark was meant."""

import html
import time

import nh3
import pytest

from helpdesk import marks
from helpdesk.macros.placeholders import fill
from tests.scenes import Scene, mail

MARKED = """**Now** see `log.txt`
and [our page](https://a.example/x?y=1&z=2).

- one
- two
  - deep

1. first
2. second

> what you
> wrote

```
code *stays*
  as it is
```
See https://b.example/a_b_c."""
PLAIN = """Now see log.txt
and our page (https://a.example/x?y=1&z=2).

- one
- two
  - deep

1. first
2. second

> what you
> wrote

code *stays*
  as it is

See https://b.example/a_b_c."""


def test_marks_are_shown_and_said():
    html = marks.shown(MARKED)
    for part in (
        "<strong>Now</strong>",
        "<code>log.txt</code>",
        'href="https://a.example/x?y=1&amp;z=2"',
        "<blockquote",
        "<pre><code>code *stays*\n  as it is",
        'href="https://b.example/a_b_c"',
    ):
        assert part in html
    assert html.count("<li") == 5
    assert marks.plain(MARKED) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "Hello\nAda\n\n\nThree  lines",
        r"It is in C:\*temp\_new and \\server\share",
        "2*3*4 and a_b_c",
        "from module/__init__.py",
        "&nbsp; and <b>tags</b>",
        "[1]: https://a.example\nsee[1]",
        "Only https://a.example/x",
        "    indented\n-- \nAda",
        "",
    ],
)
def test_words_without_marks_stay_as_they_were_typed(text: str):
    assert not marks.is_marked(text)
    assert marks.plain(text) == text


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("**x** <script>alert(1)</script>", "<script"),
        ("**x** <img src=x onerror=alert(1)>", "<img"),
        ("![x](https://stranger.example/p.png)", "<img"),
        ("[x](javascript:alert(1))", "href"),
        ("[x](data:text/html;base64,AAAA)", "href"),
        ("[x](//stranger.example)", "href"),
        ("[x](/tickets/1)", "href"),
        ('[x](https://a.example/"onclick="alert(1))', '"onclick='),
        ('```"><script>\nx\n```', "<script"),
    ],
)
def test_nothing_runs_and_no_picture_is_fetched(text: str, never: str):
    assert never not in marks.shown(text)


def test_a_link_that_is_dressed_as_another_host_says_where_it_leads():
    assert "(evil.example)" in marks.shown("[www.bank.example](https://evil.example/x)")
    assert "(evil" not in marks.shown("[evil.example](https://www.evil.example/x)")
    assert "xn--" in marks.shown("[here](https://b\u00fccher.example/)")


def test_what_is_right_to_left_runs_so():
    assert '<p dir="auto">' in marks.shown("مرحبا **بك**")


@pytest.mark.parametrize(
    "piece", ["*", "_", "**a ", "[a](", "[", "`", "~~a", "***a", "- a\n", "> a\n\n", "> ", "<"]
)
def test_reading_stays_linear(piece: str):
    """Eight times as much takes about eight times as long, and not 64, on however busy a machine."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        best = float("inf")
        for _ in range(3):
            marks.shown.cache_clear()
            began = time.process_time()
            marks.shown(text)
            marks.plain(text)
            best = min(best, time.process_time() - began)
        return best

    assert seconds(40_000) < 30 * seconds(5_000) + 0.05


async def test_a_list_shows_an_answer_s_words_and_a_customer_s_as_they_were_typed(scene: Scene) -> None:
    ticket = await scene.receives(mail("Is **it** back?"))
    assert ticket.preview == "Is **it** back?"
    await scene.replies(ticket, "**Yes**, see `log.txt`:\n\n- one")
    (ticket,) = await scene.tickets()
    assert ticket.preview == "Yes, see log.txt: - one"


@pytest.mark.parametrize(
    "typed",
    [
        "take array[0](arg) and handlers[1]()",
        "see [the plan](Plan.pdf) and [x](#below) and [y](//other.example)",
        "![](nowhere)",
        "[](https://a.example/x)",
        '[x](https://a.example "what it is called")',
        "set <key:value> and <cid:1>",
        "[x](ftp://a.example)",
        "[x](javascript:alert(1))",
    ],
)
def test_what_leads_nowhere_for_sure_stays_as_it_was_typed(typed: str) -> None:
    assert html.unescape(nh3.clean(marks.shown(typed), tags=set())) == typed
    assert marks.plain(typed) == typed


def test_words_beside_a_fence_are_not_left_out() -> None:
    assert marks.plain("```Restart the server\nmake run\n```") == "Restart the server\nmake run"
    assert "Restart the server" in marks.shown("```Restart the server\nmake run\n```")
    assert marks.plain("```c++\nmake run\n```") == "make run"


def test_a_customer_s_name_makes_no_link_of_a_macro() -> None:
    said = fill("Hello {{contact.name}}", {"contact.name": "[Your refund](https://evil.example/x)"}).text
    assert "[Your refund]" in marks.shown(said)
    assert ">Your refund</a>" not in marks.shown(said)


@pytest.mark.parametrize(
    ("typed", "apart"),
    [
        ("> it worked on Friday\nIt does not now.", '</blockquote>\n<p dir="auto">It does not now.</p>'),
        ("> one\n> two\nMine", "one<br>\ntwo</p>\n</blockquote>"),
        ("- the job\n- the sync\nBoth stopped.", '</ul>\n<p dir="auto">Both stopped.</p>'),
        ("1. first\n   goes on\nNot that.", 'goes on</li>\n</ol>\n<p dir="auto">Not that.</p>'),
    ],
)
def test_what_stands_below_a_quote_or_a_list_is_no_part_of_it(typed: str, apart: str):
    assert apart in marks.shown(typed)
    assert typed.splitlines()[-1] in marks.plain(typed).splitlines()
