"""Kept bytes become messages: all of them, once, in order, whatever single ones do to their reader."""

import asyncio
import json

import psycopg
import pytest
from sqlalchemy import select, text

from channels.contract import Unreadable
from helpdesk import intake
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from tests.scenes import Scene
from tests.workers.hands import at_work, eventually, keeps
from workers import reader, reading
from workers.reading import Readers, ReadingFailed
from workers.receiving import Receiving
from workers.wakeup import Bell


async def states(scene: Scene) -> dict[str, tuple[KeptState, int]]:
    async with scene.desk.sessions() as session:
        rows = await session.execute(select(Kept.source, Kept.state, Kept.attempts))
        return {source.partition("#")[0]: (state, attempts) for source, state, attempts in rows}


async def settled(scene: Scene) -> bool:
    return all(state is not KeptState.kept for state, _ in (await states(scene)).values())


async def test_mails_become_tickets_and_the_same_senders_stay_in_order(scene: Scene, inbox: Inbox):
    notes = [{"from": f"c{n % 3}@lumen.example", "text": f"{n:02}", "id": f"id{n}"} for n in range(30)]
    async with at_work(scene.desk, jobs=False):
        await keeps(scene.desk, inbox, *notes)
        await eventually(lambda: settled(scene), 20)
    async with scene.desk.sessions() as session:
        for n in range(3):
            sender = f"c{n}@lumen.example"
            texts = await session.scalars(
                select(Message.text).where(Message.sender == sender).order_by(Message.id)
            )
            assert list(texts) == [f"{m:02}" for m in range(30) if m % 3 == n]


@pytest.mark.parametrize("fault", ["raise", "die", "eat"])
async def test_a_poisonous_mail_is_put_aside_the_third_time_and_the_others_pass(
    scene: Scene, inbox: Inbox, fault: str
):
    poison = {"from": "m@evil.example", "text": "poison", "fault": fault}
    good = [{"from": f"c{n}@lumen.example", "text": f"good {n}"} for n in range(8)]
    async with at_work(scene.desk, jobs=False):
        await keeps(scene.desk, inbox, *good[:4], poison, *good[4:])
        await eventually(lambda: settled(scene), 30)
    after = await states(scene)
    assert after.pop("poison") == (KeptState.quarantined, intake.ATTEMPTS)
    assert set(after.values()) == {(KeptState.received, 1)}
    stubs = [t for t in await scene.tickets() if t.subject == "A message that could not be read"]
    assert len(stubs) == 1
    assert "What went wrong: " in (await scene.messages(stubs[0]))[0].text


async def test_what_has_no_words_is_put_aside_at_once(scene: Scene, inbox: Inbox):
    async with at_work(scene.desk, jobs=False):
        await keeps(scene.desk, inbox, {"from": "x@y.example", "text": "void", "fault": "unreadable"})
        await eventually(lambda: settled(scene))
    assert await states(scene) == {"void": (KeptState.quarantined, 1)}


async def test_a_mail_that_never_ends_does_not_hold_up_the_others(scene: Scene, inbox: Inbox):
    """They are received while it still has its first attempt."""
    hanging = {"from": "m@evil.example", "text": "poison", "fault": "hang"}
    good = [{"from": f"c{n}@lumen.example", "text": f"good {n}"} for n in range(5)]

    async def all_but_it() -> bool:
        return all(
            state is KeptState.received
            for text, (state, _) in (await states(scene)).items()
            if text != "poison"
        )

    async with at_work(scene.desk, jobs=False):
        await keeps(scene.desk, inbox, hanging, *good)
        await eventually(all_but_it, 30)
        assert (await states(scene))["poison"] == (KeptState.kept, 1)


async def test_a_reader_gets_so_much_cpu_and_no_more(
    scene: Scene, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    readers = Readers(cpu=2)  # starting takes half a second of it
    with pytest.raises(ReadingFailed, match=r"more than 2 s of CPU|longer than \d+ s"):
        await readers.read(scene.desk, inbox, b'{"from": "m@evil.example", "text": "x", "fault": "hang"}')
    message = await readers.read(scene.desk, inbox, b'{"from": "a@lumen.example", "text": "still here"}')
    assert message.text == "still here"
    await readers.close()


async def test_a_reader_knows_no_secret(scene: Scene, inbox: Inbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HELPDESK_SECRET", "s" * 40)
    monkeypatch.setenv("DATABASE_URL", "postgresql://there")
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert not {"HELPDESK_SECRET", "DATABASE_URL", "PGPASSWORD"} & set(reading._environment())


def test_what_utf8_cannot_hold_is_cleaned_before_it_is_sent():
    task = reader.Task("loopback", {}, "a@b.example", b'{"from": "x@y.example", "text": "a\\u0000b"}')
    answer = reader.answer(task)
    assert answer.inbound
    assert answer.inbound.text == "ab"
    lone = reader.cleaned(answer.inbound.__class__(**{**answer.inbound.__dict__, "text": "a\udc80"}))
    assert lone.text == "a?"


async def test_unreadable_words_come_through(scene: Scene, inbox: Inbox):
    readers = Readers()
    with pytest.raises(Unreadable, match="no words"):
        await readers.read(scene.desk, inbox, b'{"from": "x", "text": "y", "fault": "unreadable"}')
    await readers.close()


async def test_a_mail_that_was_cut_says_so(scene: Scene, inbox: Inbox):
    """Nobody is to take the beginning of a mail for all of it."""
    note = json.dumps({"from": "a@lumen.example", "text": "The plans are in the attachment"}).encode()
    async with committed(scene.desk.sessions) as session:
        await intake.keep(session, inbox.id, [(note, "huge")], cut={"huge": 60 << 20})
    async with at_work(scene.desk, jobs=False):
        await eventually(lambda: settled(scene))
    (message,) = await scene.messages((await scene.tickets())[0])
    assert message.text.startswith("This message has 60 MB")
    assert message.text.endswith("The plans are in the attachment")


async def test_the_databases_trouble_is_not_the_mails(scene: Scene, inbox: Inbox):
    """All connections are cut again and again while mails are received; every one arrives, none is put aside."""
    notes = [{"from": f"c{n % 7}@lumen.example", "text": f"n{n}", "id": f"id{n}"} for n in range(60)]
    async with at_work(scene.desk, jobs=False):
        await keeps(scene.desk, inbox, *notes)
        for _ in range(6):
            await asyncio.sleep(0.25)
            async with await psycopg.AsyncConnection.connect(
                scene.desk.database_url, autocommit=True
            ) as other:
                await other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
        await eventually(lambda: all_received(scene), 40)
    async with scene.desk.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM message")) == 60


async def all_received(scene: Scene) -> bool:
    try:
        return all(state is KeptState.received for state, _ in (await states(scene)).values())
    except Exception:  # this connection was cut, too
        return False


async def test_what_is_in_hand_when_the_desk_stops_is_given_back(
    scene: Scene, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    async def never(*_: object) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(intake, "receive", never)
    await keeps(scene.desk, inbox, *({"from": "a@b.example", "text": f"n{n}"} for n in range(3)))
    readers = Readers()
    work = asyncio.create_task(Receiving(scene.desk, readers, Bell("kept-")).run())

    async def claimed() -> bool:
        return all(attempts == 1 for _, attempts in (await states(scene)).values())

    await eventually(claimed)
    work.cancel()
    await asyncio.wait({work})
    await readers.close()
    assert set((await states(scene)).values()) == {(KeptState.kept, 0)}


async def test_only_one_process_receives_at_a_time(scene: Scene, inbox: Inbox):
    """The second waits for the duty, and takes it over when the first ends."""
    async with at_work(scene.desk, jobs=False) as first:
        await eventually(lambda: is_running(first, "receiving"))
        async with at_work(scene.desk, jobs=False) as second:
            await asyncio.sleep(1.5)
            assert "receiving" not in second.parts
    async with at_work(scene.desk, jobs=False) as third:
        await eventually(lambda: is_running(third, "receiving"))
    async with committed(scene.desk.sessions) as session:
        assert await session.scalar(select(Ticket.id)) is None


async def is_running(supervisor: object, part: str) -> bool:
    parts = getattr(supervisor, "parts", {})
    return part in parts and parts[part].running
