"""Both ways in: a line that the desk opens and that breaks, and calls at the inbox's public address."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from litestar.testing import AsyncTestClient

from channels.contract import ChannelError
from channels.slack import arriving
from channels.slack.calling import Calls
from channels.slack.settings import SlackSettings
from helpdesk.desk import Desk
from helpdesk.outbound import Outbound, Policy
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import FakeSlack, signed, soon
from web.app import create_app

XAPP = "xapp-1-test"


@asynccontextmanager
async def listening(room: Room) -> AsyncIterator[list[str]]:
    """What the line says of itself: trouble in words, or nothing where there is none."""
    told: list[str] = []

    def trouble(error: ChannelError | None) -> None:
        told.append(str(error) if error else "")

    task = asyncio.create_task(room.channel.listen(room.keep, {}, trouble=trouble))
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_line_that_breaks_is_opened_again_and_nothing_is_lost_or_doubled(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(arriving, "PING", 0.3)
    room = await connected(desk, slack, app_token=XAPP)
    async with listening(room) as told:
        await soon(lambda: slack.lines)
        asked = slack.says("U0MARTA", "It fails")
        first = await slack.pushes(asked)
        await soon(lambda: slack.acknowledged[first])
        await slack.drops()
        await soon(lambda: slack.lines)
        again = await slack.pushes(asked)
        more = await slack.pushes(slack.says("U0MARTA", "Still", thread_ts=asked["event"]["ts"]))
        command = await slack.pushes({"command": "/other", "team_id": "T0HOME"}, type_="slash_commands")
        await soon(
            lambda: slack.acknowledged[again] and slack.acknowledged[more] and slack.acknowledged[command]
        )
        await slack.lines[-1].send_str('{"type": "disconnect", "reason": "refresh_requested"}')
        await soon(lambda: slack.opened == 3)
        last = await slack.pushes(slack.says("U0MARTA", "Now it works", thread_ts=asked["event"]["ts"]))
        await soon(lambda: slack.acknowledged[last])
    await room.interprets()
    (ticket,) = await room.tickets()
    assert await room.texts(ticket) == ["It fails", "Still", "Now it works"]
    assert told[0] == ""


async def test_what_could_not_be_stored_is_not_acknowledged(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(arriving, "PING", 0.3)
    room = await connected(desk, slack, app_token=XAPP)
    tried = []

    async def keep(batch: Any) -> None:
        tried.append(batch)
        raise OSError("the disk is full")

    monkeypatch.setattr(room, "keep", keep)
    async with listening(room):
        await soon(lambda: slack.lines)
        envelope = await slack.pushes(slack.says("U0MARTA", "It fails"))
        await soon(lambda: tried)
        await asyncio.sleep(0.2)
    assert not slack.acknowledged[envelope]


async def test_a_token_that_slack_refuses_is_told_in_words(desk: Desk, slack: FakeSlack):
    room = await connected(desk, slack, app_token="xapp-wrong")
    async with listening(room) as told:
        await soon(lambda: told)
    assert "invalid_auth" in told[0]


async def test_slack_calls_at_the_inboxs_address_and_is_answered_at_once(room: Room, slack: FakeSlack):
    app = create_app(room.desk)
    payload = slack.says("U0MARTA", "It fails")
    async with AsyncTestClient(app) as client:
        url = f"/hooks/{room.inbox.public_id}"

        async def call(**given: Any) -> tuple[int, bytes]:
            headers, body = signed(**given)
            answer = await client.post(url, content=body, headers=headers)
            return answer.status_code, answer.content

        assert await call(payload={"type": "url_verification", "challenge": "x"}) == (
            200,
            b'{"challenge":"x"}',
        )
        for _ in range(2):
            assert await call(payload=payload) == (200, b"")
        assert await call(payload={"command": "/ticket", "team_id": "T0HOME"}, form=True) == (200, b"")
        assert (await call(payload=payload, at=1_500_000_000.0))[0] == 401
        unsigned = await client.post(url, content=b"{}")
        huge = await client.post(url, content=b"x" * (1024**2 + 1), headers=signed(b"x")[0])
    assert (unsigned.status_code, huge.status_code) == (401, 413)
    await room.interprets()
    assert len(await room.tickets()) == 1
    assert [said for name, said in slack.calls if name == "auth.test"], "asked only after it was stored"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/api/", "https://127.0.0.1/api/", "http://slack.example/"]
)
async def test_the_web_api_is_called_by_the_guarded_way_out_alone(url: str):
    calls = Calls(Outbound(Policy()), SlackSettings(bot_token="xoxb-1", api_url=url))
    with pytest.raises(ChannelError, match=r"private network|https://|address at which"):
        await calls.ask("auth_test")


async def test_a_redirect_leads_nowhere_that_was_not_checked(slack: FakeSlack):
    slack.script["auth.test"] += [(302, {"location": "http://127.0.0.1:9/secret"}, {})]
    calls = Calls(Outbound(Policy.of(slack.host)), SlackSettings(bot_token="xoxb-1", api_url=slack.api))
    with pytest.raises(ChannelError, match="https://"):
        await calls.ask("auth_test")


async def test_the_check_says_what_is_missing(desk: Desk, slack: FakeSlack):
    slack.scopes = "chat:write,commands"
    room = await connected(desk, slack, triage_channel="C0TRIAGE")
    steps = [step async for step in room.channel.diagnose()]
    assert steps[0].found == "helpdesk in Desk Inc"
    assert "users:read.email" in steps[1].trouble
    assert "signs what it sends" in steps[2].found
    assert steps[3].found == "#triage"


async def test_slack_that_asks_for_another_line_again_and_again_is_not_stormed(
    desk: Desk, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    """Each line is ended as soon as it stands; what is sent meanwhile is not lost."""
    room = await connected(desk, slack, app_token=XAPP)
    async with listening(room) as told:
        asking = asyncio.create_task(_asks_again(slack))
        await asyncio.sleep(3)
        asking.cancel()
        assert slack.opened <= 4, slack.opened
        monkeypatch.setattr(arriving, "LONGEST_WAIT", 0.0)
        await soon(lambda: slack.lines, 20)
        first = await slack.pushes(slack.says("U0MARTA", "It fails"))
        await soon(lambda: slack.acknowledged[first])
    assert any("is being opened again" in words for words in told)


async def _asks_again(slack: FakeSlack) -> None:
    while True:
        for line in list(slack.lines):
            with suppress(ConnectionError, RuntimeError):
                await line.send_str('{"type": "disconnect", "reason": "too_many_websockets"}')
        await asyncio.sleep(0.05)


async def test_a_line_that_is_ended_leaves_nothing_open(
    desk: Desk, slack: FakeSlack, caplog: pytest.LogCaptureFixture
):
    """Whenever it is ended: while it is opened, just then, or later."""
    room = await connected(desk, slack, app_token=XAPP)
    for moment in (0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.3):
        async with listening(room):
            await asyncio.sleep(moment)
    await asyncio.sleep(0.05)
    before = {task for task in asyncio.all_tasks() if "slack" in repr(task.get_coro())}
    gc.collect()
    assert not [record for record in caplog.records if "Unclosed" in record.getMessage()]
    assert not before
