"""Why things are as they are, told where they are: proofs, deliveries, inboxes, models."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from helpdesk import clock
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Match, Message, Proof
from tests.scenes import mail
from tests.web.served import Console, Person
from web.signboard import FRESH


async def failed(console: Console, delivery: Delivery, **values: object) -> tuple[int, Message]:
    """A reply of which this became, and its ticket's number."""
    ticket = await console.scene.receives()
    reply = await console.scene.replies(ticket, "On its way")
    changed = {"delivery": delivery, "trouble": "550 no such mailbox", "send_after": None} | values
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Message).where(Message.id == reply.id).values(changed))
    return ticket.number, reply


async def test_a_reply_that_was_refused_says_why_and_can_be_sent_again(console: Console):
    number, reply = await failed(console, Delivery.failed)
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{number}")).text
    assert "550 no such mailbox" in page
    assert "Retry" in page
    path = f"/tickets/{number}/replies/{reply.id}/delivery"
    answer = await ada.does(path)
    assert answer.status_code == 200
    assert "Retry" not in answer.text
    assert (await ada.does(path)).status_code == 409
    assert (await ada.does(f"/tickets/{number}/replies/{reply.id + 1}/delivery")).status_code == 404
    async with console.scene.desk.sessions() as session:
        kept = await session.get_one(Message, reply.id)
    assert kept.delivery is Delivery.queued
    assert kept.trouble is None


async def test_a_light_agent_sees_the_trouble_without_the_button(console: Console):
    number, _ = await failed(console, Delivery.failed)
    lou: Person = await console.stranger()
    await lou.sign_in("lou@desk.example")
    page = (await lou.look(f"/tickets/{number}")).text
    assert "550 no such mailbox" in page
    assert "Retry" not in page


@pytest.mark.parametrize(
    ("delivery", "in_minutes", "words"),
    [
        (Delivery.queued, 5, "The desk tries again at"),
        (Delivery.unknown, 1, "It is sent once more at"),
        (Delivery.unknown, None, "It is not sent again by itself"),
    ],
)
async def test_a_reply_that_waits_or_may_have_arrived_says_what_happens_next(
    console: Console, delivery: Delivery, in_minutes: int | None, words: str
):
    at = now() + timedelta(minutes=in_minutes) if in_minutes else None
    number, _ = await failed(console, delivery, send_after=at)
    page = (await (await console.person("Ada")).look(f"/tickets/{number}")).text
    assert "550 no such mailbox" in page
    assert words in page
    assert "Retry" not in page


@pytest.mark.parametrize(
    ("matched", "proof", "words"),
    [
        (None, Proof.none, "so it opened this ticket"),
        (Match.token, Proof.authenticated, "that only marta@lumen.example was given"),
        (Match.stranger_token, Proof.failed, "given to somebody else"),
        (Match.reference, Proof.none, "takes part in this ticket"),
    ],
)
async def test_every_message_of_a_customer_says_why_it_is_here(
    console: Console, matched: Match | None, proof: Proof, words: str
):
    ticket = await console.scene.receives(mail())
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(
            update(Message).where(Message.ticket_id == ticket.id).values(matched=matched, proof=proof)
        )
    page = (await (await console.person("Ada")).look(f"/tickets/{ticket.number}")).text
    assert words in page


async def test_an_inbox_in_trouble_is_told_to_admins_alone(console: Console):
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Inbox).values(trouble="The password was refused.", trouble_since=now()))
    ada, liam = await console.person("Ada"), await console.person("Liam")
    console.app.state.signboard._read_at -= FRESH
    page = (await ada.look("/tickets")).text
    assert "The password was refused." in page
    assert "helpdesk inbox check support@desk.example" in page
    assert "The password was refused." not in (await liam.look("/tickets")).text


async def test_the_desk_is_called_as_its_first_inbox(console: Console):
    page = (await (await console.person("Ada")).look("/tickets")).text
    assert "<title>Tickets · Support</title>" in page


async def test_while_the_models_have_not_read_a_message_the_page_says_so_for_two_minutes(console: Console):
    ticket = await console.scene.receives()
    ada = await console.person("Ada")
    path = f"/tickets/{ticket.number}"
    assert "Looking for an answer" in (await ada.look(path)).text
    with clock.moved(timedelta(minutes=3)):
        assert "Looking for an answer" not in (await ada.look(path)).text
    await console.scene.replies(ticket)
    assert "Looking for an answer" not in (await ada.look(path)).text


async def test_who_was_signed_out_comes_back_to_the_same_page(console: Console):
    stranger = await console.stranger()
    asked = {"hx-request": "true", "hx-current-url": f"{console.url}/tickets/5?view=all"}
    answer = await stranger.get("/tickets/6", headers=asked)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=/tickets/5%3Fview%3Dall"
    quiet = await stranger.get("/tickets/6", headers=asked | {"x-by-itself": "1"})
    assert quiet.status_code == 401
    assert "hx-redirect" not in quiet.headers
