"""A dry run says which tickets a rule would have changed, and changes none."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from helpdesk import clock
from helpdesk.database import committed
from helpdesk.events import Event
from helpdesk.labels import Tag
from helpdesk.people import Agent, with_access
from helpdesk.rules import Rule, shelf
from helpdesk.rules.foreseeing import Foreseen, foresee
from helpdesk.rules.reading import BadRule
from helpdesk.tickets import Priority
from tests.scenes import Scene, mail

HIGH = {"verb": "priority", "priority": "high"}


async def _foreseen(scene: Scene, by: str = "Ada", **given: Any) -> Foreseen:
    values: dict[str, Any] = {"name": "A rule", "triggers": [{"on": "created"}], "actions": [HIGH], **given}
    async with committed(scene.desk.sessions) as session:
        who = await session.scalars(
            select(Agent).where(Agent.id == scene.agents[by].id).options(*with_access())
        )
        agent = who.unique().one()
        rule = await shelf.checked(session, shelf.Given(**values), by=agent)
        return await foresee(session, rule, agent=agent)


async def test_each_ticket_of_the_time_is_asked_and_none_is_changed(scene: Scene):
    first, second = await scene.receives(), await scene.receives(mail(sender="b@lumen.example"))
    with clock.moved(timedelta(minutes=1)):
        await scene.does(second, "prioritise", Priority.high, by=scene.agents["Ada"])
    async with scene.desk.sessions() as session:
        before = await session.scalar(select(func.count(Event.id)))
    with clock.moved(timedelta(minutes=2)):
        found = await _foreseen(scene)
    assert (found.moments, found.matched, found.tickets, found.cut) == (2, 2, 2, False)
    assert {hit.number for hit in found.hits} == {first.number, second.number}, "it was normal when it came"
    (hit,) = [hit for hit in found.hits if hit.number == second.number]
    assert hit.done == [
        {
            "verb": "priority",
            "given": {"priority": "high"},
            "before": {"priority": "normal"},
            "after": {"priority": "high"},
        }
    ]
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count(Event.id))) == before
        assert await session.scalar(select(func.count(Rule.id))) == 0


async def test_what_was_so_already_is_no_change(scene: Scene):
    ticket = await scene.receives()
    with clock.moved(timedelta(hours=1)):
        await scene.does(ticket, "prioritise", Priority.high, by=scene.agents["Ada"])
    with clock.moved(timedelta(hours=2)):
        await scene.replies(ticket)
        found = await _foreseen(scene, triggers=[{"on": "replied"}])
    assert (found.matched, found.tickets) == (1, 0)


async def test_it_is_judged_by_what_the_ticket_was(scene: Scene):
    ticket = await scene.receives()
    with clock.moved(timedelta(hours=1)):
        await scene.does(ticket, "resolve", by=scene.agents["Ada"])
        new = {"kind": "where", "field": "category", "operator": "is", "value": "new"}
        found = await _foreseen(scene, condition=new)
        assert (found.tickets, found.by_today) == (1, [])
        gone = {"kind": "where", "field": "settled", "operator": "is", "value": True}
        assert (await _foreseen(scene, condition=gone)).tickets == 0


async def test_what_nothing_tells_of_is_judged_by_today_and_said(scene: Scene):
    await scene.receives()
    asked = {"kind": "where", "field": "subject", "operator": "contains", "value": "question"}
    found = await _foreseen(scene, condition=asked)
    assert (found.tickets, [where.field for where in found.by_today]) == (1, ["subject"])


async def test_from_one_value_to_another(scene: Scene):
    ticket = await scene.receives()
    for minutes, priority in (
        (1, Priority.low),
        (2, Priority.urgent),
        (3, Priority.low),
        (4, Priority.urgent),
    ):
        with clock.moved(timedelta(minutes=minutes)):
            await scene.does(ticket, "prioritise", priority, by=scene.agents["Ada"])
    urgent = {"on": "changed", "field": "priority", "was": ["low"], "now": ["urgent"]}
    with clock.moved(timedelta(minutes=5)):
        found = await _foreseen(scene, triggers=[urgent], actions=[{"verb": "tag", "tags": ["fire"]}])
    assert (found.moments, found.tickets, found.hits[0].times) == (2, 1, 2)
    assert found.hits[0].done[0]["after"] == {"tags": ["fire"]}
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count(Tag.id))) == 0, "tags that it would make are not made"


@pytest.mark.parametrize(("silence", "expected"), [("us", 1), ("customer", 1), ("anybody", 2)])
async def test_silences_of_the_past(scene: Scene, silence: str, expected: int):
    """Asked at 0 h, answered at 3 h; two hours of silence passed before it and after it."""
    ticket = await scene.receives()
    with clock.moved(timedelta(hours=3)):
        await scene.replies(ticket)
    with clock.moved(timedelta(hours=9)):
        idle = {"on": "idle", "minutes": 120, "silence": silence}
        found = await _foreseen(scene, triggers=[idle])
        assert (found.moments, found.tickets) == (expected, 1)
    with clock.moved(timedelta(hours=4)):
        found = await _foreseen(scene, triggers=[idle | {"minutes": 200}])
        assert found.moments == 0


async def test_a_round_is_asked_of_what_would_be_there_now(scene: Scene):
    await scene.receives()
    ticket = await scene.receives(mail(sender="b@lumen.example"))
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    weekly = {"on": "schedule", "schedule": {"every": "week", "days": [0], "at": "08:00"}}
    assert (await _foreseen(scene, triggers=[weekly])).tickets == 1


async def test_steps_follow_from_each_other(scene: Scene):
    await scene.receives()
    twice = [
        {"verb": "tag", "tags": ["a"]},
        {"verb": "tag", "tags": ["a", "b"]},
        {"verb": "tag", "tags": ["b"]},
    ]
    found = await _foreseen(scene, actions=twice)
    assert [step["before"]["tags"] for step in found.hits[0].done] == [[], ["a"]]


async def test_words_are_always_something(scene: Scene):
    await scene.receives()
    found = await _foreseen(scene, actions=[{"verb": "note", "text": "Look here"}])
    assert found.hits[0].done == [
        {"verb": "note", "given": {"text": "Look here"}, "before": None, "after": None}
    ]


async def test_only_what_the_agent_may_know_of(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "move", scene.teams["Technical"], by=scene.agents["Ada"])
    assert (await _foreseen(scene, by="Ada")).tickets == 1
    assert (await _foreseen(scene, by="Liam")).moments == 0


async def test_only_the_last_days(scene: Scene):
    await scene.receives()
    with clock.moved(timedelta(days=31)):
        assert (await _foreseen(scene)).moments == 0


async def test_a_rule_that_names_what_is_gone_says_so(scene: Scene):
    with pytest.raises(BadRule):
        await _foreseen(scene, actions=[{"verb": "team", "team": 999}])
