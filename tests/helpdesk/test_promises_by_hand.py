"""A policy that somebody chose for one ticket: it holds until the choice is given back to conditions."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import sla
from helpdesk.calendars import Calendar
from helpdesk.conditions import BadCondition
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.labels import tags_called
from helpdesk.sla import Entry, Policy, due, matching
from helpdesk.sla.matching import PolicyOff
from helpdesk.tickets import Priority, Ticket
from tests.helpdesk.test_merging import merge, unmerge
from tests.helpdesk.test_promises import MONDAY, TARGETS, WEEK, answer, at, clocks, due_times, wall
from tests.scenes import Scene, mail

FAST = {"normal": {"first_response": 15, "resolution": 60}, "urgent": {"first_response": 5, "resolution": 30}}
NEVER = {"kind": "any", "of": []}


@pytest.fixture
async def gold(scene: Scene) -> Policy:
    """It fits no ticket, so only a hand can choose it."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Calendar).values(week=WEEK))
        calendar = await session.scalar(select(Calendar))
        assert calendar
        gold = Policy(name="Gold", position=9, condition=NEVER, calendar=calendar, targets=FAST)
        session.add(gold)
    return gold


async def fix(scene: Scene, ticket: Ticket, policy: Policy | None) -> None:
    async with committed(scene.desk.sessions) as session:
        query = select(Policy).where(Policy.id == policy.id) if policy else None
        found = None if query is None else await session.scalar(query.options(joinedload(Policy.calendar)))
        matching.fix(await scene.ticket(ticket.id, session), found, by=scene.agents["Ada"])


async def changes(scene: Scene, ticket: Ticket) -> list[dict[str, object]]:
    async with scene.desk.sessions() as session:
        query = select(Event.data).where(Event.ticket_id == ticket.id, Event.kind == Kind.policy_changed)
        return list(await session.scalars(query.order_by(Event.id)))


async def test_who_chose_and_who_gave_it_back_is_written_down(scene: Scene, gold: Policy):
    with at(MONDAY):
        ticket = await scene.receives()
        standard = ticket.policy_id
        await fix(scene, ticket, gold)
        await fix(scene, ticket, gold)
        assert await due_times(scene, ticket) == {"first_response": "Mon 10:15", "resolution": "Mon 11:00"}
        await fix(scene, ticket, None)
        assert (await scene.ticket(ticket.id)).policy_id == standard
    first, second, third = await changes(scene, ticket)
    assert first == {"was": standard, "now": gold.id, "name": "Gold", "fixed": True}
    assert (second["fixed"], third["now"]) == (False, standard)


async def test_the_same_policy_is_chosen_so_that_it_stays(scene: Scene, gold: Policy):
    """To choose what holds already changes no due time, and holds it fast."""
    async with committed(scene.desk.sessions) as session:
        urgent = {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}
        calendar = await session.scalar(select(Calendar))
        assert calendar
        session.add(Policy(name="Fire", position=-1, condition=urgent, calendar=calendar, targets=FAST))
        standard = await session.scalar(select(Policy).where(Policy.name == "Standard"))
    with at(MONDAY):
        ticket = await scene.receives()
        before = await due_times(scene, ticket)
        await fix(scene, ticket, standard)
        assert await due_times(scene, ticket) == before
        await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
        assert (await scene.ticket(ticket.id)).policy_id == ticket.policy_id


async def test_a_choice_outlives_what_else_the_same_request_changed(scene: Scene, gold: Policy):
    with at(MONDAY):
        ticket = await scene.receives()
        async with committed(scene.desk.sessions) as session:
            found = await scene.ticket(ticket.id, session)
            query = select(Policy).where(Policy.name == "Gold").options(joinedload(Policy.calendar))
            found.prioritise(Priority.urgent, by=scene.agents["Ada"])
            await session.execute(update(Policy).values(condition={"kind": "all", "of": []}))
            sla.reconsider(found, sla.ANYTHING)
            matching.fix(found, await session.scalar(query), by=scene.agents["Ada"])
        assert (await scene.ticket(ticket.id)).policy_id == gold.id


async def test_a_policy_that_is_off_cannot_be_chosen(scene: Scene, gold: Policy):
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Policy).where(Policy.name == "Gold").values(active=False))
    with pytest.raises(PolicyOff):
        await fix(scene, ticket, gold)


async def test_chosen_before_the_customer_wrote_it_promises_from_their_first_words(
    scene: Scene, gold: Policy
):
    """Nothing is promised to a machine; a policy that somebody chose meanwhile counts once a person writes."""
    with at(MONDAY):
        ticket = await scene.receives(mail("I am away", automatic=True))
        await fix(scene, ticket, gold)
        assert await clocks(scene, ticket) == {}
    with at(MONDAY + timedelta(minutes=30)):
        await scene.receives(answer(scene, ticket))
        assert wall((await scene.ticket(ticket.id)).next_due_at) == "Mon 10:45"


async def test_a_policy_that_promises_answers_to_every_question_promises_the_first_one_too(scene: Scene):
    """Without a target for the first response, the customer's first question has the next response's."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Policy).values(targets={"normal": {"next_response": 60}}))
        await session.execute(update(Calendar).values(week=WEEK))
    with at(MONDAY):
        ticket = await scene.receives()
        assert await due_times(scene, ticket) == {"next_response": "Mon 11:00"}
        await scene.replies(ticket)
        assert await due_times(scene, ticket) == {"next_response.0": "Mon 11:00"}


async def test_an_imported_ticket_is_promised_an_answer_whoever_loaded_it(scene: Scene):
    """Its clocks are not at hand where a mail comes in: the fact waits for the commit, and is heard there."""
    with at(MONDAY):
        ticket = await scene.receives(mail("I am away", automatic=True))
        async with committed(scene.desk.sessions) as session:
            bare = await session.get_one(Ticket, ticket.id)
            assert "clocks" not in bare.__dict__
            sla.tell(bare, Kind.message_received, MONDAY, by=DESK, since=MONDAY)
        assert (await scene.ticket(ticket.id)).next_due_at is not None


async def test_a_change_that_brings_another_policy_is_judged_by_that_one_alone(scene: Scene):
    """By the policy that goes, an urgent ticket's answer would have been due long ago: nobody is told that it is late,
    and nobody is warned, since the policy that comes promises it for later."""
    urgent = {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Calendar).values(week=WEEK))
        await session.execute(update(Policy).values(targets={**TARGETS, "urgent": {"first_response": 5}}))
        calendar = await session.scalar(select(Calendar))
        assert calendar
        slow = {"urgent": {"first_response": 90, "resolution": 480}}
        session.add(Policy(name="Fire", position=-1, condition=urgent, calendar=calendar, targets=slow))
    with at(MONDAY):
        ticket = await scene.receives()
    with at(MONDAY + timedelta(minutes=30)):
        await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
        async with committed(scene.desk.sessions) as session:
            await due.record(session)
    found = await clocks(scene, ticket)
    assert (wall(found["first_response"].due_at), found["first_response"].breached_at) == ("Mon 11:30", None)
    told = await scene.kinds(ticket)
    assert Kind.sla_breached not in told
    assert Kind.sla_warned not in told


async def test_what_was_late_before_another_policy_came_stays_late(scene: Scene, gold: Policy):
    """Time passes by the policy that holds until then, whoever changes it."""
    with at(MONDAY):
        ticket = await scene.receives()
    with at(MONDAY + timedelta(hours=6)):
        await fix(scene, ticket, gold)
    breached = [at_ for metric, at_ in await breaches(scene, ticket) if metric == "first_response"]
    assert [wall(one) for one in breached] == ["Mon 15:00"]


async def breaches(scene: Scene, ticket: Ticket) -> list[tuple[str, datetime]]:
    async with scene.desk.sessions() as session:
        query = select(Entry).where(Entry.ticket_id == ticket.id, Entry.step == "breach").order_by(Entry.id)
        return [(one.metric, one.at) for one in await session.scalars(query)]


async def test_tags_that_come_and_go_with_a_merge_choose_the_policy_again(scene: Scene):
    ada = scene.agents["Ada"]
    async with committed(scene.desk.sessions) as session:
        calendar = await session.scalar(select(Calendar))
        assert calendar
        (vip,) = await tags_called(session, ["VIP"], by=ada)
        tagged = {"kind": "where", "field": "tags", "operator": "any_of", "value": [vip.id]}
        session.add(Policy(name="VIP", position=-1, condition=tagged, calendar=calendar, targets=FAST))
    source, target = (
        await scene.receives(),
        await scene.receives(mail("Another", sender="marta@lumen.example")),
    )
    async with committed(scene.desk.sessions) as session:
        query = select(Ticket).where(Ticket.id == source.id).options(selectinload(Ticket.tags))
        ticket = (await session.scalars(query)).one()
        ticket.tag(*await tags_called(session, ["VIP"], by=ada), by=ada)
    fast = (await scene.ticket(source.id)).policy_id
    assert fast != target.policy_id
    made = await merge(scene, source, target)
    assert (await scene.ticket(target.id)).policy_id == fast
    await unmerge(scene, made)
    assert (await scene.ticket(target.id)).policy_id == target.policy_id


def test_a_policy_may_name_what_a_ticket_is_and_nothing_else():
    for field, value in (("unread", True), ("category", "open"), ("team", "mine")):
        with pytest.raises(BadCondition):
            matching.read({"kind": "where", "field": field, "operator": "is", "value": value})
