"""Taking back what rules did, for a day, except what somebody has changed since."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import clock, rules
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.labels import tags_called
from helpdesk.people import Agent, with_access
from helpdesk.rules import RuleRun, TooLate, Undone
from helpdesk.rules.doing import locked
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Priority
from tests.rules_at_work import CREATED, URGENT, names, runs, settle, stands, tag, tags_of, there_is, told
from tests.scenes import Scene, mail


async def ada(scene: Scene, session: AsyncSession) -> Agent:
    return await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())


async def undo(scene: Scene, run: RuleRun) -> Undone:
    async with committed(scene.desk.sessions) as session:
        found = await session.get_one(RuleRun, run.id)
        return await rules.undo(session, found, by=await ada(scene, session))


async def test_a_run_is_taken_back_whole(scene: Scene):
    """The ticket is as it was, nobody's rules are asked about that, and it cannot be done twice."""
    resolve = {"verb": "status", "status": BUILT_IN[Category.resolved]}
    assign = {"verb": "assign", "agent": scene.agents["Liam"].id}
    await there_is(scene, "All", CREATED, URGENT, assign, tag("one", "two"), resolve)
    await there_is(scene, "Again", {"on": "changed", "field": "priority", "now": ["normal"]}, URGENT)
    before = await scene.receives()
    await settle(scene)
    (run,) = await runs(scene, before)
    assert (await stands(scene, before)).category is Category.resolved
    found = await undo(scene, run)
    assert (found.given_back, found.kept, found.runs) == (4, [], 1)
    await settle(scene)
    now = await stands(scene, before)
    assert (now.priority, now.assignee_id, tags_of(now)) == (Priority.normal, None, [])
    assert (now.category, now.waiting_since) == (Category.new, before.waiting_since)
    assert now.next_due_at == before.next_due_at
    assert await names(scene, before) == ["All"], "what an undo changes is no occasion"
    (event,) = await told(scene, before, Kind.rule_undone)
    assert (event.data["run"], event.actor_id) == (run.id, scene.agents["Ada"].id)
    with pytest.raises(TooLate):
        await undo(scene, run)


async def test_what_somebody_changed_since_is_left_alone_and_said(scene: Scene):
    """Another tag does not matter; the same tag does, and so does the priority."""
    await there_is(scene, "All", CREATED, URGENT, tag("one", "two"), {"verb": "note", "text": "Seen"})
    ticket = await scene.receives()
    await settle(scene)
    await scene.does(ticket, "prioritise", Priority.low, by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        held = await locked(session, ticket.id)
        assert held
        held.tag(*await tags_called(session, ["mine"], by=scene.agents["Ada"]), by=scene.agents["Ada"])
    found = await undo(scene, (await runs(scene, ticket))[0])
    assert (found.given_back, found.kept) == (1, ["note", "priority"])
    now = await stands(scene, ticket)
    assert (now.priority, tags_of(now)) == (Priority.low, ["mine"])


async def test_a_mail_that_has_not_left_is_taken_back(scene: Scene):
    await there_is(scene, "Thanks", CREATED, URGENT, {"verb": "reply", "text": "Thank you."})
    ticket = await scene.receives()
    await settle(scene)
    found = await undo(scene, (await runs(scene, ticket))[0])
    assert (found.given_back, found.kept) == (2, [])
    assert (await scene.messages(ticket))[-1].withdrawn_at


async def test_after_a_day_it_stays(scene: Scene):
    await there_is(scene, "Urgent", CREATED, URGENT)
    ticket = await scene.receives()
    await settle(scene)
    (run,) = await runs(scene, ticket)
    with clock.moved(timedelta(hours=23)):
        assert rules.can_be_undone(run)
    with clock.moved(timedelta(hours=25)), pytest.raises(TooLate):
        await undo(scene, run)


async def test_everything_since_an_instant_in_batches(scene: Scene):
    """A rule that was wrong for an hour: its runs go back, newest first; those before stay."""
    rule = await there_is(scene, "Wrong", CREATED, URGENT)
    early = await scene.receives(mail(sender="early@acme.example"))
    await settle(scene)
    since = clock.now()
    late = [await scene.receives(mail(sender=f"c{n}@acme.example")) for n in range(5)]
    await settle(scene)
    left, done = True, []
    while left:
        async with committed(scene.desk.sessions) as session:
            kept = await rules.one(session, rule.id)
            found = await rules.undo_since(session, kept, since, by=await ada(scene, session), limit=2)
        left = found.more
        done.append(found.runs)
    assert done == [2, 2, 1]
    assert (await stands(scene, early)).priority is Priority.urgent
    assert {(await stands(scene, one)).priority for one in late} == {Priority.normal}
