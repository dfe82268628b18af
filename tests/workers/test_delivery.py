"""A reply leaves once, in order, complete; and where nobody can know, the desk says so."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import joinedload

from channels.contract import Uncertain
from channels.loopback import LoopbackChannel
from helpdesk import clock
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import Attachment, Delivery, Message, OutboundMessage, Receipt
from helpdesk.people import Agent
from helpdesk.tickets import NotFailed, Ticket
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from tests.workers.hands import at_work, eventually
from workers.delivery import deliver
from workers.jobs import Later

AT_ONCE = timedelta(0)


@pytest.fixture(autouse=True)
def sent() -> list[OutboundMessage]:
    LoopbackChannel.sent.clear()
    return LoopbackChannel.sent.setdefault("support@desk.example", [])


async def reply(scene: Scene, ticket: Ticket, body: str = "Here it is.", **rest: object) -> Message:
    written: Message = await scene.does(
        ticket, "reply", body, by=scene.agents["Ada"], **({"wait": AT_ONCE} | rest)
    )
    return written


async def now_of(scene: Scene, message: Message) -> Message:
    async with scene.desk.sessions() as session:
        return await session.get_one(Message, message.id)


async def state(scene: Scene, message: Message) -> Delivery | None:
    return (await now_of(scene, message)).delivery


async def from_faulty(scene: Scene, inbox: Inbox, *bodies: str) -> tuple[Ticket, list[Message]]:
    ticket = await scene.receives(mail(), inbox=inbox)
    return ticket, [await reply(scene, ticket, body) for body in bodies]


def journal(tmp_path: Path) -> list[str]:
    path = tmp_path / "journal"
    return path.read_text().splitlines() if path.exists() else []


async def test_what_is_delivered_by_being_stored_is_sent_in_one_commit(scene: Scene):
    """Nobody outside hears of a chat's answer, so there is no moment in which nobody knows whether they did."""
    inbox = await chat_inbox(scene)
    async with scene.desk.sessions() as session:
        chat = await session.get_one(Inbox, inbox.id, options=[joinedload(Inbox.team)])
    ticket, (answer,) = await from_faulty(scene, chat, "It is on its way.")
    commits: list[object] = []
    listen = (scene.desk.engine.sync_engine, "commit", commits.append)
    event.listen(*listen)
    try:
        await deliver(scene.desk, answer.id)
    finally:
        event.remove(*listen)
    assert len(commits) == 1
    sent = await now_of(scene, answer)
    assert (sent.delivery, sent.attempts) == (Delivery.sent, 1)
    assert sent.delivered_at
    await deliver(scene.desk, answer.id)
    async with scene.desk.sessions() as session:
        told = select(Event).where(Event.ticket_id == ticket.id, Event.kind == Kind.reply_sent)
        assert len((await session.scalars(told)).all()) == 1


async def test_a_reply_is_complete(scene: Scene, sent: list[OutboundMessage]):
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(signature="Ada Novak\nLumen Support"))
    asked = mail("Where is it?\nI paid twice.", subject="RE: Aw: Re[2]: Invoice 7", external_id="first@lumen")
    ticket = await scene.receives(asked)
    written = await reply(scene, ticket, "It is attached.", copies=("boss@lumen.example",))
    async with committed(scene.desk.sessions) as session:
        key = await scene.desk.files.put(b"%PDF")
        session.add(
            Attachment(message_id=written.id, name="i.pdf", content_type="application/pdf", size=4, key=key)
        )
    await deliver(scene.desk, written.id)
    (left,) = sent
    assert left.subject == "Re: Invoice 7"
    assert left.to == ("marta@lumen.example",)
    assert left.cc == ("boss@lumen.example",)
    assert left.from_name == "Ada Novak"
    assert (left.in_reply_to, left.references) == ("first@lumen", ("first@lumen",))
    assert left.text.startswith("It is attached.\n\n-- \nAda Novak\nLumen Support\n\nOn ")
    assert left.text.endswith("Marta wrote:\n> Where is it?\n> I paid twice.")
    assert [(a.name, a.content) for a in left.attachments] == [("i.pdf", b"%PDF")]
    stored = await now_of(scene, written)
    assert (stored.delivery, stored.attempts, stored.before) == (Delivery.sent, 1, None)
    assert stored.delivered_at
    assert left.external_id == stored.external_id
    assert (await scene.kinds(ticket))[-1] is Kind.reply_sent


async def test_a_quote_is_announced_in_the_language_of_the_ticket(scene: Scene, sent: list[OutboundMessage]):
    ticket = await scene.receives(mail("¿Dónde está?"))
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).values(language="es"))
    await deliver(scene.desk, (await reply(scene, ticket)).id)
    assert sent[0].text.endswith("Marta escribió:\n> ¿Dónde está?")


async def test_what_the_customer_answers_lands_in_the_same_ticket(scene: Scene, sent: list[OutboundMessage]):
    ticket = await scene.receives()
    await deliver(scene.desk, (await reply(scene, ticket)).id)
    by_token = mail("Thanks!", tokens=(sent[0].reply_token,))
    by_reference = mail("And one more thing", thread=(sent[0].external_id,))
    assert (await scene.receives(by_token)).id == (await scene.receives(by_reference)).id == ticket.id
    await deliver(scene.desk, (await reply(scene, ticket, "You are welcome.")).id)
    assert sent[1].references == (
        sent[0].in_reply_to, sent[0].external_id, by_token.external_id, by_reference.external_id,
    )  # fmt: skip


async def test_nothing_leaves_before_its_time_and_nothing_that_was_withdrawn(
    scene: Scene, sent: list[OutboundMessage]
):
    ticket = await scene.receives()
    written = await reply(scene, ticket, wait=timedelta(seconds=10))
    with pytest.raises(Later) as later:
        await deliver(scene.desk, written.id)
    assert later.value.at == written.send_after
    async with committed(scene.desk.sessions) as session:
        own = await scene.ticket(ticket.id, session)
        own.withdraw(await session.get_one(Message, written.id), by=scene.agents["Ada"])
    with clock.moved(timedelta(seconds=20)):
        await deliver(scene.desk, written.id)
    assert sent == []
    assert await state(scene, written) is None


async def test_the_whole_way_in_and_out(scene: Scene, sent: list[OutboundMessage]):
    """Events, dispatch, jobs: what an agent writes leaves by itself; what is taken back never does."""
    ticket = await scene.receives()
    other = await scene.receives(mail(sender="otto@lumen.example"))
    async with at_work(scene.desk, listeners=False):
        replies = [await reply(scene, ticket, f"{n}") for n in range(5)]
        taken_back = await reply(scene, other, "no", wait=timedelta(seconds=1.5))
        async with committed(scene.desk.sessions) as session:
            own = await scene.ticket(other.id, session)
            own.withdraw(await session.get_one(Message, taken_back.id), by=scene.agents["Ada"])
        last = await reply(scene, other, "yes", wait=timedelta(seconds=2))

        async def all_sent() -> bool:
            return [await state(scene, m) for m in [*replies, last]] == [Delivery.sent] * 6

        await eventually(all_sent, 15)
    to = [(m.to[0], m.text.splitlines()[0]) for m in sent]
    assert [text for who, text in to if who.startswith("marta")] == ["0", "1", "2", "3", "4"]
    assert [text for who, text in to if who.startswith("otto")] == ["yes"]


async def test_what_is_refused_fails_with_words_and_an_agent_may_try_again(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    ticket, (written,) = await from_faulty(scene, inbox, "rejected")
    await deliver(scene.desk, written.id)
    failed = await now_of(scene, written)
    assert (failed.delivery, failed.trouble) == (Delivery.failed, "550 no such user")
    assert (await scene.kinds(ticket))[-1] is Kind.reply_failed
    async with committed(scene.desk.sessions) as session:
        own = await scene.ticket(ticket.id, session)
        own.retry(await session.get_one(Message, written.id), by=scene.agents["Ada"])
    again = await now_of(scene, written)
    assert (again.delivery, again.trouble) == (Delivery.queued, None)
    with pytest.raises(NotFailed):
        own.retry(again, by=scene.agents["Ada"])


async def test_not_now_means_later_and_later_until_two_days_are_over(scene: Scene, inbox: Inbox):
    _, (written,) = await from_faulty(scene, inbox, "unavailable")
    with pytest.raises(Later) as later:
        await deliver(scene.desk, written.id)
    waiting = await now_of(scene, written)
    assert (waiting.delivery, waiting.trouble) == (Delivery.queued, "451 greylisted")
    assert waiting.send_after == later.value.at > clock.now() + timedelta(minutes=14)
    with clock.moved(timedelta(hours=49)):
        await deliver(scene.desk, written.id)
    given_up = await now_of(scene, written)
    assert (given_up.delivery, given_up.trouble) == (Delivery.failed, "451 greylisted")


async def test_where_nobody_can_know_it_goes_once_more_with_the_same_id(
    scene: Scene, inbox: Inbox, tmp_path: Path
):
    ticket, (written,) = await from_faulty(scene, inbox, "uncertain")
    with pytest.raises(Later):
        await deliver(scene.desk, written.id)
    assert await state(scene, written) is Delivery.unknown
    assert (await scene.kinds(ticket))[-1] is Kind.reply_uncertain
    with clock.moved(timedelta(minutes=2)):
        await deliver(scene.desk, written.id)
        await deliver(scene.desk, written.id)
    marked = await now_of(scene, written)
    assert marked.delivery is Delivery.sent
    assert "twice" in (marked.trouble or "")
    ids = [line.split()[0] for line in journal(tmp_path)]
    assert ids == [marked.external_id] * 2


async def test_it_never_goes_a_third_time(
    scene: Scene, sent: list[OutboundMessage], monkeypatch: pytest.MonkeyPatch
):
    async def uncertain(self: LoopbackChannel, message: OutboundMessage) -> Receipt:
        sent.append(message)
        raise Uncertain("Nobody knows.")

    monkeypatch.setattr(LoopbackChannel, "send", uncertain)
    written = await reply(scene, await scene.receives())
    with pytest.raises(Later):
        await deliver(scene.desk, written.id)
    with clock.moved(timedelta(minutes=2)):
        for _ in range(3):
            await deliver(scene.desk, written.id)
    stored = await now_of(scene, written)
    assert (stored.delivery, stored.send_after, stored.trouble) == (Delivery.unknown, None, "Nobody knows.")
    assert len(sent) == 2


async def test_who_finds_an_attempt_without_an_end_says_that_it_may_arrive_twice(
    scene: Scene, sent: list[OutboundMessage]
):
    ticket = await scene.receives()
    written = await reply(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            update(Message).where(Message.id == written.id).values(delivery=Delivery.sending, attempts=1)
        )
    await deliver(scene.desk, written.id)
    stored = await now_of(scene, written)
    assert (stored.delivery, stored.attempts, len(sent)) == (Delivery.sent, 2, 1)
    assert "twice" in (stored.trouble or "")
    assert Kind.reply_uncertain in await scene.kinds(ticket)


async def test_who_was_overtaken_writes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """A frozen worker wakes up after another has taken its job over."""
    written = await reply(scene, await scene.receives())
    frozen, awake = asyncio.Event(), asyncio.Event()

    async def freeze(self: LoopbackChannel, message: OutboundMessage) -> Receipt:
        if frozen.is_set():
            return Receipt(external_id=message.external_id, answer="from the second")
        frozen.set()
        await awake.wait()
        return Receipt(external_id="wrong", answer="from the zombie")

    monkeypatch.setattr(LoopbackChannel, "send", freeze)
    zombie = asyncio.create_task(deliver(scene.desk, written.id))
    await frozen.wait()
    await deliver(scene.desk, written.id)
    awake.set()
    await zombie
    async with scene.desk.sessions() as session:
        events = await session.scalars(select(Event.data).where(Event.kind == Kind.reply_sent))
        assert [data["answer"] for data in events] == ["from the second"]
    assert (await now_of(scene, written)).external_id != "wrong"


async def test_what_cannot_be_prepared_says_why_and_waits(scene: Scene, sent: list[OutboundMessage]):
    """A channel that is not installed any more, a file that is gone: the agent reads it at the reply."""
    ticket = await scene.receives()
    written = await reply(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Inbox).values(channel="pigeons"))
    with pytest.raises(Later):
        await deliver(scene.desk, written.id)
    waiting = await now_of(scene, written)
    assert waiting.delivery is Delivery.queued
    assert "There is no channel named 'pigeons'" in (waiting.trouble or "")
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Inbox).values(channel="loopback"))
        session.add(
            Attachment(message_id=written.id, name="a.txt", content_type="text/plain", size=1, key="00" * 32)
        )
    with clock.moved(timedelta(hours=2)):
        await deliver(scene.desk, written.id)
    failed = await now_of(scene, written)
    assert failed.delivery is Delivery.failed
    assert failed.trouble == "The attachment a.txt is missing from the desk's files."
    assert sent == []
