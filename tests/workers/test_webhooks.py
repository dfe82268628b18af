"""Webhooks are told of what they subscribed to, in order, at least once, and a dead one delays nobody."""

import asyncio
from datetime import datetime, timedelta

import pytest

from helpdesk import webhooks
from helpdesk.clock import moved, now
from helpdesk.events import Kind
from helpdesk.webhooks import Delivery, Outcome, State
from helpdesk.webhooks.posting import retry_after
from tests.scenes import Scene, mail
from tests.workers.deliveries import BOTH, all_taken, counted, deliveries, dispatched, fresh, kinds_about
from tests.workers.hands import at_work, eventually
from tests.workers.receivers import allowing, listening, subscribed
from workers.webhooks import serve


async def test_what_was_subscribed_to_arrives_in_order_and_signed(scene: Scene):
    """`Receiver` verifies each message with the standardwebhooks library."""
    async with listening() as there:
        desk = allowing(scene.desk, there)
        await scene.receives(mail("before anybody subscribed"))
        webhook = await subscribed(scene, there, *BOTH, "ticket.resolved")
        ticket = await scene.receives(mail("after it"))
        async with at_work(desk, listeners=False):
            await eventually(lambda: counted(there, 2))
            await scene.does(ticket, "resolve", by=scene.agents["Liam"])
            await eventually(lambda: all_taken(desk, webhook, 3))
        assert there.types == ["ticket.created", "message.received", "ticket.resolved"]
        assert {message["data"]["ticket"]["number"] for message in there.received} == {ticket.number}
        assert there.received[2]["data"]["actor"] == {"kind": "agent", "id": scene.agents["Liam"].id}
        assert len(set(there.ids)) == 3


async def test_personal_text_goes_only_where_it_was_chosen(scene: Scene):
    async with listening() as plain, listening() as full:
        desk = allowing(scene.desk, plain, full)
        await subscribed(scene, plain, *BOTH, "note.written", "message.written")
        chosen = await subscribed(
            scene, full, *BOTH, "note.written", "message.written", includes=tuple(webhooks.INCLUDES)
        )
        ticket = await scene.receives(
            mail("the secret words", name="Marta Reyes", subject="A delicate matter")
        )
        await scene.does(ticket, "note", "between us", by=scene.agents["Ada"])
        await scene.replies(ticket, "our answer")
        await dispatched(desk)
        await serve(desk, chosen.id - 1)
        await serve(desk, chosen.id)
        said = str(plain.received)
        assert len(plain.received) == len(full.received) == 4
        for words in ("secret words", "Marta", "lumen.example", "delicate", "between us", "our answer"):
            assert words not in said
            assert words in str(full.received)


async def test_notes_are_text_of_their_own(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "note.written", includes=("messages",))
        ticket = await scene.receives()
        await scene.does(ticket, "note", "between us", by=scene.agents["Ada"])
        await dispatched(desk)
        await serve(desk, webhook.id)
        assert there.received[0]["data"]["message"]["internal"] is True
        assert "text" not in there.received[0]["data"]["message"]


@pytest.mark.parametrize("status", ["500 Oops", "429 Slow down", "404 Not Found", "302 Found", "408 Late"])
async def test_what_is_not_taken_is_sent_again_and_those_behind_it_wait(scene: Scene, status: str):
    async with listening(answers=[(status, b"")]) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, *BOTH)
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        assert there.types == ["ticket.created"]
        first, second = await deliveries(desk, webhook)
        assert first.state is second.state is State.queued
        assert status.partition(" ")[0] in first.trouble
        assert first.answer == f"said {status}"
        await serve(desk, webhook.id)
        assert len(there.received) == 1, "not before its time"
        with moved(timedelta(seconds=10)):
            await serve(desk, webhook.id)
        assert there.types == ["ticket.created", "ticket.created", "message.received"]
        assert there.ids[0] == there.ids[1]
        assert there.received[0] == there.received[1]
        assert (await fresh(desk, webhook)).failing_since is None


async def test_one_message_that_is_refused_does_not_hold_up_the_others(scene: Scene):
    async with listening(answers=[("422 No", b"")]) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, *BOTH)
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        assert there.types == ["ticket.created", "message.received"]
        assert [d.state for d in await deliveries(desk, webhook)] == [State.queued, State.delivered]


async def test_retry_after_is_honoured(scene: Scene):
    async with listening(answers=[("503 Busy", b"retry-after: 7200\r\n")]) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        (found,) = await deliveries(desk, webhook)
        assert timedelta(minutes=119) < found.next_at - now() < timedelta(minutes=121)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("120", 120), ("Mon, 06 Jan 2025 09:02:00 GMT", 120), ("Mon, 06 Jan 2020 09:02:00 GMT", 0)],
)
def test_retry_after_is_seconds_or_a_date(given: str, expected: int):
    at = datetime.fromisoformat("2025-01-06T09:00:00+00:00")
    assert retry_after({"retry-after": given}, at) == timedelta(seconds=expected)


@pytest.mark.parametrize("junk", ["", "soon", "-5", "²", "9" * 40, "Mon, 99 Jan"])
def test_junk_in_retry_after_is_no_wait(junk: str):
    assert retry_after({"retry-after": junk}, now()) is None


async def test_gone_switches_off_at_once_and_says_so(scene: Scene):
    async with listening(answers=[("410 Gone", b"")]) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, *BOTH)
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        found = await fresh(desk, webhook)
        assert not found.active
        assert "410" in found.off_because
        assert [d.state for d in await deliveries(desk, webhook)] == [State.dead, State.dead]
        assert await kinds_about(desk, webhook) == [Kind.webhook_switched_off]
        await scene.receives()
        await dispatched(desk)
        assert len(await deliveries(desk, webhook)) == 2, "nothing is put in for what is off"


async def test_after_72_hours_it_is_given_up_and_switched_off(scene: Scene):
    """Every attempt in between is made; then it is dead, in the log, and told to everybody once."""
    async with listening(answers=[("500 Oops", b"")] * 100) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        hours = 0.0
        while (await fresh(desk, webhook)).active:
            with moved(timedelta(hours=hours)):
                await serve(desk, webhook.id)
            hours += 0.5
            assert hours < 80
        assert 71.5 < hours < 75
        assert 8 <= len(there.received) <= 14
        (found,) = await deliveries(desk, webhook)
        assert found.state is State.dead
        assert len(found.tries) == len(there.received)
        assert "72 hours" in (await fresh(desk, webhook)).off_because
        assert set(there.ids) == {found.message_id}


async def test_waits_grow_and_are_spread(scene: Scene):
    async def waits() -> list[float]:
        webhook, _ = webhooks.made(
            scene.desk.keys, name="x", url="https://x", events=[], includes=[], by=scene.agents["Ada"]
        )
        delivery = Delivery(
            webhook_id=1, event_id=1, type="t", since=now(), next_at=now(), attempts=0, tries=[]
        )
        found = []
        for _ in range(8):
            webhook.record(delivery, Outcome(status=500, words="no"))
            found.append((delivery.next_at - now()).total_seconds())
        return found

    first, second = await waits(), await waits()
    assert first == sorted(first)
    assert 4 <= first[0] <= 6
    assert first != second


async def test_a_dead_endpoint_delays_no_other(scene: Scene):
    async with listening(hangs=True) as dead, listening() as alive:
        desk = allowing(scene.desk, dead, alive)
        await subscribed(scene, dead, *BOTH)
        await subscribed(scene, alive, *BOTH)
        async with at_work(desk, listeners=False):
            for _ in range(5):
                await scene.receives()
            began = asyncio.get_running_loop().time()
            await eventually(lambda: counted(alive, 10))
            assert asyncio.get_running_loop().time() - began < 5
            assert len(dead.received) == 1
