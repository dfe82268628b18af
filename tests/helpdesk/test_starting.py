"""Tickets that agents begin."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from helpdesk import starting, templates
from helpdesk.clock import now
from helpdesk.copying import copies
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.people import Agent, Contact, with_access
from helpdesk.starting import Beginning, NoSubject, Opening
from helpdesk.statuses import Category
from helpdesk.templates import NameTaken, TicketTemplate
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from workers.outgoing import compose


async def starts(scene: Scene, address: str = "new@person.example", **given: Any) -> tuple[Ticket, Message]:
    async with committed(scene.desk.sessions) as session:
        by = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        contact = await starting.requester(session, address, "New Person", by=by)
        inbox = await session.get_one(Inbox, scene.inbox.id)
        beginning = Beginning(**({"subject": "Your order", "body": "We have news"} | given))
        return await starting.start(session, contact, inbox, beginning, by=by)


async def test_the_first_message_leaves_as_a_mail_that_answers_nothing(scene: Scene):
    ticket, message = await starts(scene)
    assert (message.direction, message.delivery) == (Direction.outbound, Delivery.queued)
    assert message.recipients == ["new@person.example"]
    assert (await scene.ticket(ticket.id)).category is Category.waiting
    async with committed(scene.desk.sessions) as session:
        loaded = await session.get_one(Message, message.id)
        await session.refresh(loaded, ["ticket", "agent", "attachments"])
        await session.refresh(loaded.ticket, ["inbox"])
        await session.refresh(loaded.ticket.inbox, ["answers_through"])
        out = await compose(scene.desk, session, loaded)
    assert (out.subject, out.in_reply_to, out.references) == ("Your order", None, ())
    back = await scene.receives(mail("Thanks", sender="new@person.example", tokens=(out.reply_token,)))
    assert back.id == ticket.id


async def test_a_known_address_is_the_same_person(scene: Scene):
    known = await scene.receives(mail("Hello", sender="marta@lumen.example"))
    ticket, _ = await starts(scene, " Marta@Lumen.example ")
    assert ticket.contact_id == known.contact_id
    async with scene.desk.sessions() as session:
        contact = await session.get_one(Contact, known.contact_id)
        by = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        assert {t.id for t in await starting.open_of(session, by, contact)} == {known.id, ticket.id}


async def test_a_call_is_put_down_as_answered_and_a_note_as_a_question(scene: Scene):
    called, message = await starts(scene, opening=Opening.call, body="She asked for a refund")
    assert message.direction is Direction.note
    assert "She asked for a refund" in message.text
    clocks = {c.metric.value: c.is_running for c in (await scene.ticket(called.id)).clocks}
    assert clocks == {"first_response": False, "resolution": True}
    noted, _ = await starts(scene, opening=Opening.note)
    assert all(c.is_running for c in (await scene.ticket(noted.id)).clocks)


async def test_everything_that_was_chosen_is_there(scene: Scene):
    liam, technical = scene.agents["Liam"], scene.teams["Technical"]
    ticket, message = await starts(
        scene,
        team=technical,
        assignee=liam,
        tags=["refund"],
        copies=["boss@person.example"],
        send_at=now() + timedelta(hours=1),
    )
    assert (ticket.team_id, ticket.assignee_id, message.delivery) == (
        technical.id,
        liam.id,
        Delivery.scheduled,
    )
    async with scene.desk.sessions() as session:
        assert [c.address for c in await copies(session, ticket)] == ["boss@person.example"]
        assert await session.scalar(select(func.count()).select_from(Ticket)) == 1


async def test_a_form_that_is_sent_twice_is_one_ticket(scene: Scene):
    first, _ = await starts(scene, client_id="new-1-abc")
    again, _ = await starts(scene, client_id="new-1-abc")
    assert first.id == again.id
    assert len(await scene.tickets()) == 1


async def test_without_a_subject_there_is_no_ticket_and_no_contact(scene: Scene):
    with pytest.raises(NoSubject):
        await starts(scene, subject=" ")
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Contact)) == 0


async def test_names_of_templates_are_taken_once(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        await templates.save(session, TicketTemplate(), name="Refund", subject="Your refund")
        with pytest.raises(NameTaken):
            await templates.save(session, TicketTemplate(), name="refund")
        assert [t.name for t in await templates.offered(session)] == ["Refund"]
