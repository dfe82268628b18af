"""Waiting for customers: who is reminded, what is resolved and closed, and what keeps the desk from it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from helpdesk import sides
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.patience import Done, Stays, Step, Terms
from helpdesk.people import Contact
from helpdesk.scheduling import schedule
from helpdesk.statuses import Category
from helpdesk.tickets import Removal, Ticket
from tests.helpdesk.silent import DAY, ahead, answered, delivered, passes, told, waits
from tests.scenes import Scene, mail


async def test_by_default_nothing_happens_by_itself(scene: Scene):
    ticket = await answered(scene)
    with moved(400 * DAY):
        assert await passes(scene) == Done()
        assert await ahead(scene, ticket) is None


async def test_a_silent_customer_is_reminded_once_then_it_is_resolved_then_closed(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    with moved(3 * DAY - timedelta(minutes=1)):
        assert await passes(scene) == Done()
        found = await ahead(scene, ticket)
        assert found
        assert found.step is Step.remind
        assert found.at
        assert ticket.silent_since
        assert found.at - ticket.silent_since == 3 * DAY
    with moved(3 * DAY):
        assert await passes(scene) == Done(reminded=1)
        assert await passes(scene) == Done()
        await delivered(scene)
        reminder = (await scene.messages(ticket))[-1]
        assert (reminder.text, reminder.automatic, reminder.direction) == ("Hello Marta?", True, "outbound")
        found = await ahead(scene, ticket)
        assert found
        assert found.step is Step.resolve
        assert found.at
    with moved(10 * DAY - timedelta(minutes=1)):
        assert await passes(scene) == Done()
    with moved(10 * DAY + timedelta(minutes=1)):
        assert await passes(scene) == Done(resolved=1)
        there = await scene.ticket(ticket.id)
        assert there.category is Category.resolved
        assert len(await scene.messages(ticket)) == 3, "no text was chosen for it, so nothing is said"
        found = await ahead(scene, ticket)
        assert found
        assert found.step is Step.close
    with moved(41 * DAY):
        assert await passes(scene) == Done(closed=1)
        assert (await scene.ticket(ticket.id)).category is Category.closed
        assert await passes(scene) == Done()
    assert await told(scene, ticket, Kind.reminded) == [{"days": 3}]
    (resolved,) = await told(scene, ticket, Kind.resolved)
    assert resolved["because"] == {"silent": 7, "reminded": True}
    assert (await told(scene, ticket, Kind.status_changed))[-1]["because"] == {"resolved": 30}


async def test_without_a_reminder_it_is_resolved_after_the_silence_and_the_customer_is_told(scene: Scene):
    await waits(scene, Terms(resolve_days=5, resolve_text="No answer, {{contact.first_name}}."))
    ticket = await answered(scene)
    with moved(5 * DAY):
        assert await passes(scene) == Done(resolved=1)
    last = (await scene.messages(ticket))[-1]
    assert (last.text, last.automatic, last.delivery) == ("No answer, Marta.", True, Delivery.queued)


@pytest.mark.parametrize("who", ["customer", "agent"])
async def test_a_word_from_either_side_begins_the_silence_anew(scene: Scene, who: str):
    await waits(scene)
    ticket = await answered(scene)
    with moved(4 * DAY):
        assert (await passes(scene)).reminded == 1
        await delivered(scene)
    with moved(9 * DAY):
        if who == "customer":
            await scene.receives(answer_to(await scene.messages(ticket)))
            assert (await scene.ticket(ticket.id)).category is Category.open
        await scene.replies(ticket)
        await delivered(scene)
    with moved(11.5 * DAY):
        assert await passes(scene) == Done(), "seven days after the reminder, but somebody spoke since"
    with moved(12 * DAY):
        assert await passes(scene) == Done(reminded=1), "a new silence, a new reminder"


def answer_to(messages: list[Message], **rest: Any) -> Any:
    ids = tuple(message.external_id for message in messages if message.external_id)
    return mail("Here is more.", thread=ids, **rest)


async def test_an_automatic_answer_is_no_sign_of_life(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    with moved(2 * DAY):
        same = await scene.receives(answer_to(await scene.messages(ticket), automatic=True))
        assert same.id == ticket.id
    with moved(3 * DAY):
        assert await passes(scene) == Done(reminded=1)


async def test_whoever_does_not_wait_for_the_customer_alone_is_left_alone(scene: Scene):
    """Snoozed (chatwoot #10241), on hold, removed, with a third party, answered for later, not delivered."""
    await waits(scene)
    kept = {name: await answered(scene, sender=f"{name}@lumen.example") for name in KEPT}
    for name, ticket in kept.items():
        await KEPT[name](scene, ticket)
    with moved(5 * DAY):
        assert await passes(scene) == Done()
        why = {
            name: found.stays if (found := await ahead(scene, each)) else None for name, each in kept.items()
        }
    assert why == {
        "snoozed": None,
        "on_hold": None,
        "spam": None,
        "open": None,
        "third_party": Stays.third_party,
        "answered_later": Stays.leaving,
        "undelivered": Stays.undelivered,
        "blocked": Stays.unreachable,
        "left_alone": Stays.left_alone,
    }


async def _third_party(scene: Scene, ticket: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        at = await scene.ticket(ticket.id, session)
        await sides.begin(
            session, at, ["carrier@post.example"], subject="Lost", body="Where is it?", by=scene.agents["Ada"]
        )
    await delivered(scene)


async def _later(scene: Scene, ticket: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        at = await scene.ticket(ticket.id, session)
        schedule(at, "On Monday.", by=scene.agents["Ada"], at=now() + 30 * DAY)


async def _undelivered(scene: Scene, ticket: Ticket) -> None:
    await scene.replies(ticket)
    await delivered(scene, Delivery.failed)


async def _blocked(scene: Scene, ticket: Ticket) -> None:
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Contact, ticket.contact_id)).blocked_at = now()


KEPT: dict[str, Any] = {
    "snoozed": lambda scene, it: scene.does(it, "snooze", now() + 60 * DAY, by=DESK),
    "on_hold": lambda scene, it: scene.does(it, "hold", by=DESK),
    "spam": lambda scene, it: scene.does(it, "remove", Removal.spam, by=DESK),
    "open": lambda scene, it: scene.does(it, "take_up", by=DESK),
    "third_party": _third_party,
    "answered_later": _later,
    "undelivered": _undelivered,
    "blocked": _blocked,
    "left_alone": lambda scene, it: scene.does(it, "leave_alone", by=scene.agents["Ada"]),
}


async def test_a_side_conversation_that_was_answered_before_the_customer_was_asked_keeps_nobody(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    await _third_party(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        side = await session.scalar(select(Message.side_id).where(Message.side_id.is_not(None)))
        session.add(
            Message(
                ticket_id=ticket.id,
                inbox_id=scene.inbox.id,
                direction=Direction.inbound,
                author="contact",
                text="In Rotterdam.",
                sent_at=now(),
                side_id=side,
            )
        )
    await scene.replies(ticket, "It is in Rotterdam. Shall we send another one?")
    await delivered(scene)
    with moved(3 * DAY):
        assert await passes(scene) == Done(reminded=1)


async def test_what_comes_back_into_sight_is_not_reminded_that_moment(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    await scene.does(ticket, "snooze", now() + 10 * DAY, by=scene.agents["Ada"])
    with moved(10 * DAY):
        await scene.does(ticket, "wake", by=DESK, because="time")
        assert await passes(scene) == Done()
    with moved(13 * DAY):
        assert await passes(scene) == Done(reminded=1)


async def test_a_reminder_that_was_taken_back_does_not_come_again(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    with moved(3 * DAY):
        await passes(scene)
        reminder = (await scene.messages(ticket))[-1]
        async with committed(scene.desk.sessions) as session:
            at, said = await scene.ticket(ticket.id, session), await session.get_one(Message, reminder.id)
            at.withdraw(said, by=scene.agents["Ada"])
        found = await ahead(scene, ticket)
        assert found
        assert found.stays is Stays.left_alone
    with moved(90 * DAY):
        assert await passes(scene) == Done()
        await scene.does(ticket, "watch_again", by=scene.agents["Ada"])
    with moved(93 * DAY):
        assert await passes(scene) == Done(reminded=1)


async def test_a_reply_that_was_taken_back_does_not_break_the_silence(scene: Scene):
    await waits(scene)
    ticket = await answered(scene)
    with moved(2 * DAY):
        reply = await scene.replies(ticket, "Oh, and")
        async with committed(scene.desk.sessions) as session:
            at, said = await scene.ticket(ticket.id, session), await session.get_one(Message, reply.id)
            at.withdraw(said, by=scene.agents["Ada"])
    assert (await scene.ticket(ticket.id)).silent_since == ticket.silent_since
    with moved(3 * DAY):
        assert await passes(scene) == Done(reminded=1)


async def test_what_was_resolved_for_silence_opens_again_by_a_press(scene: Scene):
    await waits(scene, Terms(resolve_days=5))
    ticket = await answered(scene)
    with moved(5 * DAY):
        await passes(scene)
        await scene.does(ticket, "reopen", by=scene.agents["Ada"])
    with moved(50 * DAY):
        assert (await scene.ticket(ticket.id)).category is Category.open
        assert await passes(scene) == Done(), "it is ours to answer now"


async def test_customers_who_cannot_be_heard_have_not_fallen_silent(scene: Scene):
    """An inbox that is off or in trouble, or mail that nobody has read yet: no reminder until that is over."""
    await waits(scene)
    ticket = await answered(scene)
    with moved(5 * DAY):
        for change, stays in (
            ({"active": False}, Stays.inbox_off),
            ({"active": True, "trouble": "No password"}, Stays.inbox_in_trouble),
        ):
            async with committed(scene.desk.sessions) as session:
                await session.execute(update(Inbox).values(**change))
            assert await passes(scene) == Done()
            found = await ahead(scene, ticket)
            assert found
            assert found.stays is stays
        async with committed(scene.desk.sessions) as session:
            await session.execute(update(Inbox).values(trouble=""))
            session.add(Kept(inbox_id=scene.inbox.id, source="1", raw=b"From: a", digest="x"))
        assert await passes(scene) == Done()
        async with committed(scene.desk.sessions) as session:
            await session.execute(update(Kept).values(state="received"))
        assert await passes(scene) == Done(reminded=1)


async def test_only_what_falls_silent_from_now_on_unless_the_past_is_asked_for(scene: Scene):
    old = await answered(scene, sender="old@lumen.example")
    with moved(DAY):
        kept = await waits(scene, past=False)
        assert kept.since
        young = await answered(scene, sender="young@lumen.example")
    with moved(6 * DAY):
        assert await passes(scene) == Done(reminded=1)
        assert (await scene.ticket(young.id)).reminded_at
        assert await ahead(scene, old) is None
        again = await waits(scene, past=False, resolve_days=8)
        assert again.since == kept.since, "other terms begin nothing anew"
        await waits(scene)
        assert await passes(scene) == Done(reminded=1)
