"""Visitors and agents talk: live, both ways, once, in one conversation until it is over."""

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import delete, update

from helpdesk.chat import Visitor
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Message, Proof
from helpdesk.portal import Described, centres
from kb.articles import Article, Audience
from tests.scenes import mail
from tests.web.chatting import KEY, SHOP, Frame, answering, frame_of, signed, tell_frames
from tests.web.served import Console
from tests.workers.hands import eventually
from web.chat.open_lines import MOST_OF_VISITOR, Lines
from web.live import TooManyStreams
from workers import chatting


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    async with answering(console.scene, monkeypatch) as inbox:
        yield inbox


async def test_a_visitor_and_an_agent_talk_live(console: Console, chat: Inbox):
    scene = console.scene
    frame = await frame_of(console, chat)
    async with frame.listens() as ear:
        first = await frame.writes("Where is my parcel?", name="Marta", email="marta@lumen.example")
        assert first.status_code == 201, first.text
        assert (await ear.hears("message"))["client_id"] == first.json()["id"]
        (ticket,) = await scene.tickets()
        assert first.json()["conversation"] == ticket.number
        assert (ticket.subject, ticket.inbox_id) == ("Where is my parcel?", chat.id)

        ada = await console.person("Ada")
        form = await ada.composer(ticket.number)
        answer = await ada.does(f"/tickets/{ticket.number}/replies", data=form | {"body": "On its way."})
        assert answer.status_code == 200
        told = await ear.hears("message")
        assert (told["from"], told["name"], told["text"]) == ("agent", "Ada Novak", "On its way.")
    assert await frame.read() == [("me", "Where is my parcel?"), ("agent", "On its way.")]


async def test_a_line_that_broke_goes_on_where_it_was(console: Console, chat: Inbox):
    """Nothing is lost while nobody listened, and nothing is told twice."""
    frame = await frame_of(console, chat)
    await frame.writes("one")
    async with frame.listens(after=0) as ear:
        assert (await ear.hears("message"))["text"] == "one"
        await ear.hears("conversations")
        reached = ear.reached
    (ticket,) = await console.scene.tickets()
    await console.scene.does(ticket, "note", "not for them", by=console.scene.agents["Ada"])
    for text in ("two", "three"):
        await frame.writes(text)
    async with frame.listens(after=reached) as ear:
        assert [(await ear.hears("message"))["text"] for _ in range(2)] == ["two", "three"]


async def test_quick_typing_and_repeating_make_one_ticket_and_one_message(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    again = str(uuid.uuid4())
    texts = ["one", "two", "three"]
    answers = await asyncio.gather(
        *(frame.writes(text) for text in texts), *(frame.writes("same", id=again) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {201}

    async def all_there() -> bool:
        return len(await frame.read()) == 4

    await eventually(all_there)
    assert len(await console.scene.tickets()) == 1
    assert (await frame.writes("other words", id=again)).status_code == 409


async def test_what_is_over_stays_readable_and_the_next_word_begins_anew(console: Console, chat: Inbox):
    scene = console.scene
    frame = await frame_of(console, chat)
    await frame.writes("first matter")
    (first,) = await scene.tickets()
    await frame.writes("still the first")
    assert len(await scene.messages(first)) == 2
    await scene.does(first, "resolve", by=scene.agents["Ada"])
    assert not (await frame.state())["conversations"][0]["open"]
    await frame.writes("second matter")
    listed = (await frame.state())["conversations"]
    assert [(each["preview"], each["open"]) for each in listed] == [
        ("second matter", True),
        ("still the first", False),
    ]
    old = await frame.asks(f"/conversations/{first.number}")
    assert [each["text"] for each in old.json()["messages"]] == ["first matter", "still the first"]
    await scene.does(first, "reply", "One more thing", by=scene.agents["Ada"], wait=timedelta())
    shown = await frame.state()  # what they see is where their next word goes
    assert shown["conversations"][0]["number"] == first.number
    assert shown["messages"][-1]["text"] == "One more thing"
    await frame.writes("that helps")
    assert [each.text for each in await scene.messages(first)][-1] == "that helps"


async def test_a_customer_whom_the_site_vouches_for_is_that_customer(console: Console, chat: Inbox):
    scene = console.scene
    before = await scene.receives(mail(sender="marta@lumen.example", name="Marta Reyes"))
    frame = await frame_of(console, chat, jwt=signed(email="Marta@Lumen.example", name="Marta"))
    await frame.writes("I am signed in")
    ticket = (await scene.tickets())[-1]
    assert ticket.contact_id == before.contact_id
    assert (await scene.messages(ticket))[0].proof == Proof.authenticated
    # By mail she wrote elsewhere: that is not a conversation of this chat.
    assert await frame.read() == [("me", "I am signed in")]
    other = await frame_of(console, chat, jwt=signed(email="marta@lumen.example"))
    assert await other.read() == [("me", "I am signed in")]  # another device of hers


async def test_an_address_that_somebody_merely_types_leads_nowhere(console: Console, chat: Inbox):
    """Whoever says that they are Marta gets a conversation of their own, and none of hers."""
    scene = console.scene
    marta = await frame_of(console, chat, jwt=signed(email="marta@lumen.example"))
    await marta.writes("my secret")
    (hers,) = await scene.tickets()
    stranger = await frame_of(console, chat)
    await stranger.writes("I am Marta", name="Marta", email="marta@lumen.example")
    ticket = (await scene.tickets())[-1]
    assert ticket.id != hers.id
    assert ticket.contact_id != hers.contact_id
    assert (await scene.messages(ticket))[0].proof == Proof.none
    assert await stranger.read() == [("me", "I am Marta")]


async def test_files_go_both_ways(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    file = {"name": "../../evil\u202etxt.exe", "content": base64.b64encode(b"bytes").decode()}
    assert (await frame.writes("", files=[file])).status_code == 201
    (message,) = (await frame.state())["messages"]
    (told,) = message["files"]
    answer = await frame.asks(f"/files/{told['id']}")
    assert answer.content == b"bytes"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/octet-stream"
    stranger = await frame_of(console, chat)
    assert (await stranger.asks(f"/files/{told['id']}")).status_code == 404


async def test_what_a_merge_or_a_note_brings_is_not_shown(console: Console, chat: Inbox):
    scene = console.scene
    frame = await frame_of(console, chat)
    await frame.writes("mine")
    (ticket,) = await scene.tickets()
    await scene.does(ticket, "note", "among us", by=scene.agents["Ada"])
    reply = await scene.replies(ticket, "not yet", by="Ada")  # it can still be taken back
    assert await frame.read() == [("me", "mine")]
    assert reply.delivery is Delivery.queued
    assert Kind.noted in await scene.kinds(ticket)


async def test_what_leaves_later_is_not_passed_over(console: Console, chat: Inbox):
    """A reply for tomorrow has a lower number than what is said until then: the line goes on before it."""
    scene, frame = console.scene, await frame_of(console, chat)
    await frame.writes("hello")
    (ticket,) = await scene.tickets()
    ada = scene.agents["Ada"]
    later = await scene.does(ticket, "reply", "for tomorrow", by=ada, wait=timedelta(0))
    async with committed(scene.desk.sessions) as session:
        row = await session.get_one(Message, later.id)
        row.delivery, row.send_after = Delivery.scheduled, now() + timedelta(days=1)
    await scene.does(ticket, "reply", "today", by=ada, wait=timedelta(0))
    assert await frame.read() == [("me", "hello"), ("agent", "today")]
    async with frame.listens(after=(await frame.state())["reached"]) as ear:
        assert (await ear.hears("message"))["text"] == "today"  # once more: the frame knows it by its number
        await ear.hears("conversations")
        assert ear.reached < later.id
        async with committed(scene.desk.sessions) as session:
            row = await session.get_one(Message, later.id)
            row.delivery = Delivery.sent
            await tell_frames(session, f"ticket-{ticket.id}")
        assert (await ear.hears("message"))["text"] == "for tomorrow"


def test_every_frame_hears_what_is_its_own_and_leaves_nothing_behind():
    lines, visitor = Lines(cast("Any", None)), Visitor(id=1, inbox_id=1, kind="chat", address="x")
    one, other = lines.open(visitor, ""), lines.open(visitor, "")
    assert lines.is_empty()  # whose stream nobody reads yet does not stay for ever
    with lines.kept(one), lines.kept(other):
        lines.place(one, one.name, {7: 1, 8: 2})
        lines.place(one, one.name, {7: 1})
        lines.place(other, "visitor-proved", {17: 2})
        one.stale = other.stale = False
        lines.hear({"ticket-7", "typing-17", "ticket-x", "chat-17", "typing-8"})
        assert (one.stale, one.typing, other.stale, other.typing) == (True, False, False, True)
        one.stale = one.typing = other.typing = False
        for name in ("ticket-8", "typing-8", "ticket-9"):
            lines.hear({name})
        assert not any((one.stale, one.typing, other.stale, other.typing))
        lines.hear({"visitor-proved"})
        assert (one.stale, other.stale) == (False, True)
        lines.hear({"resync"})
        assert one.stale
        lines.close()
        assert one.ended
        assert other.ended
    assert lines.is_empty()


def test_lines_that_open_at_one_moment_do_not_go_beyond_what_one_visitor_may_have():
    lines, visitor = Lines(cast("Any", None)), Visitor(id=1, inbox_id=1, kind="chat", address="x")
    opened = [lines.open(visitor, "") for _ in range(MOST_OF_VISITOR + 2)]
    with ExitStack() as stack:
        for line in opened:
            stack.enter_context(lines.kept(line))
        assert [line.ended for line in opened] == [False] * MOST_OF_VISITOR + [True, True]
        with pytest.raises(TooManyStreams):
            lines.open(visitor, "")
    assert lines.is_empty()


async def test_leaving_ends_the_token(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    await frame.writes("hello")
    async with frame.listens() as ear:
        assert (await frame.asks("/visitors/me", "DELETE")).status_code == 200
        assert await ear.hears("gone") == {}
    assert (await frame.asks("/state")).status_code == 401
    assert (await frame.writes("again")).status_code == 401


async def test_typing_and_reading_are_told(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    await frame.writes("hello")
    (ticket,) = await console.scene.tickets()
    newest = (await frame.state())["reached"]
    assert (await frame.asks("/visitors/me/typing", "POST")).status_code == 200
    assert (await frame.asks("/visitors/me/reading", "POST", json={"upto": 2**60})).status_code == 200
    assert (await frame.state())["read"] == newest
    page = {"url": "https://shop.example/cart", "title": "Cart", "referrer": "https://search.example/"}
    assert (await frame.asks("/visitors/me/pages", "POST", json=page)).status_code == 200
    assert ticket.number


async def test_an_agent_sees_who_is_there_and_is_seen_typing(console: Console, chat: Inbox):
    frame = await frame_of(console, chat, language="de-DE")
    await frame.writes("hello", email="marta@lumen.example")
    page = {
        "url": "https://shop.example/cart",
        "title": "Cart <b>",
        "referrer": "https://search.example/",
    }
    assert (await frame.asks("/visitors/me/pages", "POST", json=page)).status_code == 200
    await frame.asks("/visitors/me/typing", "POST")
    (ticket,) = await console.scene.tickets()
    ada = await console.person("Ada")
    whole = (await ada.look(f"/tickets/{ticket.number}")).text
    assert f'data-src="/tickets/{ticket.number}/visitor"' in whole
    assert "Cart &lt;b&gt;" in whole, "the line is there with the page, and needs no question of its own"
    seen = (await ada.look(f"/tickets/{ticket.number}/visitor")).text
    for words in ("Typing …", "Cart &lt;b&gt;", "de-DE", "search.example", "Not signed in", "marta@lumen"):
        assert words in seen
    async with frame.listens() as ear:
        assert (await ada.does(f"/tickets/{ticket.number}/typing")).status_code == 204
        assert await ear.hears("typing") == {}
    mark = f'data-visitor="{ticket.id}"'
    assert f'{mark} data-state="typing"' in (await ada.look("/tickets?view=all")).text
    with moved(timedelta(seconds=20)):
        assert f'{mark} data-state="here"' in (await ada.look("/tickets?view=all")).text
    with moved(timedelta(minutes=2)):
        assert f"{mark}>" in (await ada.look("/tickets?view=all")).text
    tess = await console.person("Tess")  # of another team
    assert (await tess.look(f"/tickets/{ticket.number}/visitor")).status_code == 404


async def test_the_end_its_rating_and_what_is_refused(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    await frame.writes("hello")
    (ticket,) = await console.scene.tickets()
    path = f"/conversations/{ticket.number}"
    stranger = await frame_of(console, chat)
    for act, given in (("end", {}), ("rating", {"score": 5}), ("transcript", {})):
        assert (await stranger.asks(f"{path}/{act}", "POST", json=given)).status_code == 404
    assert not (await frame.state())["me"]["copies"]
    assert (await frame.asks(f"{path}/transcript", "POST", json={})).status_code == 409
    for _ in range(2):
        assert (await frame.asks(f"{path}/end", "POST", json={})).status_code == 200
    assert not (await frame.state())["conversations"][0]["open"]
    assert (await frame.asks(f"{path}/rating", "POST", json={"score": 6})).status_code == 400
    assert (await frame.asks(f"{path}/rating", "POST", json={"score": 5, "comment": "!"})).status_code == 200
    assert Kind.rated in await console.scene.kinds(ticket)


async def test_articles_are_found_and_read_in_the_chat(console: Console, chat: Inbox):
    async with committed(console.scene.desk.sessions) as session:
        shown = Article.write("Parcels and returns", "Send it **back**, as in [this](/knowledge/how-to).")
        hidden = Article.write("Parcels: for colleagues", "Secret.", audience=Audience.internal)
        for each in (shown, hidden):
            each.publish()
            session.add(each)
    frame = Frame(await console.stranger(), chat)
    found = (await frame.person.get(f"{frame.base}/articles", params={"q": "parcels"})).json()
    assert [each["title"] for each in found["articles"]] == ["Parcels and returns"]
    read = await frame.person.get(f"{frame.base}/articles/{shown.id}")
    assert "<strong>back</strong>" in read.json()["html"]
    assert "/knowledge/" not in read.json()["html"]  # which is the console
    async with committed(console.scene.desk.sessions) as session:
        said = Described(name="Lumen", slug="lumen", active=True)
        await centres.save(session, None, said, by=console.scene.agents["Ada"])
    read = await frame.person.get(f"{frame.base}/articles/{shown.id}")
    assert f'href="{console.scene.desk.settings.url}/help/articles/how-to"' in read.json()["html"]
    nothing = await frame.person.get(f"{frame.base}/articles", params={"q": "submarines"})
    assert nothing.json() == {"articles": []}
    assert (await frame.person.get(f"{frame.base}/articles/{hidden.id}")).status_code == 404


async def test_who_answers_first_has_the_chat_and_can_give_it_back(console: Console, chat: Inbox):
    """Only where nobody had it, with the reason in the thread; a chat whose settings say no leaves it as it was."""
    scene = console.scene
    frame = await frame_of(console, chat)
    await frame.writes("Where is my parcel?")
    (ticket,) = await scene.tickets()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number)
    answer = await ada.does(f"/tickets/{ticket.number}/replies", data=form | {"body": "On its way."})
    (ticket,) = await scene.tickets()
    assert ticket.assignee_id == scene.agents["Ada"].id
    assert ticket.category == "waiting"
    assert "Ada Novak has the ticket now" in answer.text
    assert "first to answer" in answer.text
    assert "Give back" in answer.text
    back = f"/tickets/{ticket.number}/assignment?of={ticket.assignee_id}"
    assert (await ada.does(back, "DELETE")).status_code == 200
    (ticket,) = await scene.tickets()
    assert ticket.assignee_id is None

    settings = console.scene.desk.keys.seal({"origins": SHOP, "jwt_key": KEY, "answerer_takes": False})
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Inbox, chat.id)).sealed_settings = settings
    form = await ada.composer(ticket.number)
    await ada.does(f"/tickets/{ticket.number}/replies", data=form | {"body": "It comes today."})
    (ticket,) = await scene.tickets()
    assert ticket.assignee_id is None


async def test_what_an_agent_marks_is_shown_and_what_a_visitor_marks_is_not(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    await frame.writes("**Where** is <b>it</b>?")
    (ticket,) = await console.scene.tickets()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number)
    seen = await ada.does(f"/tickets/{ticket.number}/preview", data=form | {"body": "- **here**"})
    assert "<strong>here</strong>" in seen.text
    body = "It is **here**: [map](https://maps.example/x)\n\n<img src=x onerror=alert(1)>"
    page = await ada.does(f"/tickets/{ticket.number}/replies", data=form | {"body": body})
    assert "<strong>here</strong>" in page.text
    assert "**Where** is &lt;b&gt;it&lt;/b&gt;?" in page.text
    asked, answer = (await frame.state())["messages"]
    assert asked["text"] == "**Where** is <b>it</b>?"
    assert "html" not in asked
    assert answer["text"].startswith("It is here: map (https://maps.example/x)")
    assert "<strong>here</strong>" in answer["html"]
    assert 'rel="noopener noreferrer nofollow"' in answer["html"]
    assert "<img" not in answer["html"]


async def test_the_thread_says_that_an_answer_was_mailed_after_somebody_who_had_left(
    console: Console, chat: Inbox
):
    scene = console.scene
    settings = scene.desk.keys.seal({"origins": SHOP, "jwt_key": KEY, "mail_through": scene.inbox.id})
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Inbox, chat.id)).sealed_settings = settings
    frame = await frame_of(console, chat)
    await frame.writes("Where is my parcel?", name="Marta", email="marta@lumen.example")
    (ticket,) = await scene.tickets()
    ada = await console.person("Ada")
    form = await ada.composer(ticket.number)
    await ada.does(f"/tickets/{ticket.number}/replies", data=form | {"body": "On its way."})
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(seen_at=now() - timedelta(hours=1)))
    assert await chatting.once(scene.desk) == 1
    page = await ada.look(f"/tickets/{ticket.number}")
    assert "Mailed to marta@lumen.example, who had left the chat" in page.text
    async with committed(scene.desk.sessions) as session:
        await session.execute(delete(Visitor))
    page = await ada.look(f"/tickets/{ticket.number}")
    assert "Mailed to Marta, who had left the chat" in page.text
