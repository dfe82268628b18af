"""One change to many tickets, and how it is taken back."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import bulk, clock
from helpdesk.bulk import BulkChange, BulkState, Verb
from helpdesk.bulk.commands import NothingChosen
from helpdesk.changes import TooLate
from helpdesk.database import committed
from helpdesk.errors import Forbidden, NotFound
from helpdesk.events import UNDONE, Event, Kind
from helpdesk.people import Agent, Role, with_access
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from tests.scenes import Scene, mail
from workers.bulk import change_many


@pytest.fixture
async def tickets(scene: Scene) -> list[Ticket]:
    return [await scene.receives(mail(f"Question {n}", sender=f"p{n}@there.example")) for n in range(5)]


async def agent(scene: Scene, session: AsyncSession, name: str = "Ada") -> Agent:
    return await session.get_one(Agent, scene.agents[name].id, options=with_access(), populate_existing=True)


async def changes(
    scene: Scene, chosen: Sequence[Ticket] | None, verb: Verb, by: str = "Ada", **given: Any
) -> BulkChange:
    where = Ticket.id.in_([t.id for t in chosen]) if chosen is not None else true()
    async with committed(scene.desk.sessions) as session:
        return await bulk.begin(session, await agent(scene, session, by), verb, given, where=where)


async def undoes(scene: Scene, made: BulkChange, by: str = "Ada") -> BulkChange:
    async with committed(scene.desk.sessions) as session:
        return await bulk.undo(session, made.id, by=await agent(scene, session, by))


async def every(scene: Scene, attribute: str) -> list[Any]:
    return [getattr(ticket, attribute) for ticket in await scene.tickets()]


GIVEN: dict[Verb, Callable[[Scene], dict[str, Any]]] = {
    Verb.assign: lambda scene: {"agent": scene.agents["Liam"].id},
    Verb.team: lambda scene: {"team": scene.teams["Technical"].id},
    Verb.status: lambda scene: {"status": BUILT_IN[Category.resolved]},
    Verb.priority: lambda scene: {"priority": "urgent"},
    Verb.tag: lambda scene: {"tags": ["refund", "2026"]},
    Verb.snooze: lambda scene: {"until": None},
    Verb.spam: lambda scene: {},
    Verb.trash: lambda scene: {},
}
SEEN = (
    "category",
    "status_id",
    "assignee_id",
    "team_id",
    "priority",
    "snoozed_until",
    "removed",
    "waiting_since",
)


@pytest.mark.parametrize("verb", GIVEN)
async def test_each_change_is_done_told_and_taken_back(scene: Scene, tickets: list[Ticket], verb: Verb):
    before = [await every(scene, name) for name in SEEN]
    made = await changes(scene, tickets, verb, **GIVEN[verb](scene))
    assert (made.state, made.total, made.changed) == (BulkState.done, 5, 5)
    if verb is not Verb.tag:
        assert [await every(scene, name) for name in SEEN] != before
    async with scene.desk.sessions() as session:
        told = select(func.count(Event.ticket_id.distinct())).where(
            Event.data["bulk"].as_integer() == made.id
        )
        assert await session.scalar(told) == 5
        command = select(func.count()).where(Event.kind == Kind.bulk_changed, Event.about_id == made.id)
        assert await session.scalar(command) == 1
        last = await session.scalar(select(func.max(Event.id)))
    undone = await undoes(scene, made)
    async with scene.desk.sessions() as session:  # rules are not asked about it, or they would do it again
        since = select(Event.data).where(Event.id > last, Event.ticket_id.is_not(None))
        back = (await session.scalars(since)).all()
    assert len(back) >= 5
    assert all(data[UNDONE] == made.id for data in back)
    assert (undone.state, undone.restored, undone.kept) == (BulkState.undone, 5, 0)
    assert [await every(scene, name) for name in SEEN] == before
    with pytest.raises(TooLate):
        await undoes(scene, made)


async def test_tags_are_taken_only_from_whom_the_command_gave_them(scene: Scene, tickets: list[Ticket]):
    await changes(scene, tickets[:1], Verb.tag, tags=["refund"])
    made = await changes(scene, tickets, Verb.tag, tags=["refund"])
    assert (made.changed, made.unchanged) == (4, 1)
    await undoes(scene, made)
    async with scene.desk.sessions() as session:
        left = await session.scalars(text("SELECT ticket_id FROM ticket_tag"))
        assert list(left) == [tickets[0].id]
    removed = await changes(scene, tickets, Verb.untag, tags=["refund"])
    assert removed.changed == 1


async def test_undoing_leaves_alone_what_somebody_changed_since(scene: Scene, tickets: list[Ticket]):
    """Even where they changed it and back again: it is theirs now."""
    liam, tess = scene.agents["Liam"], scene.agents["Tess"]
    made = await changes(scene, tickets, Verb.assign, agent=liam.id)
    await scene.does(tickets[0], "assign", tess, by=scene.agents["Ada"])
    await scene.does(tickets[1], "assign", tess, by=scene.agents["Ada"])
    await scene.does(tickets[1], "assign", liam, by=scene.agents["Ada"])
    await scene.does(tickets[2], "prioritise", Priority.high, by=scene.agents["Ada"])
    undone = await undoes(scene, made)
    assert (undone.restored, undone.kept) == (3, 2)
    assert await every(scene, "assignee_id") == [tess.id, liam.id, None, None, None]
    assert (await every(scene, "priority"))[2] is Priority.high


async def test_only_what_the_agent_may_change_is_changed_and_the_numbers_are_said_before(
    scene: Scene, tickets: list[Ticket]
):
    await scene.does(tickets[0], "move", scene.teams["Technical"], by=scene.agents["Ada"])
    where = Ticket.id.in_([t.id for t in tickets])
    async with scene.desk.sessions() as session:
        seen = await bulk.foresee(session, await agent(scene, session, "Liam"), Verb.priority, where=where)
    assert (seen.chosen, seen.changeable) == (4, 4)
    made = await changes(scene, tickets, Verb.priority, "Liam", priority="low")
    assert made.total == 4
    assert (await every(scene, "priority")).count(Priority.low) == 4
    with pytest.raises(NothingChosen):
        await changes(scene, tickets[:1], Verb.priority, "Liam", priority="low")
    with pytest.raises(NotFound):
        await undoes(scene, made, "Ada")


async def test_a_light_agent_changes_nothing_in_bulk(scene: Scene, tickets: list[Ticket]):
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Agent, scene.agents["Liam"].id)).role = Role.light_agent
    with pytest.raises(Forbidden):
        await changes(scene, tickets, Verb.priority, "Liam", priority="low")


async def test_after_ten_minutes_it_stays(scene: Scene, tickets: list[Ticket]):
    made = await changes(scene, tickets, Verb.trash)
    with clock.moved(timedelta(minutes=11)), pytest.raises(TooLate):
        await undoes(scene, made)
    assert set(await every(scene, "removed")) == {Removal.trash}


async def test_one_that_is_refused_takes_no_other_with_it(scene: Scene, tickets: list[Ticket]):
    await scene.does(tickets[2], "resolve", by=scene.agents["Ada"])
    made = await changes(scene, tickets, Verb.snooze, until=None)
    assert (made.changed, made.unchanged) == (4, 1)
    assert (await every(scene, "snoozed_until")).count(NEXT_REPLY) == 4


async def test_many_are_merged_into_one_and_parted_again(scene: Scene, tickets: list[Ticket]):
    made = await changes(scene, tickets, Verb.merge, into=tickets[2].number)
    assert (made.total, made.changed) == (4, 4)
    assert len(await scene.messages(tickets[2])) == 5
    await undoes(scene, made)
    assert [len(await scene.messages(ticket)) for ticket in tickets] == [1] * 5
    assert set(await every(scene, "removed")) == {None}
    assert (await scene.ticket(tickets[2].id)).preview == "Question 2"


async def test_a_whole_view_of_ten_thousand_is_changed_in_batches_and_back(scene: Scene):
    first = await scene.receives()
    copied = [
        c.name for c in Ticket.__table__.columns if c.name not in {"id", "number", "reply_key", "settled"}
    ]
    columns = ", ".join(copied)
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            text(
                f"INSERT INTO ticket ({columns}, reply_key) SELECT {columns}, "
                "decode(lpad(to_hex(n), 32, '0'), 'hex') FROM ticket, generate_series(1, 1200) n WHERE id = :id"
            ),
            {"id": first.id},
        )
    made = await changes(scene, None, Verb.priority, priority="high")
    assert (made.state, made.total, made.changed) == (BulkState.queued, 1201, 0)
    async with committed(scene.desk.sessions) as session:
        assert await bulk.work(session)  # one batch, and then the worker is killed
    async with scene.desk.sessions() as session:
        half = await session.get_one(BulkChange, made.id)
        assert 0 < half.changed < 1201
    await change_many(scene.desk)
    async with scene.desk.sessions() as session:
        done = await session.get_one(BulkChange, made.id)
        assert (done.state, done.changed) == (BulkState.done, 1201)
        high = select(func.count()).select_from(Ticket).where(Ticket.priority == Priority.high)
        assert await session.scalar(high) == 1201
    undone = await undoes(scene, made)
    assert undone.state is BulkState.undoing
    await change_many(scene.desk)
    async with scene.desk.sessions() as session:
        assert await session.scalar(high) == 0
        assert (await session.get_one(BulkChange, made.id)).restored == 1201
