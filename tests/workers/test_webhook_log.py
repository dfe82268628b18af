"""What was told is kept, told again, signed while secrets change, and forgotten in time."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import erasing, webhooks
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.messages import InboundMessage
from helpdesk.webhooks import Delivery, Outcome, Secrets, State, Webhook
from tests.conftest import SECRET
from tests.scenes import Scene, mail
from tests.workers.deliveries import BOTH, counted, deliveries, dispatched, fresh
from tests.workers.hands import eventually
from tests.workers.receivers import allowing, listening, subscribed
from workers.webhooks import serve, tidy


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
            await eventually(lambda: counted(there, 1), within=30)
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
