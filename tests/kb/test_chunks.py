"""Articles are cut where a reader would pause."""

import hashlib
import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kb.chunks import CUTTING, WORDS, blocks, sentences, split


def test_a_passage_ends_with_its_section() -> None:
    body = f"Start here. {'word ' * 35}.\n\n## Refunds\n\n{'money ' * 40}.\n\n### Cards\n\n{'card ' * 40}."
    assert [p.path for p in split(body)] == [(), ("Refunds",), ("Refunds", "Cards")]


def test_short_sections_share_a_passage_and_keep_their_heading() -> None:
    (passage,) = split("## Monday\n\nWe open at nine.\n\n## Sunday\n\nWe are closed.")
    assert passage.text == "Monday:\nWe open at nine.\nSunday:\nWe are closed."
    assert passage.path == ()


def test_a_heading_that_is_above_a_whole_passage_stands_above_it_only() -> None:
    (passage,) = split("# Hours\n\nWe open at nine.\n\n## Sunday\n\nWe are closed.")
    assert (passage.path, passage.text) == (("Hours",), "We open at nine.\nSunday:\nWe are closed.")


def test_a_heading_is_said_once_however_many_steps_follow() -> None:
    (passage,) = split("Short.\n\n## Steps\n\n1. Open.\n2. Press.\n3. Wait.\n\nDone.")
    assert passage.text == "Short.\nSteps:\n1. Open.\n2. Press.\n3. Wait.\nDone."


def test_a_section_that_shares_its_passage_is_not_cut_once_it_is_long_enough() -> None:
    body = f"Short.\n\n## Steps\n\n1. {'Open it ' * 12}.\n2. {'Press it ' * 12}.\n3. {'Wait ' * 20}."
    assert len(split(body)) == 1


def test_neighbours_share_one_sentence() -> None:
    body = " ".join(f"Sentence number {i} says something useful about parcels and labels." for i in range(40))
    passages = split(body)
    assert len(passages) > 2
    for one, other in pairwise(passages):
        assert other.text.startswith(sentences(one.text)[-1])


def test_lists_keep_their_marks_and_tables_their_rows() -> None:
    body = "To reset:\n\n3. Open *Settings*.\n4. Press `Reset`.\n\n- one\n\n|A|B|\n|-|-|\n|1|2|\n\n```\nx = 1.  Y\n```"
    assert [block.text for block in blocks(body)] == [
        "To reset:", "3. Open Settings.", "4. Press Reset.", "- one", "A | B", "1 | 2", "x = 1.  Y",
    ]  # fmt: skip


def test_sentences_do_not_end_at_abbreviations_and_numbers() -> None:
    assert sentences("Use e.g. Firefox. See No. 5 for more!") == ["Use e.g. Firefox.", "See No. 5 for more!"]
    assert sentences("1. Open the lid. Wait.") == ["1. Open the lid.", "Wait."]
    assert sentences("You are done.You can close it.") == ["You are done.", "You can close it."]
    assert sentences("開封します。次に押します。") == ["開封します。", "次に押します。"]


def test_links_and_images_become_their_words() -> None:
    assert [b.text for b in blocks("See [the guide](https://x.example) ![a cat](c.png) <b>")] == [
        "See the guide a cat <b>"
    ]


@given(st.text(alphabet="aB .!?:\n#-1*|`>", max_size=400))
def test_whatever_is_written_is_cut_into_bounded_passages(body: str) -> None:
    for passage in split(body):
        assert 0 < len(passage.text.split()) <= 2 * WORDS + 30


def test_a_block_of_code_without_code_is_no_passage() -> None:
    assert split("~~~") == []
    assert [each.text for each in split("Before.\n\n```\n\n```\n\nAfter.")] == ["Before.\nAfter."]


SHAPES = """Before any heading.

# Printers

## Paper jams

Open the lid. Pull the paper out *gently*, never backwards. Close the lid again.

1. Switch it off.
2. Wait for ten seconds. It beeps twice!
3. Switch it on.

## Lights

| Light | What it says |
|---|---|
| red | no paper |
| blue | busy, e.g. after an update |

```
reset --hard
```

### 紙詰まり

プリンターの電源を切ってください。十秒待ちます。

""" + "A long section goes on and on, sentence by sentence, until it is cut. " * 40  # fmt: skip
CUT = {1: "3ff9cb9022585b84"}
"""By `CUTTING`: what it makes of these shapes, as a digest."""


def test_who_cuts_otherwise_says_so():
    """Else what is stored stays as it was cut: count `CUTTING` up, and add the new digest."""
    passages = [[*each.path, each.text] for each in split(SHAPES)]
    assert hashlib.sha256(json.dumps(passages).encode()).hexdigest()[:16] == CUT[CUTTING]
