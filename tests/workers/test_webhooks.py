"""Webhooks are told of what they subscribed to, in order, at least once, and a dead one delays nobody."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import erasing, webhooks
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.messages import InboundMessage
from helpdesk.webhooks import Delivery, Outcome, Secrets, State, Webhook
from helpdesk.webhooks.posting import retry_after
from tests.conftest import SECRET
from tests.scenes import Scene, mail
from tests.workers.hands import at_work, eventually
from tests.workers.receivers import Receiver, allowing, listening, subscribed
from workers.dispatch import dispatch_batch
from workers.webhooks import serve, tidy

BOTH = ("ticket.created", "message.received")


async def dispatched(desk: Desk) -> None:
    async with committed(desk.sessions) as session:
        while await dispatch_batch(session):
            pass


async def deliveries(desk: Desk, webhook: Webhook) -> list[Delivery]:
    async with desk.sessions() as session:
        query = select(Delivery).where(Delivery.webhook_id == webhook.id).order_by(Delivery.id)
        return list(await session.scalars(query))


async def fresh(desk: Desk, webhook: Webhook) -> Webhook:
    async with desk.sessions() as session:
        return await session.get_one(Webhook, webhook.id)


async def test_what_was_subscribed_to_arrives_in_order_and_signed(scene: Scene):
    """`Receiver` verifies each message with the standardwebhooks library."""
    async with listening() as there:
        desk = allowing(scene.desk, there)
        await scene.receives(mail("before anybody subscribed"))
        webhook = await subscribed(scene, there, *BOTH, "ticket.resolved")
        ticket = await scene.receives(mail("after it"))
        async with at_work(desk, listeners=False):
            await eventually(lambda: _count(there, 2))
            await scene.does(ticket, "resolve", by=scene.agents["Liam"])
            await eventually(lambda: _all_taken(desk, webhook, 3))
        assert there.types == ["ticket.created", "message.received", "ticket.resolved"]
        assert {message["data"]["ticket"]["number"] for message in there.received} == {ticket.number}
        assert there.received[2]["data"]["actor"] == {"kind": "agent", "id": scene.agents["Liam"].id}
        assert len(set(there.ids)) == 3


async def _all_taken(desk: Desk, webhook: Webhook, number: int) -> bool:
    return [d.state for d in await deliveries(desk, webhook)] == [State.delivered] * number


async def _count(there: Receiver, number: int) -> bool:
    return len(there.received) >= number


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
        assert await _kinds_about(desk, webhook) == [Kind.webhook_switched_off]
        await scene.receives()
        await dispatched(desk)
        assert len(await deliveries(desk, webhook)) == 2, "nothing is put in for what is off"


async def _kinds_about(desk: Desk, webhook: Webhook) -> list[Kind]:
    async with desk.sessions() as session:
        query = select(Event.kind).where(Event.about == "webhook", Event.about_id == webhook.id)
        return list(await session.scalars(query.order_by(Event.id)))


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
            await eventually(lambda: _count(alive, 10))
            assert asyncio.get_running_loop().time() - began < 5
            assert len(dead.received) == 1


async def test_a_private_address_is_never_asked(scene: Scene):
    async with listening() as there:
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(scene.desk)
        await serve(scene.desk, webhook.id)
        assert not there.received
        (found,) = await deliveries(scene.desk, webhook)
        assert "https://" in found.trouble
        assert found.status is None
        async with committed(scene.desk.sessions) as session:
            kept = await session.get_one(Webhook, webhook.id)
            kept.url, kept.retry_at = "https://10.0.0.1/hook", None
            (await session.get_one(Delivery, found.id)).next_at = now()
        await serve(scene.desk, webhook.id)
        assert "private network" in (await deliveries(scene.desk, webhook))[0].trouble


async def test_both_secrets_sign_for_a_day_after_a_change(scene: Scene):
    async with listening() as old:
        desk = allowing(scene.desk, old)
        webhook = await subscribed(scene, old, "ticket.created")
        async with committed(desk.sessions) as session:
            found = await session.get_one(Webhook, webhook.id)
            new, happened = found.rotate(desk.keys, by=scene.agents["Ada"])
            session.add(happened)
            with pytest.raises(Exception, match="less than a day"):
                found.rotate(desk.keys, by=scene.agents["Ada"])
        before = old.secret
        for secret in (before, new):
            old.secret = secret
            await scene.receives()
            await dispatched(desk)
            await serve(desk, webhook.id)
        assert len(old.received) == 2
        held = Secrets.unsealed(desk.keys, (await fresh(desk, webhook)).sealed_secrets)
        assert held.valid(now()) == [new, before]
        assert held.valid(now() + timedelta(hours=25)) == [new]
        assert new.encode() not in (await fresh(desk, webhook)).sealed_secrets


async def test_replaying_one_sends_the_same_message_again(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        async with committed(desk.sessions) as session:
            again = await session.get_one(Delivery, (await deliveries(desk, webhook))[0].id)
            kept = await session.get_one(Webhook, webhook.id)
            await webhooks.replay(session, kept, again, by=scene.agents["Ada"])
        await serve(desk, webhook.id)
        assert there.ids[0] == there.ids[1]
        assert there.received[0] == there.received[1]


async def test_replaying_since_a_time_brings_what_was_missed_while_it_was_off(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        await scene.receives(mail("before the webhook was made"))
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives(mail("delivered"))
        await dispatched(desk)
        await serve(desk, webhook.id)
        async with committed(desk.sessions) as session:
            found = await session.get_one(Webhook, webhook.id)
            session.add(found.switch_off(by=scene.agents["Ada"]))
        missed = await scene.receives(mail("while it was off"))
        await dispatched(desk)
        async with committed(desk.sessions) as session:
            found = await session.get_one(Webhook, webhook.id)
            session.add(found.switch_on(by=scene.agents["Ada"]))
            count = await webhooks.replay_since(
                session, found, now() - timedelta(days=3), by=scene.agents["Ada"]
            )
        assert count == 2
        await serve(desk, webhook.id)
        assert there.received[-1]["data"]["ticket"]["number"] == missed.number
        assert (len(there.received), len(set(there.ids))) == (3, 2)


async def test_an_event_is_put_in_once_however_often_it_is_enlisted(scene: Scene):
    async with listening() as there:
        webhook = await subscribed(scene, there, *BOTH)
        await scene.receives()
        async with committed(scene.desk.sessions) as session:
            ids = list(await session.scalars(select(Event.id)))
            await webhooks.enlist(session, ids)
            await webhooks.enlist(session, ids)
        await dispatched(scene.desk)
        assert len(await deliveries(scene.desk, webhook)) == 2


async def test_who_was_frozen_overwrites_nothing_when_it_wakes(scene: Scene):
    """A process that sent, froze, and was overtaken by another writes down nothing."""
    from workers.webhooks import record

    async with listening(answers=[("500 Oops", b"")]) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        with moved(timedelta(minutes=1)):
            await serve(desk, webhook.id)
        (found,) = await deliveries(desk, webhook)
        assert (found.state, found.attempts) == (State.delivered, 2)
        assert not await record(desk, webhook.id, found.id, 0, Outcome(status=500, words="late"))
        assert (await deliveries(desk, webhook))[0].state is State.delivered


async def test_only_one_process_sends_to_an_endpoint_at_a_time(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, *BOTH)
        for _ in range(10):
            await scene.receives()
        await dispatched(desk)
        await asyncio.gather(*(serve(desk, webhook.id) for _ in range(5)))
        assert there.types == list(BOTH) * 10
        assert len(set(there.ids)) == 20


KILLED = """
import asyncio, sys
from tests.workers.receivers import allowing, Receiver
from pathlib import Path
from helpdesk.desk import Desk
from helpdesk.settings import Settings
from workers.webhooks import serve
url, home, secret, port, webhook = sys.argv[1:]
desk = allowing(Desk.open(Settings(home=Path(home), secret=secret, database_url=url)), Receiver(port=int(port)))
asyncio.run(serve(desk, int(webhook)))
"""


async def test_killed_in_the_middle_it_is_sent_again_with_the_same_id(scene: Scene, tmp_path: Path):
    async with listening(hangs=True) as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        arguments = [desk.database_url, str(tmp_path), SECRET, str(there.port), str(webhook.id)]
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(KILLED), *arguments])  # noqa: ASYNC220
        try:
            await eventually(lambda: _count(there, 1), within=30)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        there.hangs = False
        await serve(desk, webhook.id)
        assert len(there.received) == 1, "somebody may still be at work on it"
        with moved(timedelta(seconds=31)):
            await serve(desk, webhook.id)
        assert len(there.received) == 2
        assert there.ids[0] == there.ids[1]
        assert there.received[0] == there.received[1]


async def test_the_log_goes_back_a_month(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "ticket.created")
        await scene.receives()
        await dispatched(desk)
        await serve(desk, webhook.id)
        for days, left in ((29, 1), (31, 0)):
            with moved(timedelta(days=days)):
                async with committed(desk.sessions) as session:
                    await tidy(session)
            assert len(await deliveries(desk, webhook)) == left


HOSTILE: list[Any] = ["\u202e\U0001f600 <script>", "a" * 100_000, "\\u0000 \" ' \n"]


@pytest.mark.parametrize("text", HOSTILE, ids=["bidi", "long", "quotes"])
async def test_whatever_customers_write_is_told_as_it_is(scene: Scene, text: str):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "message.received", includes=("messages", "subject"))
        inbound: InboundMessage = mail(text, subject=text[:100])
        await scene.receives(inbound)
        await dispatched(desk)
        await serve(desk, webhook.id)
        message = there.received[0]["data"]["message"]
        assert message["text"] == text[: webhooks.payloads.LONGEST_TEXT]
        assert message["cut"] is (len(text) > webhooks.payloads.LONGEST_TEXT)


async def test_erasing_a_ticket_erases_it_from_the_log(scene: Scene):
    async with listening() as there:
        webhook = await subscribed(scene, there, *BOTH)
        ticket, other = await scene.receives(), await scene.receives()
        await dispatched(scene.desk)
        async with committed(scene.desk.sessions) as session:
            await erasing.empty_tickets(session, [ticket.id], "Erased")
        assert {d.ticket_id for d in await deliveries(scene.desk, webhook)} == {other.id}


async def test_an_event_of_the_desk_itself_is_told(scene: Scene):
    async with listening() as there:
        desk = allowing(scene.desk, there)
        webhook = await subscribed(scene, there, "contact.created")
        async with committed(desk.sessions) as session:
            session.add(Event(Kind.contact_created, by=DESK))
        await dispatched(desk)
        await serve(desk, webhook.id)
        assert there.received[0]["data"]["actor"] == {"kind": "desk", "id": None}
