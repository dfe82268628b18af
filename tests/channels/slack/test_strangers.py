"""What strangers and customers try: forged calls, others' buttons, words that would shout, files elsewhere."""

import json
import time
from typing import Any

import pytest
from litestar.testing import AsyncTestClient
from sqlalchemy import select

from channels.contract import WebhookRequest
from channels.slack import bringing, people
from channels.slack.arriving import NotSigned
from channels.slack.mrkdwn import mrkdwn, one_line
from channels.slack.richtext import bare, words
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.intake import Kept, KeptState
from helpdesk.slack import Customers, SlackChannel
from helpdesk.tickets import Priority
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack, signed
from tests.channels.slack.test_triage import asked, shows, submission, told
from web.app import create_app

PRESSES = ("desk:take", "desk:resolve", "desk:send", "desk:priority", "desk:rate-5", "desk:reopen")


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    slack.add("U0GUEST", "Gast", team="T0HOME", email="ada@desk.example", is_restricted=True)
    return await connected(desk, slack, triage_channel=TRIAGE)


@pytest.mark.parametrize("change", ["body", "time", "secret", "version", "missing", "future", "twice"])
async def test_what_slack_did_not_sign_is_not_kept(room: Room, slack: FakeSlack, change: str):
    payload = slack.says("U0MARTA", "It fails")
    offset = {"time": -301.0, "future": 301.0}.get(change, 0.0)
    headers, body = signed(payload, at=time.time() + offset)
    mark = headers["x-slack-signature"]
    match change:
        case "body":
            body = body.replace(b"It fails", b"It works")
        case "secret":
            headers["x-slack-signature"] = f"v0={'0' * 64}"
        case "version":
            headers["x-slack-signature"] = mark.replace("v0=", "v1=")
        case "missing":
            del headers["x-slack-request-timestamp"]
        case "twice":
            headers["x-slack-signature"] = f"{mark},{mark}"
    with pytest.raises(NotSigned):
        await room.channel.webhook(WebhookRequest(headers, body), room.keep)
    assert await room.outcomes() == []


async def test_what_was_signed_once_counts_once_however_often_it_is_sent(room: Room, slack: FakeSlack):
    ticket, _card = await asked(room, slack)
    press = slack.presses("U0ADA", "desk:resolve", str(ticket.id))
    headers, body = signed(press, form=True)
    for _ in range(3):
        assert (await room.channel.webhook(WebhookRequest(headers, body), room.keep)).status == 200
    await room.interprets()
    await room.hears(slack.presses("U0ADA", "desk:reopen", str(ticket.id)))
    assert (await room.channel.webhook(WebhookRequest(headers, body), room.keep)).status == 200
    await room.interprets()
    assert not (await room.scene.ticket(ticket.id)).is_settled, "the old press changes nothing again"


async def test_strangers_do_not_use_up_what_slack_may_send(room: Room, slack: FakeSlack):
    """Whoever knows the address may call it, from many; only what is signed counts for the inbox."""
    app = create_app(room.desk)
    async with AsyncTestClient(app) as client:
        url = f"/hooks/{room.inbox.public_id}"
        answers = set()
        for number in range(700):
            if number % 20 == 0:  # as if from another address
                app.state.rates._taken.pop("hook address testclient", None)
            headers, body = signed(b"{}", at=1.0)
            answers.add((await client.post(url, content=body, headers=headers)).status_code)
        assert answers == {401}
        app.state.rates._taken.pop("hook address testclient", None)
        headers, body = signed(slack.says("U0MARTA", "It fails"))
        assert (await client.post(url, content=body, headers=headers)).status_code == 200


async def test_a_busy_workspace_is_not_sent_away(room: Room, slack: FakeSlack):
    """Slack sends up to 30,000 in an hour, in bursts; what is refused comes again late, or never."""
    app = create_app(room.desk)
    async with AsyncTestClient(app) as client:
        url = f"/hooks/{room.inbox.public_id}"
        answers = set()
        for number in range(900):
            headers, body = signed({"type": "view_closed", "trigger_id": f"t.{number}"})
            answers.add((await client.post(url, content=body, headers=headers)).status_code)
    assert answers == {200}


@pytest.mark.parametrize("user", ["U0GUEST", "U0MARTA", "U0NOBODY"])
async def test_buttons_are_for_agents(room: Room, slack: FakeSlack, user: str):
    ticket, card = await asked(room, slack)
    await room.hears(slack.says("U0ADA", "For us alone", channel=TRIAGE, thread_ts=card["ts"]))
    note = (await room.scene.messages(ticket))[-1]
    before = await room.scene.ticket(ticket.id)
    for action in PRESSES:
        value = str(note.id) if action == "desk:send" else f"{ticket.id}/urgent"
        value = value if action in {"desk:send", "desk:priority"} else str(ticket.id)
        await room.hears(slack.presses(user, action, value, channel="C0SHARED"))
    view = {"callback_id": "desk:sending", "private_metadata": json.dumps({"note": note.id, "says": "x"})}
    await room.hears(submission(view, user))
    now = await room.scene.ticket(ticket.id)
    assert (now.status_id, now.assignee_id, now.priority) == (before.status_id, None, Priority.normal)
    assert slack.called("views.open") == []
    assert len(await room.scene.messages(ticket)) == 2
    assert "For us alone" not in str(slack.channels["C0SHARED"]) + str(told(slack))


async def test_an_agent_of_another_team_reaches_no_further_than_in_the_desk(room: Room, slack: FakeSlack):
    """Foreign numbers in forms and buttons: what is not there, and notes of other tickets' inboxes."""
    await asked(room, slack)
    elsewhere = await room.scene.receives()
    foreign = await room.scene.does(elsewhere, "note", "Not for Slack", by=room.scene.agents["Ada"])
    forged: list[Any] = [
        {"note": foreign.id},
        {"note": "x"},
        {"note": -1},
        {"note": 10**30},
        {},
        {"note": None},
        [],
    ]
    for about in forged:
        view = {"callback_id": "desk:sending", "private_metadata": json.dumps(about)}
        await room.hears(submission(view, "U0ADA") | {"trigger_id": f"t.{about}"})
    await room.hears(slack.presses("U0ADA", "desk:send", str(foreign.id)))
    assert slack.called("views.open") == []
    assert len(await room.scene.messages(elsewhere)) == 2
    assert not any("failed" in words or "Error" in words for words in await room.outcomes())


async def test_another_workspace_with_our_secret_changes_nothing(room: Room, slack: FakeSlack):
    ticket, _card = await asked(room, slack)
    slack.add("U0ADA2", "Ada", team="T0EVIL", email="ada@desk.example")
    press = slack.presses("U0ADA2", "desk:resolve", str(ticket.id)) | {"team": {"id": "T0EVIL"}}
    said = slack.says("U0MARTA", "From elsewhere", channel="C0OTHER")
    said |= {"team_id": "T0EVIL", "authorizations": [{"team_id": "T0EVIL", "user_id": "U1", "is_bot": True}]}
    await room.hears(press, said)
    assert not (await room.scene.ticket(ticket.id)).is_settled
    assert len(await room.tickets()) == 1


def test_nobody_is_ours_where_slack_names_no_workspace():
    me = people.Me(team="", user="U0BOT")
    assert people.Person("U1", "X", email="ada@desk.example").is_outside(me)


async def test_a_program_opens_no_ticket_by_a_reaction(room: Room, slack: FakeSlack):
    slack.add("U0ROBOT", "Robot", team="T0HOME", is_bot=True)
    said = slack.says("U0GRACE", "Lunch?")["event"]
    for user in ("U0ROBOT", "U0BOT"):
        await room.hears(slack.reacts(user, "ticket", "C0SHARED", said["ts"]))
    assert await room.tickets() == []


async def test_where_the_desk_does_not_listen_the_shortcut_opens_nothing(room: Room, slack: FakeSlack):
    async with committed(room.desk.sessions) as session:
        session.add(SlackChannel(inbox_id=room.inbox.id, channel_id="C0PRIVATE", customers=Customers.nobody))
    said = slack.says("U0GRACE", "Between us", channel="C0PRIVATE")["event"]
    await room.hears(slack.calls_shortcut("U0MARTA", "open_ticket", "C0PRIVATE", said["ts"]))
    for form in slack.called("views.open"):
        await room.hears(submission(form["view"], "U0MARTA", subject="Mine now"))
    assert await room.tickets() == []


async def test_a_thread_of_another_channel_is_another_thread(room: Room, slack: FakeSlack):
    ticket, card = await asked(room, slack)
    root = slack.channels["C0SHARED"][0]["ts"]
    await room.hears(slack.says("U0BEN", "I write there", channel="C0OTHER", thread_ts=root))
    await room.hears(slack.says("U0BEN", "Note?", channel="C0OTHER", thread_ts=card["ts"]))
    assert (
        await room.texts(ticket) == ["The export **fails** @channel <!here>"]
        or len(await room.texts(ticket)) == 1
    )


@pytest.mark.parametrize(
    "shout",
    ["<!channel>", "<!here|x>", "@channel", "@Here", "<!subteam^S1>", "<@U0ADA>", "<https://x.example|#1>"],
)
async def test_words_of_customers_neither_shout_nor_pose(room: Room, slack: FakeSlack, shout: str):
    """In subject, name, text: on the card, under it, in the list and in a line."""
    slack.add("U0POSE", f"{shout}\n*Resolved by Ada* \u202e")
    typed = shout.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    await room.hears(slack.says("U0POSE", f"{typed} fails"))
    await shows(room)
    (ticket,) = await room.tickets()
    await room.scene.does(ticket, "rename", f"{shout}\n> done", by=room.scene.agents["Ada"])
    await shows(room)
    (card,) = slack.sent(TRIAGE)
    seen = card["text"] + str([b["text"]["text"] for b in card["blocks"] if "text" in b])
    own = f"<{room.desk.settings.url}/tickets/{ticket.number}|"
    assert seen.replace(own, "").count("<") == 0
    assert "@channel" not in seen.lower()
    assert "@here" not in seen.lower()
    assert "\u202e" not in card["blocks"][0]["text"]["text"]
    lines = card["blocks"][0]["text"]["text"].splitlines()
    assert [line[:1] for line in lines] == ["*", lines[1][:1], ">"], lines
    assert "\n" not in card["text"]


@pytest.mark.parametrize(
    "url",
    [
        "https://thief.example/f",
        "https://files.slack.com.thief.example/f",
        "https://files.slack.com@thief.example/f",
        "https://thief.example\\.slack.com/f",
        "https://thief.example#.slack.com",
        "https://thief.example/.slack.com",
        "http://files.slack.com/f",
        "https://slack.com.thief.example",
        "https://evilslack.com/f",
        "file:///etc/passwd",
        "https://[::1].slack.com/f",
        "https://thief.example%2f.slack.com/f",
        "https://thief.example?.slack.com",
        "//files.slack.com/f",
        "https://169.254.169.254/latest",
        "https://files.slack.com:22/f",
        "https://files.slack.com\u3002thief.example/f",
    ],
)
def test_the_token_goes_to_slack_alone(url: str):
    assert not bringing.is_slacks(url, "https://slack.com/api/"), url


async def test_a_redirect_takes_the_token_nowhere_else(room: Room, slack: FakeSlack):
    """And what a file's server answers with a redirect to is checked as any other address."""
    file = slack.shares("a.png", b"PNG") | {"url_private": f"{slack.url}/away"}
    await room.hears(slack.says("U0MARTA", "Look", files=[file]))
    (ticket,) = await room.tickets()
    assert "only in Slack" in (await room.texts(ticket))[0]


async def test_a_message_of_forty_thousand_characters_and_a_hundred_files(room: Room, slack: FakeSlack):
    files = [slack.shares(f"{n}.txt", b"x", "text/plain") for n in range(100)]
    began = time.process_time()
    await room.hears(slack.says("U0MARTA", "wörds " * 6_667, files=files))
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    assert message.text.count("more than 20 files") <= 80
    assert len(message.text) >= 40_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "text",
    ["*" * 40_000, "```" * 13_000, "`a" * 20_000, "<" * 40_000, "[a](" * 10_000, "_a" * 20_000, "~a *b " * 7_000,
     ":a" * 20_000, "<@U0ADA>" * 5_000, "**a" * 13_000, "__a" * 13_000, "> " * 20_000, "&lt;" * 10_000, "@" * 40_000],
)  # fmt: skip
def test_no_text_takes_long(text: str):
    began = time.process_time()
    words({"text": text})
    mrkdwn(text)
    one_line(text)
    bare(text)
    assert time.process_time() - began < 1.0


HOSTILE: list[Any] = [
    {},
    {"type": "event_callback", "event": {"type": "message"}},
    {"type": "event_callback", "event": {"type": "message", "user": [], "text": {}, "ts": 5, "channel": {}}},
    {"type": "event_callback", "event": {"type": ["message"]}, "authorizations": "x", "team_id": 7},
    {"type": "event_callback", "event": [], "event_id": {}},
    {"type": "event_callback", "event": {"type": "message", "subtype": "message_changed", "message": "x"}},
    {"type": "event_callback", "event": {"type": "message", "subtype": "message_deleted"}},
    {"type": "event_callback", "event": {"type": "reaction_added", "reaction": {"a": 1}, "item": []}},
    {"type": "block_actions", "actions": {}, "user": "U", "team": "T"},
    {"type": "block_actions", "actions": [{"action_id": ["desk:take"], "value": {}}]},
    {"type": "block_actions", "actions": [{"action_id": "desk:take", "value": {"x": 1}}], "user": {"id": "U0ADA"}},
    {"type": "view_submission", "view": []},
    {"type": "view_submission", "view": {"callback_id": "desk:opening", "private_metadata": "[1", "state": 3}},
    {"type": "view_submission", "view": {"callback_id": "desk:adding", "private_metadata": "{}"}},
    {"type": "view_submission", "view": {"callback_id": "desk:opening", "private_metadata": '{"channel": 5}'}},
    {"type": "message_action", "callback_id": {}, "message": 5, "channel": None},
    {"type": "message_action", "callback_id": "open_ticket"},
    {"command": "/ticket", "text": ["x"], "response_url": {"a": 1}, "user_id": 4},
    {"command": None},
    {"type": "event_callback", "team_id": "T0HOME", "event": {"type": "message", "user": "U0MARTA", "ts": "9" * 300,
     "text": "x", "channel": "C0SHARED"}},
    {"type": "event_callback", "team_id": "T0HOME", "event": {"type": "message", "user": "U0MARTA", "ts": "1\x00",
     "text": "x\x00y", "channel": "C0\x00", "thread_ts": "\x00"}},
    {"type": "event_callback", "team_id": "T0HOME", "event": {"type": "message", "user": "U0MARTA", "ts": "2.2",
     "text": "half \ud83d of it", "channel": "C0SHARED"}},
    {"type": "event_callback", "event": {"type": "message", "user": "U0MARTA", "ts": "3.3", "channel": "C0SHARED",
     "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_list", "indent": -5, "offset": "x",
     "elements": [None, 3, {"type": "link"}]}]}], "files": [{"id": 5}, None, {"size": "x", "url_private": 3}]}},
]  # fmt: skip


@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
async def test_payloads_of_no_known_shape_break_nothing(room: Room, slack: FakeSlack, payload: Any):
    """Stored and set down as what they are; the message behind them is a ticket."""
    headers, body = signed(json.dumps(payload).encode())
    reply = await room.channel.webhook(WebhookRequest(headers, body), room.keep)
    assert reply.status in {200, 400}
    await room.interprets()
    before = len(await room.tickets())
    await room.hears(slack.says("U0BEN", "A real question?"))
    assert len(await room.tickets()) == before + 1
    async with room.desk.sessions() as session:
        stuck = select(Kept.trouble).where(Kept.state.in_([KeptState.quarantined, KeptState.handed]))
        assert list(await session.scalars(stuck)) == []


async def test_what_is_nested_without_end_is_refused(room: Room):
    for body in (b'{"event":' * 50_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900):
        headers, body = signed(body)
        reply = await room.channel.webhook(WebhookRequest(headers, body), room.keep)
        assert reply.status in {200, 400}
    await room.interprets()
