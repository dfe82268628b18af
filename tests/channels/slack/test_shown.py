"""What customers and agents write, as it is shown in Slack: it breaks no card, and all of it stands in what is sent."""

import json
import re
from typing import Any

import pytest

from channels.slack.mrkdwn import SECTION, blocks, mrkdwn, one_line, sections
from helpdesk.desk import Desk
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack
from tests.channels.slack.test_triage import shows, submission

LONG = "x" * 9_000
LINK = re.compile(r"<https?://[^<>|]+\|[^<>|]+>")


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    return await connected(desk, slack, triage_channel=TRIAGE)


@pytest.mark.parametrize(
    "text",
    [
        f"```\n{LONG}\n```",
        f"```\n\n{LONG}\n```",
        f"Look:\n```\n{'y' * 400}\n\n{LONG}\n```\nDone",
        "&" * 9_000,
        "wörds & more " * 900,
        f"a {'[label](https://x.example/' + 'p' * 1_900 + ') ' * 1}" * 6,
        "\n\n" + LONG,
        "```\n" * 4_000,
    ],
    ids=range(8),
)
def test_what_is_long_is_cut_into_blocks_and_nothing_is_lost(text: str):
    said = mrkdwn(text)
    parts = [block["text"]["text"] for block in sections(said)]
    assert all(0 < len(part) <= SECTION + 8 for part in parts)
    assert len(parts) <= len(said) / (SECTION / 2) + 2
    assert all(part.count("```") % 2 == 0 for part in parts), "each is code to its end, or not at all"
    for part in parts:
        bare = LINK.sub("", part)
        assert "<" not in bare
        assert ">" not in bare
        assert re.sub(r"&(?:amp|lt|gt);", "", bare).count("&") == 0
    assert re.sub(r"[\s`]", "", "".join(parts)) == re.sub(r"[\s`]", "", said)


def test_more_than_slack_takes_in_blocks_is_its_text_alone():
    assert blocks("word " * 1_700)
    assert blocks("word " * 2_000) == []


@pytest.mark.parametrize("said", ["_@channel_", "@@here", "(@everyone)", "@Channel_all", "x @here."])
def test_nothing_around_it_makes_a_mention_of_it(said: str):
    assert not re.search(r"@(?:here|channel|everyone)", one_line(said), re.IGNORECASE)
    assert one_line("a@here.example, b.c@channel.example") == "a@here.example, b.c@channel.example"


NAMES = ["```", "&" * 200, "<" * 200, "Marta · Resolved · Ada Novak", "*_~`|", "\u061cabc\u202e", "a|b>c"]


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_and_no_subject_breaks_a_card(room: Room, slack: FakeSlack, name: str):
    slack.add("U0POSE", name)
    await room.hears(slack.says("U0POSE", "It fails " + name * 20))
    (ticket,) = await room.tickets()
    await room.scene.does(ticket, "rename", (name * 20)[:300], by=room.scene.agents["Ada"])
    await shows(room)
    (card,) = slack.sent(TRIAGE)
    link, about, *_said = card["blocks"][0]["text"]["text"].splitlines()
    assert LINK.fullmatch(link.strip("*"))
    assert about.endswith(" · New · Normal · nobody has it")
    assert about.count("·") == 3
    assert not set("`\u061c\u202e") & set(card["blocks"][0]["text"]["text"])


async def test_all_that_would_be_sent_stands_in_the_preview_and_is_sent(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0MARTA", "How?"))
    await shows(room)
    (ticket,), (card,) = await room.tickets(), slack.sent(TRIAGE)
    lines = [f"Line {number} of what to do & where <there>" for number in range(700)]
    await room.hears(slack.says("U0ADA", "\n\n".join(lines), channel=TRIAGE, thread_ts=card["ts"]))
    note = (await room.scene.messages(ticket))[-1]
    await room.hears(slack.presses("U0ADA", "desk:send", str(note.id)))
    (form,) = slack.called("views.open")
    shown = json.dumps(form["view"]["blocks"])
    assert [number for number in range(700) if f"Line {number} of" not in shown] == []
    await room.hears(submission(form["view"], "U0ADA"))
    reply: Any = (await room.scene.messages(ticket))[-1]
    await room.leaves(reply)
    (answer,) = slack.sent()
    assert "Line 699 of" in answer["text"]
    assert not answer.get("blocks")
