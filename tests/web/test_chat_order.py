"""Numbers are given before their messages are there for others: who has the lower one may come later."""

import asyncio

import pytest
from sqlalchemy import text

from helpdesk.chat import Visitor
from helpdesk.database import committed
from helpdesk.messages import Message
from tests.web.chatting import chat_inbox, frame_of, tell_frames
from tests.web.served import Console
from tests.workers.hands import at_work
from web.chat import talking

BREAK_OFF = text(
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
)


async def test_an_answer_that_is_stored_after_a_later_one_is_told(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """A visitor has two conversations, and two colleagues answer at once."""
    monkeypatch.setattr(talking, "PATIENCE", 40.0)  # a busy machine is no reason to answer sooner
    scene, inbox = console.scene, await chat_inbox(console.scene)
    async with at_work(scene.desk, jobs=False):
        frame = await frame_of(console, inbox)
        await frame.writes("The first question")
        (first,) = await scene.tickets()
        await scene.does(first, "resolve", by=scene.agents["Ada"])
        await frame.writes("Another one")
    first, second = await scene.tickets()
    async with frame.listens(after=(await frame.state())["reached"]) as ear:
        await ear.hears("conversations")
        async with committed(scene.desk.sessions) as session:
            ticket = await scene.ticket(first.id, session)
            slow = ticket.reply("The slow answer", by=scene.agents["Ada"])
            slow.send_after = None
            await session.flush()
            quick = await scene.replies(second, "The quick answer", by="Liam")
            async with committed(scene.desk.sessions) as other:
                (await other.get_one(Message, quick.id)).send_after = None
                await tell_frames(other, f"ticket-{second.id}")
            assert slow.id < quick.id
            assert (await ear.hears("message"))["text"] == "The quick answer"
        assert (await ear.hears("message"))["text"] == "The slow answer"


async def test_what_was_read_already_is_not_told_again(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talking, "PATIENCE", 40.0)
    scene, inbox = console.scene, await chat_inbox(console.scene)
    async with at_work(scene.desk, jobs=False):
        frame = await frame_of(console, inbox)
        await frame.writes("one")
        async with frame.listens(after=(await frame.state())["reached"]) as ear:
            await ear.hears("conversations")
            for text in ("two", "three"):
                await frame.writes(text)
                assert (await ear.hears("message"))["text"] == text


async def test_a_line_outlives_a_question_that_the_database_broke_off(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """As a time-out does. What was said meanwhile is told on the same line, once."""
    monkeypatch.setattr(talking, "PATIENCE", 40.0)
    scene, inbox = console.scene, await chat_inbox(console.scene)
    async with at_work(scene.desk, jobs=False):
        frame = await frame_of(console, inbox)
        await frame.writes("Are you there?")
    (ticket,) = await scene.tickets()
    async with frame.listens(after=(await frame.state())["reached"]) as ear:
        await ear.hears("conversations")
        async with scene.desk.sessions() as locking:
            await locking.execute(text(f"LOCK TABLE {Visitor.__tablename__} IN ACCESS EXCLUSIVE MODE"))
            async with committed(scene.desk.sessions) as session:
                reply = (await scene.ticket(ticket.id, session)).reply("Yes", by=scene.agents["Ada"])
                reply.send_after = None
            async with committed(scene.desk.sessions) as session:
                await tell_frames(session, f"ticket-{ticket.id}")
                while not (await session.scalars(BREAK_OFF)).all():
                    await asyncio.sleep(0.05)
        assert (await ear.hears("message"))["text"] == "Yes"
        async with committed(scene.desk.sessions) as session:
            reply = (await scene.ticket(ticket.id, session)).reply("And now?", by=scene.agents["Ada"])
            reply.send_after = None
            await tell_frames(session, f"ticket-{ticket.id}")
        assert (await ear.hears("message"))["text"] == "And now?"


async def test_a_conversation_that_begins_after_its_line_is_told(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """A busy desk stores the first message at once, and reads it when the frame has long been listening."""
    monkeypatch.setattr(talking, "PATIENCE", 0.1)
    scene, inbox = console.scene, await chat_inbox(console.scene)
    frame = await frame_of(console, inbox)
    assert (await frame.writes("Is anybody there?")).json()["conversation"] is None
    async with frame.listens(after=(await frame.state())["reached"]) as ear:
        assert await ear.hears("conversations") == []
        async with at_work(scene.desk, jobs=False):
            assert (await ear.hears("message", within=60))["text"] == "Is anybody there?"
            (begun,) = await ear.hears("conversations")
        assert begun["open"]


async def test_a_line_that_reached_further_than_there_are_messages_begins_anew(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    """A backup was brought back: numbers that a frame has heard of are given once more."""
    monkeypatch.setattr(talking, "PATIENCE", 40.0)
    scene, inbox = console.scene, await chat_inbox(console.scene)
    async with at_work(scene.desk, jobs=False):
        frame = await frame_of(console, inbox)
        await frame.writes("one")
        async with frame.listens(after=10**9) as ear:
            await ear.hears("conversations")
            await frame.writes("two")
            assert (await ear.hears("message"))["text"] == "two"
