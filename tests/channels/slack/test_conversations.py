"""Whole conversations with a Slack on loopback: what people write becomes tickets, and answers come back, once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ai.assistant.identity import is_verified
from channels.contract import WebhookRequest
from channels.slack import bringing
from channels.slack.arriving import NotSigned
from channels.slack.pleasantries import is_pleasantry
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.slack import Customers, SlackChannel
from tests.channels.slack.conftest import Room
from tests.channels.slack.fake import BOT, FakeSlack, signed
from workers import interpreting
from workers.interpreting import interpret_next
from workers.jobs import Later

SHARED = "C0SHARED"


async def test_a_thread_is_a_ticket_and_the_answer_comes_back_into_it(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "<@U0BOT> our *export* fails with `E42` &amp; hangs")
    await room.hears(asked)
    (ticket,) = await room.tickets()
    assert (ticket.contact.name, ticket.subject) == ("Marta Lumen", "our export fails with E42 & hangs")
    root = asked["event"]["ts"]
    await room.hears(
        slack.says("U0BEN", "Same here, <@U0MARTA>", thread_ts=root),
        slack.says("U0GRACE", "We are *on it*", thread_ts=root),
    )
    answer = await room.answers(
        ticket, "Fixed in **2.1**, see [notes](https://desk.example/2.1) & <!channel>"
    )
    sent = slack.sent()[-1]
    assert (sent["thread_ts"], sent["username"]) == (root, "Ada Novak")
    assert sent["text"] == "Fixed in *2.1*, see <https://desk.example/2.1|notes> &amp; &lt;!channel&gt;"
    messages = await room.scene.messages(ticket)
    assert [(m.direction, m.text) for m in messages] == [
        (Direction.inbound, "our **export** fails with `E42` & hangs"),
        (Direction.inbound, "Same here, @Marta Lumen"),
        (Direction.outbound, "Grace in Slack: We are **on it**"),
        (Direction.outbound, answer.text),
    ]
    assert [m.delivery for m in messages[2:]] == [Delivery.sent, Delivery.sent]
    assert len({m.contact_id for m in messages[:2]}) == 2
    await room.hears(slack.event({**sent, "channel": SHARED}))
    assert len(await room.texts(ticket)) == 4, "our own answer comes back as an event"
    assert len(slack.sent()) == 1, "what a colleague wrote there is not sent once more"


async def test_what_comes_again_or_twice_or_late_is_there_once(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "<@U0BOT> it fails")
    mention = slack.event(asked["event"] | {"type": "app_mention"})
    root = asked["event"]["ts"]
    first = slack.says("U0MARTA", "one", thread_ts=root)
    second = slack.says("U0MARTA", "two", thread_ts=root)
    edited = slack.edits(SHARED, second["event"]["ts"], "two and a half")
    await room.hears(second, edited, mention, asked, first, asked, mention, second, edited, first)
    (ticket,) = await room.tickets()
    assert sorted(await room.texts(ticket)) == ["it fails", "one", "two and a half"]
    assert (await room.outcomes()).count("message") == 4


async def test_people_write_several_messages_for_one_question(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0MARTA", "hi all!"))
    assert await room.tickets() == []
    lines = [slack.says("U0MARTA", text) for text in ("The import broke", "since this morning", "thanks!")]
    await room.hears(*lines, slack.says("U0BEN", "What does the invoice say?"))
    mine, other = await room.tickets()
    assert await room.texts(mine) == ["The import broke", "since this morning", "thanks!"]
    assert await room.texts(other) == ["What does the invoice say?"]
    await room.answers(mine)
    assert slack.sent()[-1]["thread_ts"] == lines[2]["event"]["ts"], "under what they wrote last"
    await room.hears(slack.says("U0MARTA", "That was quick", thread_ts=lines[2]["event"]["ts"]))
    assert (await room.texts(mine))[-1] == "That was quick"


async def test_a_thank_you_opens_nothing_again_and_a_question_does(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "How do I log in?")
    root = asked["event"]["ts"]
    await room.hears(asked)
    (ticket,) = await room.tickets()
    await room.scene.does(ticket, "resolve", by=room.scene.agents["Ada"])
    await room.hears(slack.says("U0MARTA", "Thank you so much! :tada:", thread_ts=root))
    assert (await room.scene.ticket(ticket.id)).is_settled
    await room.hears(slack.says("U0MARTA", "Thanks, and on the phone?", thread_ts=root))
    assert not (await room.scene.ticket(ticket.id)).is_settled
    assert len(await room.texts(ticket)) == 3


@pytest.mark.parametrize(
    ("text", "nice"),
    [
        ("thanks!", True), ("Vielen Dank 🙏", True), (":+1:", True), ("got it, thanks @Ada", True), ("شكرا", True),
        ("thanks for your help", True), ("help", False), ("ok?", False), ("ok, error 42", False),
        ("it works not", False),        ("thanks, but it fails", False), ("no", False),
    ],
)  # fmt: skip
def test_pleasantries_are_told_from_questions(text: str, nice: bool):
    assert is_pleasantry(text) is nice


async def test_ours_open_nothing_but_a_ticket_emoji_takes_the_thread_along(room: Room, slack: FakeSlack):
    began = slack.says("U0GRACE", "We deploy at five")
    root = began["event"]["ts"]
    await room.hears(began, slack.says("U0ADA", "ok", thread_ts=root))
    assert await room.tickets() == []
    slack.says("U0MARTA", "Will the API be down?", thread_ts=root)
    wanted = slack.says("U0BEN", "And the export?", thread_ts=root)["event"]["ts"]
    await room.hears(slack.reacts("U0ADA", "eyes", SHARED, wanted))
    assert await room.tickets() == []
    mark = slack.reacts("U0ADA", "ticket", SHARED, wanted)
    await room.hears(mark, slack.reacts("U0GRACE", "ticket", SHARED, root))
    (ticket,) = await room.tickets()
    assert ticket.contact.name == "Marta Lumen"
    assert await room.texts(ticket) == [
        "Will the API be down?",
        "Grace in Slack: We deploy at five",
        "ok",
        "And the export?",
    ]
    assert slack.sent() == []


async def test_what_a_customer_changes_or_takes_back_is_seen(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "My password is hunter2")
    ts = asked["event"]["ts"]
    await room.hears(asked, slack.edits(SHARED, ts, "My password does not work"))
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    assert (message.text, message.original) == ("My password does not work", "My password is hunter2")
    await room.hears(slack.deletes(SHARED, ts))
    (message,) = await room.scene.messages(ticket)
    assert (message.text, message.original) == ("(taken back in Slack)", "My password is hunter2")
    assert (await room.scene.ticket(ticket.id)).preview == "(taken back in Slack)"
    assert (await room.scene.kinds(ticket)).count(Kind.message_edited) == 2


async def test_files_come_with_the_token_and_the_token_goes_nowhere_else(room: Room, slack: FakeSlack):
    shown = slack.shares("screen.png", b"PNG")
    elsewhere = slack.shares("plan.pdf", b"PDF", url_private="https://files.example/plan", is_external=True)
    late = slack.shares("late.txt", b"late") | {"url_private": None}
    await room.hears(slack.says("U0MARTA", "Look", subtype="file_share", files=[shown, elsewhere, late]))
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    assert [(file.name, file.size) for file in message.attachments] == [("screen.png", 3)]
    assert message.text.startswith("Look\n\n[The file plan.pdf is only in Slack: it does not lie with Slack")
    assert "[The file late.txt is only in Slack" in message.text


async def test_a_direct_message_to_the_app_is_a_ticket_whoever_writes(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0GRACE", "My laptop is broken", channel="D0GRACE"))
    (ticket,) = await room.tickets()
    await room.hears(slack.says("U0GRACE", "It smokes", channel="D0GRACE"))
    assert await room.texts(ticket) == ["My laptop is broken", "It smokes"]
    await room.answers(ticket)
    assert slack.sent("D0GRACE")[-1]["text"] == "Here it is."
    await room.hears(slack.says("U0MARTA", "Which tickets have I?"))
    async with room.desk.sessions() as session:
        proven = [await is_verified(session, one) for one in await room.tickets()]
    assert proven == [True, False], "in a channel others read what is personal"


@pytest.mark.parametrize(("customers", "opened"), [(Customers.everyone, 1), (Customers.nobody, 0)])
async def test_a_channel_may_be_an_exception(room: Room, slack: FakeSlack, customers: Customers, opened: int):
    async with committed(room.desk.sessions) as session:
        session.add(SlackChannel(inbox_id=room.inbox.id, channel_id=SHARED, customers=customers))
    await room.hears(slack.says("U0GRACE", "Where is the printer?"))
    assert len(await room.tickets()) == opened


async def test_guests_are_customers_and_programs_are_nobody(room: Room, slack: FakeSlack):
    slack.add("U0GUEST", "Gwen", team="T0HOME", is_ultra_restricted=True)
    slack.add("U0ROBOT", "Robot", is_bot=True)
    await room.hears(
        slack.says("U0GUEST", "Where is my order?"),
        slack.says("U0ROBOT", "Build failed"),
        slack.says(BOT, "from the desk"),
        slack.says("U0UNSEEN", "Slack does not let the app look me up"),
    )
    assert [ticket.contact.name for ticket in await room.tickets()] == ["Gwen", "U0UNSEEN"]


async def test_when_slack_asks_to_wait_nothing_is_lost(room: Room, slack: FakeSlack):
    busy = (429, {"retry-after": "1"}, {"ok": False, "error": "ratelimited"})
    slack.script["users.info"] += [busy]
    await room.hears(slack.says("U0MARTA", "It fails"))
    (ticket,) = await room.tickets()
    slack.script["chat.postMessage"] += [busy]
    with pytest.raises(Later):
        await room.answers(ticket)
    (_, reply) = await room.scene.messages(ticket)
    assert (reply.delivery, slack.sent()) == (Delivery.queued, [])
    with pytest.raises(Later):
        await room.leaves(reply)
    assert len(slack.called("chat.postMessage")) == 1, "before its time Slack is not even asked"
    await asyncio.sleep(1)
    await room.leaves(reply)
    assert [said["text"] for said in slack.sent()] == ["Here it is."]


async def test_a_file_is_waited_for_a_moment(room: Room, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bringing, "AGAIN", timedelta(0))
    shown = slack.shares("screen.png", b"PNG")
    content = slack.files.pop(shown["id"])  # the server that hands it over has trouble
    now_ts = f"{now().timestamp():.6f}"
    await room.is_called(slack.says("U0MARTA", "Look", ts=now_ts, files=[shown]))
    assert await interpret_next(room.desk, room.inbox.id)
    assert await room.tickets() == []
    slack.files[shown["id"]] = content
    await room.interprets()
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    assert (message.text, [file.name for file in message.attachments]) == ("Look", ["screen.png"])


async def test_what_takes_too_long_is_put_aside_and_holds_up_nothing(
    room: Room, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(interpreting, "WITHIN", 0)
        await room.hears(slack.says("U0MARTA", "It fails"))
    await room.hears(slack.says("U0BEN", "And here"))
    aside, ticket = await room.tickets()
    assert aside.subject == "A message that could not be read"
    assert await room.texts(ticket) == ["And here"]


@pytest.mark.parametrize(
    "told", [{"ok": True, "messages": []}, {"ok": False, "error": "thread_not_found"}], ids=["late", "gone"]
)
async def test_what_slack_does_not_tell_of_a_thread_is_no_reason_to_lose_it(
    room: Room, slack: FakeSlack, told: dict[str, Any]
):
    root = slack.says("U0GRACE", "We deploy at five")["event"]["ts"]
    slack.script["conversations.replies"] += [(200, {}, told)]
    await room.hears(slack.says("U0MARTA", "Will the API be down?", thread_ts=root))
    (ticket,) = await room.tickets()
    assert await room.texts(ticket) == ["Will the API be down?"]


async def test_an_answer_whose_line_broke_is_looked_for_before_it_is_sent_again(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0MARTA", "It fails"))
    (ticket,) = await room.tickets()
    slack.script["chat.postMessage"] += ["lose"]
    with pytest.raises(Later):
        await room.answers(ticket)
    (_, reply) = await room.scene.messages(ticket)
    assert (reply.delivery, len(slack.sent())) == (Delivery.unknown, 1)
    async with committed(room.desk.sessions) as session:
        row = await session.get_one(Message, reply.id)
        row.send_after = now()
        row.sent_at = now() - timedelta(seconds=10)  # when at the earliest a killed desk's is taken over
    await room.leaves(reply)
    (_, reply) = await room.scene.messages(ticket)
    assert (reply.delivery, len(slack.sent())) == (Delivery.sent, 1)


async def test_only_slack_itself_may_call(room: Room, slack: FakeSlack):
    payload = slack.says("U0MARTA", "It fails")
    headers, body = signed(payload)
    wrong = [
        (headers, body + b" "),
        (headers | {"x-slack-signature": "v0=00"}, body),
        ({name: v for name, v in headers.items() if name != "x-slack-signature"}, body),
        ({name: v for name, v in headers.items() if name != "x-slack-request-timestamp"}, body),
        signed(payload, at=now().timestamp() - 301 - 5),
        signed(payload, at=now().timestamp() + 301 + 5),
        (headers, b"\xff\xfe"),
        (headers, b"{"),
        (headers, b"payload=[1]"),
        (headers | {"x-slack-request-timestamp": "x"}, body),
        (headers | {"x-slack-signature": "v0=\xe9"}, body),
    ]
    for given, said in wrong:
        with pytest.raises(NotSigned):
            await room.channel.webhook(WebhookRequest(given, said), room.keep)
    for junk in (b"{", b"[1]", b"[" * 90_000):
        headers, said = signed(junk)
        assert (await room.channel.webhook(WebhookRequest(headers, said), room.keep)).status == 400
    assert await room.outcomes() == []
    shaken = await room.is_called({"type": "url_verification", "challenge": "abc"})
    assert (shaken.status, shaken.content) == (200, {"challenge": "abc"})


async def test_another_workspaces_events_are_not_ours(room: Room, slack: FakeSlack):
    payload = slack.says("U0MARTA", "It fails")
    payload["authorizations"][0]["team_id"] = payload["team_id"] = "T0OTHER"
    await room.hears(payload)
    assert await room.outcomes() == ["ignored: it is for another workspace"]
