"""How long Slack asks to wait: whatever it says there, the answer leaves once, and nothing else waits with it."""

from datetime import timedelta

import pytest

from channels.slack import calling
from channels.slack.calling import AskedToWait
from helpdesk.messages import Delivery
from tests.channels.slack.conftest import Room
from tests.channels.slack.fake import FakeSlack
from workers.jobs import Later

ASKED = [
    ({"retry-after": "0"}, 1),
    ({"retry-after": "1"}, 1),
    ({"retry-after": "30"}, 30),
    ({"retry-after": "3600"}, 3_600),
    ({"retry-after": "1e300"}, 3_600),
    ({"retry-after": "inf"}, 3_600),
    ({"retry-after": "-5"}, 1),
    ({"retry-after": "nan"}, 30),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
    ({"retry-after": "soon"}, 30),
    ({"retry-after": ""}, 30),
    ({"retry-after": []}, 30),
    ({}, 30),
]


@pytest.mark.parametrize(("headers", "seconds"), ASKED)
def test_whatever_stands_there_is_a_time_to_wait(headers: dict[str, object], seconds: int):
    assert calling._pause(headers) == timedelta(seconds=seconds)


@pytest.mark.parametrize("asked", ["0", "3600", "nan", "soon", None])
async def test_an_answer_that_had_to_wait_leaves_once(room: Room, slack: FakeSlack, asked: str | None):
    await room.hears(slack.says("U0MARTA", "It fails"))
    (ticket,) = await room.tickets()
    headers = {} if asked is None else {"retry-after": asked}
    slack.script["chat.postMessage"] += [(429, headers, {"ok": False, "error": "ratelimited"})]
    with pytest.raises(Later):
        await room.answers(ticket)
    assert slack.sent() == []
    calling._waits.clear()
    *_, answer = await room.scene.messages(ticket)
    assert answer.delivery is Delivery.queued
    await room.leaves(answer)
    *_, answer = await room.scene.messages(ticket)
    assert (answer.delivery, len(slack.sent())) == (Delivery.sent, 1)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("chat_postMessage", {"channel": "C0SHARED", "text": "x"}),
        ("users_info", {"user": "U0MARTA"}),
        ("conversations_info", {"channel": "C0SHARED"}),
        ("conversations_replies", {"channel": "C0SHARED", "ts": "1.1"}),
        ("files_info", {"file": "F1"}),
        ("files_getUploadURLExternal", {"filename": "a.txt", "length": 1}),
    ],
)
async def test_only_the_method_that_slack_counted_waits(
    room: Room, slack: FakeSlack, method: str, given: dict[str, str]
):
    name = method.replace("_", ".", 1)
    slack.script[name] += [(429, {"retry-after": "3600"}, {"ok": False, "error": "ratelimited"})]
    calls = room.channel.calls
    for _ in range(3):
        with pytest.raises(AskedToWait) as error:
            await calls.ask(method, **given)
        assert error.value.retry_after > timedelta(minutes=55)
    assert len(slack.called(name)) == 1, "who asks again while told to wait is told to wait longer"
    assert (await calls.ask("auth_test"))["ok"]
