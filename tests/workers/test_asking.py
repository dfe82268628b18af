"""A question leaves once, when its time has come, with a link behind each answer; and not when it has no point."""

import re
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from channels.loopback import LoopbackChannel
from helpdesk import clock, satisfaction
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Message, OutboundMessage
from helpdesk.people import Contact
from helpdesk.satisfaction import Rating, Survey, WhyNot, arranging
from helpdesk.tickets import Removal, Ticket
from tests.scenes import Scene, mail
from tests.workers.hands import at_work, eventually
from workers.asking import once
from workers.delivery import deliver


@pytest.fixture(autouse=True)
def sent() -> list[OutboundMessage]:
    LoopbackChannel.sent.clear()
    return LoopbackChannel.sent.setdefault("support@desk.example", [])


async def resolved(scene: Scene, *, inbox: Inbox | None = None) -> Ticket:
    ticket = await scene.receives(mail("It broke.", subject="Broken & <b>bad</b>"), inbox=inbox)
    reply = await scene.replies(ticket)
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        row = await session.get_one(Message, reply.id)
        row.delivery, row.before = Delivery.sent, None
    return ticket


async def asks(scene: Scene, wait_minutes: int = 0, inbox: Inbox | None = None) -> None:
    async with committed(scene.desk.sessions) as session:
        await arranging.arrange_inbox(
            session,
            inbox or scene.inbox,
            by=scene.agents["Ada"],
            active=True,
            wait_minutes=wait_minutes,
            quiet_days=7,
            words="",
        )


async def rating(scene: Scene, ticket: Ticket) -> Rating | None:
    async with scene.desk.sessions() as session:
        return await satisfaction.of_ticket(session, ticket.id)


async def question(scene: Scene, ticket: Ticket) -> Message:
    found = await rating(scene, ticket)
    assert found
    async with scene.desk.sessions() as session:
        return await session.get_one(Message, found.message_id)


async def test_the_whole_way_to_the_customer(scene: Scene, sent: list[OutboundMessage]):
    await asks(scene)
    ticket = await resolved(scene)
    async with at_work(scene.desk, listeners=False), at_work(scene.desk, listeners=False):
        await eventually(partial(_left, sent), 15)
        assert not await once(scene.desk)
    (left,) = sent
    found = await rating(scene, ticket)
    assert found
    link = satisfaction.link(scene.desk.settings.url, scene.desk.keys, found)
    assert left.html
    assert left.automatic
    assert left.to == ("marta@lumen.example",)
    assert left.subject == "Re: Broken & <b>bad</b>"
    for score, (face, words) in satisfaction.NAMES.items():
        assert f"{words}:\n{link}/{score}" in left.text
        assert f'<a href="{link}/{score}"' in left.html
        assert face in left.html
    assert ">" not in left.text.splitlines()[0]
    assert not re.search(r"<img|src=|url\(|<link|<script|@import", left.html)
    assert set(re.findall(r'https?://[^/"\s]+', left.html)) == {scene.desk.settings.url}


async def _left(sent: list[OutboundMessage]) -> bool:
    return len(sent) > 0


@pytest.mark.parametrize(
    ("of_contact", "greeting", "best"),
    [("", "Guten Tag,\n\nwir haben Ihre Anfrage #", "Sehr gut:\n"), ("ar-EG", "مرحبًا،\n\n", "جيد جدًا:\n")],
)
async def test_a_customer_is_asked_in_their_language(
    scene: Scene, sent: list[OutboundMessage], of_contact: str, greeting: str, best: str
):
    """What is known of them, or else what they wrote in."""
    await asks(scene)
    ticket = await resolved(scene)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).values(language="de"))
        await session.execute(update(Contact).values(language=of_contact))
    await once(scene.desk)
    await deliver(scene.desk, (await question(scene, ticket)).id)
    assert sent[0].text.startswith(greeting)
    assert best in sent[0].text
    assert "Very good" not in str(sent[0].html)


async def test_a_process_that_is_killed_in_between_neither_forgets_nor_repeats(
    scene: Scene, sent: list[OutboundMessage]
):
    """Asked, and then gone: whoever comes next hands it over; asked and handed over: nobody asks again."""
    await asks(scene, 30)
    ticket = await resolved(scene)
    with clock.moved(timedelta(minutes=31)):
        await once(scene.desk)
        await once(scene.desk)
        for _ in range(2):
            await deliver(scene.desk, (await question(scene, ticket)).id)
        await once(scene.desk)
    assert len(sent) == 1


async def test_what_is_opened_again_before_it_leaves_is_not_asked_about(
    scene: Scene, sent: list[OutboundMessage]
):
    await asks(scene)
    ticket = await resolved(scene)
    await once(scene.desk)
    asked = await question(scene, ticket)
    await scene.receives(mail("Still broken!", tokens=(await token(scene, ticket),)))
    assert not (await scene.ticket(ticket.id)).is_settled
    await deliver(scene.desk, asked.id)
    assert sent == []
    found = await rating(scene, ticket)
    assert found
    assert (found.why_not, found.asked_at) == (WhyNot.reopened, None)
    async with scene.desk.sessions() as session:
        assert (await session.get_one(Message, asked.id)).withdrawn_at
    with clock.moved(timedelta(hours=1)):
        await scene.replies(ticket)
        await scene.does(ticket, "resolve", by=scene.agents["Ada"])
        await once(scene.desk)
        await deliver(scene.desk, (await question(scene, ticket)).id)
    assert len(sent) == 1


async def token(scene: Scene, ticket: Ticket) -> str:
    return scene.desk.keys.reply_token((await scene.ticket(ticket.id)).reply_key, "marta@lumen.example")


async def test_what_went_to_spam_before_it_left_stays(scene: Scene, sent: list[OutboundMessage]):
    await asks(scene)
    ticket = await resolved(scene)
    await once(scene.desk)
    asked = await question(scene, ticket)
    await scene.does(ticket, "remove", Removal.spam, by=scene.agents["Ada"])
    await deliver(scene.desk, asked.id)
    assert sent == []


async def test_a_server_that_is_away_for_a_while_is_tried_again_unless_it_has_no_point(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    """Refused for now, the question waits; meanwhile the customer writes, and it never leaves."""
    from workers.jobs import Later

    await asks(scene, inbox=inbox)
    ticket = await resolved(scene, inbox=inbox)
    async with committed(scene.desk.sessions) as session:
        found = await satisfaction.ask(session, await scene.ticket(ticket.id, session), by=DESK)
        assert found
        (await session.get_one(Message, found.rating.message_id)).text = "unavailable"
    asked = await question(scene, ticket)
    with pytest.raises(Later):
        await deliver(scene.desk, asked.id)
    await scene.does(ticket, "reopen", by=scene.agents["Ada"])
    with clock.moved(timedelta(hours=3)):
        await deliver(scene.desk, asked.id)
    async with scene.desk.sessions() as session:
        assert (await session.get_one(Message, asked.id)).withdrawn_at


async def test_a_recommendation_has_a_subject_of_its_own(scene: Scene, sent: list[OutboundMessage]):
    ticket = await resolved(scene)
    async with committed(scene.desk.sessions) as session:
        found = await satisfaction.ask(
            session, await scene.ticket(ticket.id, session), by=DESK, kind=Survey.nps
        )
    await deliver(scene.desk, found.rating.message_id or 0)
    (left,) = sent
    assert left.subject == "Would you recommend Support?"
    assert left.html
    assert left.html.count("<a href=") == 11
    assert left.text.count("/rate/") == 11
