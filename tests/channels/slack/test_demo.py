"""The demo's Slack: what people do on its page is at the desk, and what the desk does is on its page."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from channels.slack import people
from helpdesk.cli.demo import content
from helpdesk.cli.demo.slack import arranging, keeping
from helpdesk.cli.demo.slack.page import SHARED, Page
from helpdesk.cli.demo.slack.serving import SmallSlack
from helpdesk.cli.demo.slack.workspace import APP_TOKEN, TRIAGE
from helpdesk.desk import Desk
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import soon
from workers.together import end


class Person:
    """At the page, as a browser sends it."""

    def __init__(self, url: str, user: str) -> None:
        self.client = httpx.AsyncClient(base_url=url, headers={"origin": url}, follow_redirects=True)
        self.user = user

    async def does(self, what: str, channel: str = SHARED, **given: str) -> str:
        answer = await self.client.post(f"/do/{what}", data={"as": self.user, "in": channel, **given})
        assert answer.status_code == 200, answer.text
        return answer.text

    async def sees(self, channel: str = SHARED, thread: str = "") -> str:
        given = {"as": self.user, "in": channel, "thread": thread}
        return (await self.client.get("/", params=given)).text


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    small = SmallSlack()
    arranging.people(small, content.load())
    small.people["U0AGENT"]["profile"]["email"] = "ada@desk.example"
    people._known.clear()
    page = Page(small, "http://127.0.0.1:8000")
    small.changed = page.ring
    async with small.served(also=page.routes):
        yield small


async def listening(desk: Desk, slack: SmallSlack) -> tuple[Room, asyncio.Task[None]]:
    room = await connected(desk, slack, app_token=APP_TOKEN, triage_channel=TRIAGE)  # type: ignore[arg-type]
    task = asyncio.create_task(room.channel.listen(room.keep, {}))
    await soon(lambda: slack.lines)
    return room, task


async def test_a_question_on_the_page_is_answered_there_and_a_card_sends_only_after_its_preview(
    desk: Desk, slack: SmallSlack
):
    room, task = await listening(desk, slack)
    marta, ada = Person(slack.url, "U0MARTA"), Person(slack.url, "U0AGENT")
    try:
        await marta.does("say", text="The <export> fails with `E42`")
        await soon(lambda: not slack.unheard)
        await room.interprets()
        (ticket,) = await room.tickets()
        assert (ticket.contact.name, ticket.preview) == ("Marta Lumen", "The <export> fails with E42")
        await room.answers(ticket, "**Fixed** in 2.1 <script>")
        root = slack.channels[SHARED][0]["ts"]
        assert "<strong>Fixed</strong> in 2.1 &lt;script&gt;" in await marta.sees(thread=root)

        await room.channel.mirror(room.desk, room.inbox, ticket.id)
        assert "The &lt;export&gt; fails" in await ada.sees(TRIAGE)
        assert f"in={TRIAGE}" not in await marta.sees(TRIAGE)
        card = slack.channels[TRIAGE][0]["ts"]
        await ada.does("say", TRIAGE, thread=card, text="Better now?")
        await soon(lambda: not slack.unheard)
        await room.interprets()
        (send,) = re.findall(
            r'name="action" value="(desk:send)"><input[^>]*value="(\d+)"', await ada.sees(TRIAGE, card)
        )
        await ada.does("press", TRIAGE, thread=card, action=send[0], value=send[1])
        await soon(lambda: not slack.unheard)
        await room.interprets()
        shown = await ada.sees(TRIAGE, card)
        assert "To Marta Lumen" in shown
        assert len(slack.thread(SHARED, root)) == 2, "only the form's button sends"
        await ada.does("submit", TRIAGE, thread=card)
        await soon(lambda: not slack.unheard)
        await room.interprets()
        assert (await room.texts(ticket))[-1] == "Better now?"
    finally:
        await end([task])


async def test_changing_deleting_and_a_line_that_breaks(desk: Desk, slack: SmallSlack):
    marta, ben = Person(slack.url, "U0MARTA"), Person(slack.url, "U0BEN")
    await marta.does("say", text="Written before the desk was there")
    ts = slack.channels[SHARED][0]["ts"]
    await ben.does("edit", ts=ts, text="Not yours")
    await marta.does("edit", ts=ts, text="Written & changed")
    room, task = await listening(desk, slack)
    try:
        await soon(lambda: not slack.unheard)
        await room.interprets()
        (ticket,) = await room.tickets()
        assert await room.texts(ticket) == ["Written & changed"]
        await marta.does("delete", ts=ts)
        await soon(lambda: not slack.unheard)
        await room.interprets()
        assert await room.texts(ticket) == ["(taken back in Slack)"]
    finally:
        await end([task])


async def test_other_sites_and_other_names_reach_nothing(slack: SmallSlack):
    async with httpx.AsyncClient(base_url=slack.url) as stranger:
        form = {"as": "U0MARTA", "in": SHARED, "text": "Not me"}
        for origin in ({}, {"origin": "https://thief.example"}, {"origin": "null"}):
            assert (await stranger.post("/do/say", data=form, headers=origin)).status_code == 403
        rebound = {"host": "thief.example", "origin": "http://thief.example"}
        assert (await stranger.post("/do/say", data=form, headers=rebound)).status_code == 421
        page = await stranger.get("/")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert (await stranger.get("/", params={"as": "U0MARTA", "in": TRIAGE})).text.count(TRIAGE) == 0
    assert not slack.channels[SHARED]


def test_what_was_said_is_there_after_a_restart(tmp_path: Path):
    before, after = SmallSlack(), SmallSlack()
    before.says("U0MARTA", "Hello", files=[before.shares("a.png", b"\x89PNG")])
    keeping.put(before, tmp_path / "home" / "slack.json")
    keeping.get(after, tmp_path / "home" / "slack.json")
    assert (after.channels, after.files) == (before.channels, before.files)
