"""Frames and files of no use: a line that goes on after them, and files that cannot be had or must not be asked for."""

import json
from typing import Any

import pytest

from channels.slack import arriving, bringing
from helpdesk.desk import Desk
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import FakeSlack, soon
from tests.channels.slack.test_arriving import XAPP, listening

FRAMES: list[str] = [
    '{"type": "events_api", "envelope_id": "e1", "payl',
    "",
    "null",
    "[1, 2]",
    "{}",
    '"words"',
    '{"type": "events_api", "envelope_id": "e2"}',
    '{"type": "events_api", "envelope_id": "e3", "payload": null}',
    '{"type": "events_api", "envelope_id": "e4", "payload": [1]}',
    '{"type": "events_api", "envelope_id": "e5", "payload": "words"}',
    '{"type": "events_api", "envelope_id": 7, "payload": {"event": 3}}',
    '{"type": "events_api", "envelope_id": null, "payload": {}}',
    '{"type": ["x"], "envelope_id": "e6", "payload": {}}',
    '{"type": "nothing_we_know", "envelope_id": "e7", "payload": {"type": "x"}}',
    '{"type": "events_api", "envelope_id": "e8", "payload": ' + '{"a":' * 500 + "1" + "}" * 501,
]


async def test_frames_that_are_none_end_no_line(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(arriving, "PING", 0.3)
    room = await connected(desk, slack, app_token=XAPP)
    async with listening(room):
        await soon(lambda: slack.lines)
        for frame in FRAMES:
            await slack.lines[-1].send_str(frame)
            heard = await slack.pushes(slack.says("U0MARTA", f"After {frame[:60]}"))
            await soon(lambda heard=heard: slack.acknowledged[heard])
        assert slack.opened == 1
    await room.interprets()
    said = [text for ticket in await room.tickets() for text in await room.texts(ticket)]
    assert len(said) == len(FRAMES)


@pytest.mark.parametrize("reason", ["warning", "link_disabled", "too_many_websockets", "", None])
async def test_whatever_the_reason_another_line_is_opened(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch, reason: str | None
):
    monkeypatch.setattr(arriving, "PING", 0.3)
    room = await connected(desk, slack, app_token=XAPP)
    async with listening(room):
        await soon(lambda: slack.lines)
        frame = {"type": "disconnect"} | ({} if reason is None else {"reason": reason})
        await slack.lines[-1].send_str(json.dumps(frame))
        await soon(lambda: slack.opened == 2)
        heard = await slack.pushes(slack.says("U0MARTA", "It fails"))
        await soon(lambda: slack.acknowledged[heard])
    await room.interprets()
    assert len(await room.tickets()) == 1


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    return await connected(desk, slack)


def told_of(slack: FakeSlack, file: Any) -> None:
    slack.script["files.info"] += [(200, {}, {"ok": True, "file": file})]


async def test_files_of_every_kind_lose_no_words(
    room: Room, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bringing, "LARGEST", 10)
    empty = slack.shares("empty.txt", b"", "text/plain")
    big = slack.shares("big.bin", b"x" * 11)
    bigger = slack.shares("lies.bin", b"x" * 5_000) | {"size": 3}
    away = {"id": "F1", "file_access": "check_file_info"}
    here = slack.shares("asked.txt", b"asked", "text/plain")
    gone = {"id": "F2", "mode": "tombstone"}
    named = slack.shares("](https://evil.example) <!channel>\n\u202egnp", b"PNG")
    told_of(slack, here)
    files = [empty, big, bigger, away, gone, named, {"id": None}, {}]
    await room.hears(slack.says("U0MARTA", "Look", files=files))
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    assert {"empty.txt": 0, "asked.txt": 5}.items() <= {f.name: f.size for f in message.attachments}.items()
    assert message.text.startswith("Look")
    assert message.text.count("is only in Slack") == 5
    assert not any("\u202e" in file.name for file in message.attachments)


@pytest.mark.parametrize(
    "url",
    [
        "https://thief.example/f",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1/f",
        "file:///etc/passwd",
    ],
)
async def test_the_token_goes_nowhere_else_whoever_names_the_place(room: Room, slack: FakeSlack, url: str):
    """In the message, in what Slack says of the file, or behind its name for downloads."""
    asked: list[str] = []
    outbound = type(room.channel.outbound)
    original = outbound.ask

    async def watched(self: Any, method: str, to: str, **given: Any) -> Any:
        asked.append(to)
        return await original(self, method, to, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbound, "ask", watched)
        told_of(slack, {"id": "F1", "name": "a", "url_private": url})
        one = slack.shares("b", b"x") | {"url_private": url}
        two = slack.shares("c", b"x") | {"url_private_download": url}
        await room.hears(
            slack.says("U0MARTA", "Look", files=[{"id": "F1", "file_access": "check_file_info"}, one, two])
        )
    (ticket,) = await room.tickets()
    assert asked == []
    assert (await room.texts(ticket))[0].count("does not lie with Slack") == 3
