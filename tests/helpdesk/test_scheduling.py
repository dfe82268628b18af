"""Replies that leave later, and what holds them up."""

from datetime import timedelta
from typing import Any

import pytest

from helpdesk import clock, scheduling
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Kind
from helpdesk.messages import Delivery, Message
from helpdesk.scheduling import BadTime, NotScheduled
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from workers.jobs import Later
from workers.scheduled import leave

HOUR = timedelta(hours=1)


async def schedules(
    scene: Scene, ticket: Ticket, body: str = "Good morning", after: timedelta = HOUR
) -> Message:
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        return scheduling.schedule(loaded, body, by=scene.agents["Ada"], at=now() + after)


async def does(scene: Scene, message: Message, verb: Any, **options: Any) -> None:
    async with committed(scene.desk.sessions) as session:
        ticket = await scene.ticket(message.ticket_id, session)
        verb(ticket, await session.get_one(Message, message.id), by=scene.agents["Ada"], **options)


async def as_it_is(scene: Scene, message: Message) -> Message:
    async with scene.desk.sessions() as session:
        return await session.get_one(Message, message.id)


async def comes(desk: Desk, message: Message, after: timedelta) -> None:
    with clock.moved(after):
        await leave(desk, message.id)


async def test_until_its_time_it_changes_nothing(scene: Scene):
    ticket = await scene.receives()
    message = await schedules(scene, ticket)
    after = await scene.ticket(ticket.id)
    assert (after.category, after.waiting_since, after.preview) == (
        ticket.category,
        ticket.waiting_since,
        ticket.preview,
    )
    assert after.first_replied_at is None
    with pytest.raises(Later):
        await leave(scene.desk, message.id)
    assert (await as_it_is(scene, message)).delivery is Delivery.scheduled


async def test_when_its_time_has_come_it_is_a_reply_like_any_other_once(scene: Scene):
    ticket = await scene.receives()
    message = await schedules(scene, ticket)
    for _ in range(2):
        await comes(scene.desk, message, HOUR + timedelta(seconds=1))
    assert (await as_it_is(scene, message)).delivery is Delivery.queued
    after = await scene.ticket(ticket.id)
    assert (after.category, after.waiting_since) == (Category.waiting, None)
    assert after.first_replied_at is not None
    assert (await scene.kinds(ticket)).count(Kind.replied) == 1


async def test_the_customer_writes_first_and_it_is_held(scene: Scene):
    ticket = await scene.receives(mail(external_id="a@lumen.example"))
    message = await schedules(scene, ticket)
    await scene.receives(mail("Never mind", thread=("a@lumen.example",)))
    held = await as_it_is(scene, message)
    assert held.delivery is Delivery.held
    assert "customer wrote" in (held.trouble or "")
    await comes(scene.desk, message, 2 * HOUR)
    assert (await as_it_is(scene, message)).delivery is Delivery.held
    await does(scene, message, scheduling.send_now)
    sent = await as_it_is(scene, message)
    assert (sent.delivery, sent.trouble) == (Delivery.queued, None)
    assert (await scene.messages(ticket))[-1].text == "Never mind"
    assert (await scene.ticket(ticket.id)).preview == "Good morning"


async def test_machines_hold_nothing_up(scene: Scene):
    ticket = await scene.receives(mail(external_id="a@lumen.example"))
    message = await schedules(scene, ticket)
    await scene.receives(mail("I am away", thread=("a@lumen.example",), automatic=True))
    assert (await as_it_is(scene, message)).delivery is Delivery.scheduled


async def test_it_can_be_changed_and_discarded_until_it_leaves(scene: Scene):
    ticket = await scene.receives(mail(external_id="a@lumen.example"))
    message = await schedules(scene, ticket)
    await scene.receives(mail("Wait", thread=("a@lumen.example",)))
    await does(scene, message, scheduling.reschedule, at=now() + 2 * HOUR, body="Other words")
    changed = await as_it_is(scene, message)
    assert (changed.delivery, changed.text, changed.trouble) == (Delivery.scheduled, "Other words", None)
    await comes(
        scene.desk, message, 2 * HOUR + timedelta(seconds=1)
    )  # what was read already holds nothing up
    assert (await as_it_is(scene, message)).delivery is Delivery.queued
    with pytest.raises(NotScheduled):
        await does(scene, message, scheduling.discard)
    other = await schedules(scene, ticket)
    await does(scene, other, scheduling.discard)
    assert (await as_it_is(scene, other)).withdrawn_at is not None
    await comes(scene.desk, other, 2 * HOUR)
    assert (await as_it_is(scene, other)).delivery is None


async def test_the_past_and_another_age_are_no_times(scene: Scene):
    ticket = await scene.receives()
    for after in (-HOUR, timedelta(days=400)):
        with pytest.raises(BadTime):
            await schedules(scene, ticket, after=after)


async def test_nothing_leaves_a_ticket_that_was_thrown_away(scene: Scene):
    ticket = await scene.receives()
    message = await schedules(scene, ticket)
    await scene.does(ticket, "remove", "spam", by=scene.agents["Ada"])
    await comes(scene.desk, message, 2 * HOUR)
    assert (await as_it_is(scene, message)).delivery is Delivery.held
