"""Numbers are given before their messages are there for others: who has the lower one may come later."""

import pytest

from helpdesk.database import committed
from helpdesk.messages import Message
from tests.web.chatting import chat_inbox, frame_of
from tests.web.served import Console
from tests.workers.hands import at_work
from web.chat import talking
from web.chat.keeping import tell_frames


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
