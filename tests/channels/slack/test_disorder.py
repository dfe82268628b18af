"""Payloads come in any order and more than once; whatever the order, the ticket ends the same."""

from typing import Any

import pytest
from sqlalchemy import select

from channels.slack import acting
from helpdesk import aside
from helpdesk.database import committed
from helpdesk.errors import NotFound
from helpdesk.intake import Kept, KeptState
from tests.channels.slack.conftest import Room
from tests.channels.slack.fake import FakeSlack
from tests.channels.slack.test_conversations import SHARED


async def test_what_was_taken_back_before_it_arrived_ends_taken_back(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "My password is swordfish")
    gone = slack.deletes(SHARED, asked["event"]["ts"])
    await room.hears(gone, asked, gone, asked)
    (ticket,) = await room.tickets()
    assert await room.texts(ticket) == ["(taken back in Slack)"]


async def test_the_newest_change_holds_whatever_comes_last(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "It fails")
    ts = asked["event"]["ts"]
    first, second = slack.edits(SHARED, ts, "It fails at one"), slack.edits(SHARED, ts, "It fails at two")
    gone = slack.deletes(SHARED, ts)
    await room.hears(second, first, asked, first)
    (ticket,) = await room.tickets()
    assert await room.texts(ticket) == ["It fails at two"]
    await room.hears(gone, second)
    assert await room.texts(ticket) == ["(taken back in Slack)"]


async def test_a_reply_before_its_parent_and_marks_on_what_nobody_knows(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "It fails")
    reply = slack.says("U0BEN", "With me, too", thread_ts=asked["event"]["ts"])
    nothing = slack.reacts("U0BEN", "ticket", SHARED, "1.1")
    await room.hears(reply, nothing, asked, nothing, reply)
    (ticket,) = await room.tickets()
    assert sorted(await room.texts(ticket)) == ["It fails", "With me, too"]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    async def fails(_case: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    with monkeypatch.context() as patched:
        patched.setattr(acting, "pressed", fails)
        yield patched


async def test_what_fails_for_ever_waits_for_an_admin(room: Room, slack: FakeSlack, broken: Any):
    await room.hears(slack.says("U0MARTA", "It fails"))
    (ticket,) = await room.tickets()
    for _number in range(2):
        await room.hears(slack.presses("U0ADA", "desk:resolve", str(ticket.id)))
    ada = room.scene.agents["Ada"]
    async with committed(room.desk.sessions) as session:
        dropped, again = await aside.listed(session, room.inbox.id)
        assert [one.why for one in (dropped, again)] == ["a mistake of ours"] * 2
        assert [one.number for one in await aside.counts(session)] == [2]
        await aside.drop(session, room.inbox.id, dropped.id, by=ada)
        await aside.try_again(session, room.inbox.id, again.id)
        with pytest.raises(NotFound):
            await aside.try_again(session, room.inbox.id, dropped.id)
    broken.undo()
    await room.interprets()
    assert (await room.scene.ticket(ticket.id)).is_settled
    async with room.desk.sessions() as session:
        assert not await aside.listed(session, room.inbox.id)
        left = await session.scalar(select(Kept).where(Kept.id == dropped.id))
        assert left
        assert (left.state, left.raw) == (KeptState.settled, b"")
