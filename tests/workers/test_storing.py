"""Messages of different senders are stored together, and none pays for another."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import intake
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.messages import InboundMessage, Message, Upload
from tests.scenes import Scene, mail
from workers.storing import Storing


async def kept(scene: Scene, count: int) -> list[Kept]:
    async with committed(scene.desk.sessions) as session:
        await intake.keep(session, scene.inbox.id, [(b"raw", uuid4().hex) for _ in range(count)])
    async with committed(scene.desk.sessions) as session:
        return list(await intake.claim(session))


def storing(scene: Scene) -> Storing:
    async def surely(work: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with committed(scene.desk.sessions) as session:
            await work(session)

    return Storing(scene.desk, surely)


async def stored(scene: Scene, mails: list[InboundMessage]) -> list[BaseException | None]:
    """What came of each; all are ready at the same moment."""
    hands, rows = storing(scene), await kept(scene, len(mails))
    return await asyncio.gather(
        *(hands.store(row, inbound) for row, inbound in zip(rows, mails, strict=True)), return_exceptions=True
    )


async def states(scene: Scene) -> dict[KeptState, int]:
    async with scene.desk.sessions() as session:
        rows = await session.execute(select(Kept.state, func.count()).group_by(Kept.state))
        return dict(rows.tuples().all())


async def test_many_cost_hardly_more_statements_than_one(scene: Scene):
    """Known senders' mails: each may cost two statements of its own at most."""
    senders = [f"c{n}@lumen.example" for n in range(15)]
    assert await stored(scene, [mail(sender=sender) for sender in senders]) == [None] * 15
    seen: list[str] = []
    listen = (scene.desk.engine.sync_engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    event.listen(*listen)
    try:
        assert await stored(scene, [mail(sender=sender) for sender in senders]) == [None] * 15
    finally:
        event.remove(*listen)
    assert len(seen) < 40
    tickets = await scene.tickets()
    assert len({ticket.number for ticket in tickets}) == len(tickets) == 30
    assert all(ticket.policy_id for ticket in tickets)
    assert await states(scene) == {KeptState.received: 30}


async def test_one_that_cannot_be_stored_leaves_the_others_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """A file that cannot be written fails its own message and no other."""

    async def put(content: bytes) -> str:
        raise OSError("the disk is broken")

    monkeypatch.setattr(scene.desk.files, "put", put)
    bad = mail(
        sender="c2@lumen.example",
        attachments=(Upload(name="x.png", content_type="image/png", content=b"x"),),
    )
    mails = [mail(sender=f"c{n}@lumen.example") for n in range(5)]
    outcome = await stored(scene, [*mails[:2], bad, *mails[3:]])
    assert [type(each) for each in outcome] == [type(None), type(None), OSError, type(None), type(None)]
    assert await states(scene) == {KeptState.received: 4, KeptState.kept: 1}
    assert len(await scene.tickets()) == 4


async def test_the_same_mail_to_two_inboxes_is_one_ticket_still(scene: Scene):
    """The second one waits for the first: they have one sender, so they are never stored together."""
    sales = Inbox(
        name="Sales",
        channel="loopback",
        address="sales@desk.example",
        sealed_settings=scene.desk.keys.seal({}),
    )
    async with committed(scene.desk.sessions) as session:
        session.add(sales)
    both = mail(sender="marta@lumen.example")
    first = await scene.receives(both)
    assert (await scene.receives(both, inbox=sales)).id == first.id


async def test_what_one_id_says_twice_from_two_senders_is_kept_twice(scene: Scene):
    """A copied Message-ID suppresses nobody's mail, stored together or not."""
    one = mail("Hello", sender="a@lumen.example", external_id="same@evil.example")
    other = mail("Other words", sender="b@evil.example", external_id="same@evil.example")
    assert await stored(scene, [one, other]) == [None, None]
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Message)) == 2


async def test_answers_are_stored_alone(scene: Scene):
    """They lock their ticket, and two locked crosswise would wait for each other for ever."""
    assert intake.stands_alone(mail())
    assert not intake.stands_alone(mail(thread=("an-id@desk.example",)))
    assert not intake.stands_alone(mail(tokens=("token",)))
    assert not intake.stands_alone(mail(automatic=True))
