"""Who left before the answer came gets it by mail, once, and can answer by mail."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from channels.contract import Unavailable
from channels.loopback import LoopbackChannel
from helpdesk import chat
from helpdesk.chat import Known, Visitor, conversations, leaving
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, Match, Message, Proof, Sender
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from workers import chatting


@pytest.fixture
async def left(scene: Scene) -> tuple[Ticket, int]:
    """A conversation of a customer who was vouched for, and who went away an hour ago."""
    LoopbackChannel.sent.clear()
    inbox = await chat_inbox(scene, mail_through=scene.inbox.id)
    known = Known("email", "marta@lumen.example", "Marta", now() + timedelta(hours=1))
    async with committed(scene.desk.sessions) as session:
        visitor, _token = await chat.meet(session, inbox.id, known=known)
        visitor.seen_at = now() - timedelta(hours=1)
        query = select(Inbox).where(Inbox.id == inbox.id).options(joinedload(Inbox.team))
        inbox = (await session.scalars(query)).one()
    ticket = await scene.receives(mail("Where is it?", sender="marta@lumen.example"), inbox=inbox)
    return ticket, visitor.id


def letters(scene: Scene) -> list[Any]:
    return LoopbackChannel.sent.get(scene.inbox.address, [])


async def answered(scene: Scene, ticket: Ticket, body: str = "It is on its way.") -> None:
    await scene.does(ticket, "reply", body, by=scene.agents["Ada"], wait=timedelta(0))


async def test_an_answer_goes_after_them_once(scene: Scene, left: tuple[Ticket, int]):
    ticket, visitor_id = left
    await answered(scene, ticket)
    assert await chatting.once(scene.desk) == 1
    assert await chatting.once(scene.desk) == 0
    (letter,) = letters(scene)
    assert letter.to == ("marta@lumen.example",)
    assert "It is on its way." in letter.text
    assert "Where is it?" not in letter.subject
    assert (await scene.kinds(ticket)).count(Kind.mailed_after_leaving) == 1
    back = await scene.receives(mail("Thanks", tokens=(letter.reply_token,)))
    assert back.id == ticket.id
    assert (await scene.messages(ticket))[-1].matched is Match.token
    # More, and soon: it waits for its time.
    await answered(scene, ticket, "It has arrived.")
    assert await chatting.once(scene.desk) == 0
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(mailed_at=now() - timedelta(minutes=16)))
    assert await chatting.once(scene.desk) == 1
    assert "It has arrived." in letters(scene)[-1].text
    assert "It is on its way." not in letters(scene)[-1].text
    assert visitor_id


@pytest.mark.parametrize(
    "values",
    [
        {"seen_at": "now"},
        {"read_id": 2**40},
        {"revoked_at": "now"},
        {"kind": "chat", "address": "0123456789", "email": ""},
    ],
)
async def test_who_is_there_has_read_it_or_cannot_be_reached_gets_none(
    scene: Scene, left: tuple[Ticket, int], values: dict[str, Any]
):
    ticket, _visitor = left
    await answered(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        given = {name: now() if value == "now" else value for name, value in values.items()}
        await session.execute(update(Visitor).values(given))
    assert await chatting.once(scene.desk) == 0
    assert letters(scene) == []


async def test_a_copy_goes_to_whom_the_site_vouches_for(scene: Scene, left: tuple[Ticket, int]):
    ticket, visitor_id = left
    async with committed(scene.desk.sessions) as session:
        visitor = await session.get_one(Visitor, visitor_id)
        visitor.transcript_of, visitor.seen_at = ticket.id, now()
    assert await chatting.once(scene.desk) == 1
    assert await chatting.once(scene.desk) == 0
    assert "Where is it?" in letters(scene)[0].text


async def test_nothing_is_mailed_where_no_mailbox_was_chosen(scene: Scene, left: tuple[Ticket, int]):
    ticket, _visitor = left
    await answered(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        inbox = await session.scalar(select(Inbox).where(Inbox.channel == "chat"))
        assert inbox
        inbox.sealed_settings = scene.desk.keys.seal({})
    assert await chatting.once(scene.desk) == 0
    assert await chatting.once(scene.desk) == 0
    assert letters(scene) == []


async def test_an_address_that_many_type_is_not_flooded(scene: Scene, left: tuple[Ticket, int]):
    """Chats that give a stranger's address bring them one mail, and keep nobody's else back; one that gives the
    desk's own brings none, which would come back as a ticket."""
    inbox_id = (await scene.tickets())[0].inbox_id
    ours = scene.inbox.address.replace("@", "+news@").upper()
    for number, given in enumerate(["victim@else.example"] * 3 + [ours]):
        async with committed(scene.desk.sessions) as session:
            visitor, _token = await chat.meet(session, inbox_id)
            visitor.address, visitor.email = f"somebody{number}", given
            visitor.seen_at = now() - timedelta(hours=1)
            inbox = await session.get_one(Inbox, inbox_id, options=[joinedload(Inbox.team)])
        sender = Sender(address=visitor.address, kind="chat", name="", proof=Proof.none)
        said = InboundMessage(
            external_id=f"said-{number}/{visitor.address}", sender=sender, text="Hello?", received_at=now()
        )
        await answered(scene, await scene.receives(said, inbox=inbox))
    await answered(scene, left[0])
    assert await chatting.once(scene.desk) == 2
    assert [letter.to[0] for letter in letters(scene)].count("victim@else.example") == 1
    async with scene.desk.sessions() as session:
        assert await leaving.candidates(session) == []  # they wait, and take nobody's place meanwhile


async def test_what_is_not_for_them_is_looked_at_once_and_an_earlier_conversation_is_mailed(
    scene: Scene, left: tuple[Ticket, int]
):
    ticket, visitor_id = left
    inbox = await _inbox(scene)
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    await scene.receives(mail("Something else", sender="marta@lumen.example"), inbox=inbox)
    await answered(scene, ticket, "About the first matter.")
    assert await chatting.once(scene.desk) == 1
    assert "About the first matter." in letters(scene)[0].text
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(mailed_at=None, mailed_id=0))
        await session.execute(update(Message).where(Message.ticket_id == ticket.id).values(sender="x"))
    async with scene.desk.sessions() as session:
        assert await leaving.candidates(session) == [visitor_id]
    assert await chatting.once(scene.desk) == 0
    async with scene.desk.sessions() as session:
        assert await leaving.candidates(session) == []


async def test_an_answer_that_stands_in_another_conversation_has_not_been_read(
    scene: Scene, left: tuple[Ticket, int]
):
    ticket, visitor_id = left
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    other = await scene.receives(
        mail("Something else", sender="marta@lumen.example"), inbox=await _inbox(scene)
    )
    await answered(scene, ticket, "About the first matter.")
    await answered(scene, other, "About the second.")
    async with committed(scene.desk.sessions) as session:
        visitor = await session.get_one(Visitor, visitor_id)
        upto = await conversations.newest(session, visitor)
        visitor.read_id = await conversations.read(session, visitor, upto)
        assert 0 < visitor.read_id < upto
    assert await chatting.once(scene.desk) == 1
    assert "About the first matter." in letters(scene)[0].text
    async with scene.desk.sessions() as session:  # mailed, it holds up nothing
        visitor = await session.get_one(Visitor, visitor_id)
        assert await conversations.read(session, visitor, upto) == upto


async def test_what_was_refused_for_now_is_mailed_later_and_broken_settings_keep_nobody_back(
    scene: Scene, left: tuple[Ticket, int], monkeypatch: pytest.MonkeyPatch
):
    async def refuses(*_given: Any) -> None:
        raise Unavailable("greylisted")

    ticket, visitor_id = left
    await answered(scene, ticket)
    async with committed(scene.desk.sessions) as session:  # she has two browsers
        known = Known("email", "marta@lumen.example", "Marta", now() + timedelta(hours=1))
        other, _token = await chat.meet(session, (await _inbox(scene)).id, known=known)
        other.seen_at = now() - timedelta(hours=1)
        (await session.get_one(Visitor, visitor_id)).transcript_of = ticket.id
    with monkeypatch.context() as patched:
        patched.setattr(LoopbackChannel, "send", refuses)
        assert await chatting.once(scene.desk) == 0
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(mailed_at=None))
    assert await chatting.once(scene.desk) == 2
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(mailed_at=None, mailed_id=0))
        await session.execute(update(Inbox).where(Inbox.channel == "chat").values(sealed_settings=b"?"))
    assert await chatting.once(scene.desk) == 0


async def test_who_has_not_come_for_half_a_year_is_forgotten(scene: Scene, left: tuple[Ticket, int]):
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Visitor).values(seen_at=now() - timedelta(days=179)))
    await chatting.once(scene.desk)
    async with committed(scene.desk.sessions) as session:
        assert await session.get(Visitor, left[1])
        await session.execute(update(Visitor).values(seen_at=now() - timedelta(days=181)))
    await chatting.once(scene.desk)
    async with scene.desk.sessions() as session:
        assert await session.get(Visitor, left[1]) is None


async def _inbox(scene: Scene) -> Inbox:
    async with scene.desk.sessions() as session:
        query = select(Inbox).where(Inbox.channel == "chat").options(joinedload(Inbox.team))
        return (await session.scalars(query)).one()


async def test_what_an_agent_marked_is_mailed_as_html_beside_plain_words(
    scene: Scene, left: tuple[Ticket, int]
):
    ticket, _visitor_id = left
    await answered(scene, ticket, "It is **there**:\n\n- one\n- two")
    assert await chatting.once(scene.desk) == 1
    (letter,) = letters(scene)
    assert "It is there:\n\n- one\n- two" in letter.text
    assert "<strong>there</strong>" in letter.html
    assert letter.html.index("You had left") < letter.html.index("there") < letter.html.index("Just reply")
