"""What each payload is, and what people's words become."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest

from channels.contract import Unreadable
from channels.slack import reading
from channels.slack.mrkdwn import mrkdwn
from channels.slack.reading import What
from channels.slack.richtext import mentioned, plain, words
from tests.channels.slack.corpus import payloads, table


def says(found: reading.Happening) -> str:
    match found.what:
        case What.message:
            text = reading.inbound(found, home=found.home).text.replace("\n", " / ")[:80]
            return text + (f" +{len(found.files)} file" if found.files else "")
        case What.edit | What.deletion:
            return words(found.said)[:80]
        case What.command:
            return str(found.payload.get("command"))
    return found.why


def test_every_payload_is_what_the_table_says():
    written = table()
    found = {name: reading.read(payload) for name, payload in payloads()}
    assert {name: (str(one.what), says(one)) for name, one in found.items()} == written


def test_every_payload_with_a_persons_words_becomes_a_message():
    """Looked at from the other side: an author who is no program, a text or a file, and a channel to say it in."""
    for name, payload in payloads():
        given = payload.get("payload", payload)
        event = given.get("event") or {}
        person = event.get("user") and not event.get("bot_id") and not event.get("bot_profile")
        spoken = event.get("type") in {"message", "app_mention"} and event.get("subtype") in reading.SPOKEN
        if spoken and person and (event.get("text") or event.get("files")):
            assert reading.read(payload).what is What.message, name


def test_reading_by_itself_never_fails_otherwise_than_in_words():
    for _name, payload in payloads():
        raw = json.dumps(payload).encode()
        with suppress(Unreadable):
            assert reading.parse(raw).text


@pytest.mark.parametrize(
    "name",
    ["event", "user", "channel", "authorizations", "message", "blocks", "ts", "files", "subtype", "text"],
)
@pytest.mark.parametrize("junk", [None, 7, [], [None, 7], {"elements": 3}, "\x00", {"type": {"a": []}}])
def test_what_is_no_payload_of_slacks_is_ignored(name: str, junk: Any):
    event = {"type": "message", "text": "Hi", "user": "U1", "ts": "1.1", "channel": "C1"}
    for payload in (
        {"event": event, name: junk},
        {"event": event | {name: junk}},
        {"event": event | {"text": "", "ts": "999999999999.1", name: junk}},
        {"type": name, name: junk},
    ):
        found = reading.read(payload)
        if found.what is What.message:
            reading.inbound(found, home=found.home).storable()


def test_a_nest_without_end_is_cut():
    nested: dict[str, Any] = {"type": "rich_text_section", "elements": [{"type": "text", "text": "deep"}]}
    for _ in range(200):
        nested = {"type": "rich_text", "elements": [nested]}
    assert words({"blocks": [nested], "text": "the plain form"}) == "the plain form"
    assert mentioned({"blocks": [nested]}) == set()


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"blocks": [{"type": "rich_text", "elements": list(elements)}]}


def text(said: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": said, "style": style}


def test_rich_text_keeps_what_it_means():
    said = rich(
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "user", "user_id": "U1"},
                text(" see "),
                text("bold ", bold=True),
                text("x = 1", code=True),
                {"type": "emoji", "name": "wave", "unicode": "1f44b-1f3fc"},
                {"type": "link", "url": "https://example.com/a", "text": "here"},
                {"type": "channel", "channel_id": "C9"},
            ],
        },
        {"type": "rich_text_preformatted", "elements": [text("def a():\n    return <b>")]},
        {
            "type": "rich_text_list",
            "style": "ordered",
            "elements": [
                {"type": "rich_text_section", "elements": [text("one")]},
                {"type": "rich_text_section", "elements": [text("two")]},
            ],
        },
        {"type": "rich_text_quote", "elements": [text("said\nbefore")]},
    )
    assert words(said, {"U1": "Marta", "C9": "general"}) == (
        "@Marta see **bold** `x = 1`👋🏼[here](https://example.com/a)#general\n"
        "```\ndef a():\n    return <b>\n```\n1. one\n2. two\n> said\n> before"
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("<@U1|marta> and <@U2>", "@Anna and @U2"),
        ("<#C1|general> <!here> <!subteam^S1|@team>", "#general @here @team"),
        ("<https://a.example|site> <https://a.example>", "[site](https://a.example) https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("*bold* and 2*3*4, ~gone~ :+1: :unknown:", "**bold** and 2*3*4, ~~gone~~ 👍 :unknown:"),
        ("`*code* &lt;` ```\n*x*\n```", "`*code* <` ```\n*x*\n```"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
    ],
)
def test_mrkdwn_is_read(given: str, meant: str):
    assert plain(given, {"U1": "Anna"}) == meant


def test_what_is_sent_mentions_nobody_and_costs_little():
    assert mrkdwn("## Hi <!channel> @here, a@here.example ##") == (
        "*Hi &lt;!channel&gt; @\u2060here, a@here.example*"
    )
    began = time.monotonic()
    for endless in ("**a ", "__a ", "~~a "):
        mrkdwn(endless * 9_000)
    mrkdwn("# a" + " " * 38_000 + "b")
    assert time.monotonic() - began < 6, "marks that are opened and never closed took half a minute"


def test_a_preview_under_a_link_is_not_what_somebody_wrote_and_a_shared_message_is():
    unfurl = {"text": "An article about everything", "title": "Everything"}
    assert words({"text": "look", "attachments": [unfurl]}) == "look"
    shared = {"is_share": True, "author_name": "Ben", "text": "It *fails*"}
    assert words({"text": "look", "attachments": [shared]}) == "look\n\n> Ben:\n> It **fails**"


def test_the_same_thing_has_the_same_key_by_whichever_way_it_comes():
    assert reading.key_of({"event_id": "Ev1", "event_time": 1}) == reading.key_of({"event_id": "Ev1"})
    assert reading.key_of({"event_id": "Ev1"}) != reading.key_of({"event_id": "Ev2"})
    assert reading.key_of({"a": 1, "b": 2}) == reading.key_of({"b": 2, "a": 1})


def test_an_id_leads_back_to_the_thread():
    assert reading.place(reading.external_id("C1", "5.1")) == ("C1", "5.1")
    assert reading.place(reading.external_id("C1", "5.1", "4.2")) == ("C1", "4.2")
    assert reading.place("m123.abc@desk.example") is None
