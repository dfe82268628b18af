"""Rules: when they are asked, in which order, what they do, and where chains of them end."""

from typing import Any

import pytest
from sqlalchemy import func, select, update

from helpdesk import rules
from helpdesk.database import committed
from helpdesk.events import ActorKind, Kind
from helpdesk.people import Agent, with_access
from helpdesk.rules import BadRule, Given, RuleWaiting
from helpdesk.rules.rows import Rule
from helpdesk.rules.running import MOST_AN_HOUR
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Priority
from tests.rules_at_work import (
    CREATED,
    URGENT,
    names,
    runs,
    settle,
    stands,
    tag,
    tags_of,
    there_is,
    told,
    untag,
    where,
)
from tests.scenes import Scene, mail


async def test_what_a_new_ticket_meets_is_done_in_order_and_written_down(scene: Scene):
    """Both rules hold; the run says what was before and after, and each event names its run."""
    await there_is(
        scene, "Refunds", CREATED, URGENT, tag("refund"), when=where("subject", "contains", "refund")
    )
    await there_is(scene, "Others", CREATED, tag("other"), when=where("tags", "is_empty"))
    await there_is(scene, "Off", CREATED, tag("off"), active=False)
    ticket = await scene.receives(mail(subject="A refund, please"))
    other = await scene.receives(mail(subject="Hello", sender="jan@acme.example"))
    await settle(scene)
    assert await names(scene, ticket) == ["Refunds"], "the second was asked after the first had put a tag on"
    assert await names(scene, other) == ["Others"]
    now = await stands(scene, ticket)
    assert now.priority is Priority.urgent
    assert tags_of(now) == ["refund"]
    (run,) = await runs(scene, ticket)
    assert [(each["verb"], each["before"], each["after"]) for each in run.done] == [
        ("priority", {"priority": "normal"}, {"priority": "urgent"}),
        ("tag", {"tags": []}, {"tags": ["refund"]}),
    ]
    assert run.failed == []
    (changed,) = await told(scene, ticket, Kind.priority_changed)
    assert (changed.actor, changed.actor_id, changed.data["run"]) == (ActorKind.rule, run.rule_id, run.id)
    (applied,) = await told(scene, ticket, Kind.rule_applied)
    assert applied.data["did"][0] == {"verb": "priority", "after": {"priority": "urgent"}}
    assert (run.first_event_id or 0) <= changed.id < applied.id == run.last_event_id


async def test_the_first_that_stops_ends_the_asking(scene: Scene):
    await there_is(scene, "First", CREATED, tag("one"), stops=True, when=where("subject", "contains", "stop"))
    second = await there_is(scene, "Second", CREATED, tag("two"))
    stopped = await scene.receives(mail(subject="stop"))
    going = await scene.receives(mail(subject="go", sender="jan@acme.example"))
    await settle(scene)
    assert await names(scene, stopped) == ["First"]
    assert await names(scene, going) == ["Second"]
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        await rules.reorder(session, [second.id], by=ada)
    third = await scene.receives(mail(subject="stop", sender="eva@acme.example"))
    await settle(scene)
    assert await names(scene, third) == ["Second", "First"]


async def test_rules_follow_from_each_other_but_never_in_a_circle(scene: Scene):
    """A puts a tag on, B takes it off, A would put it on again: there the chain ends, and the ticket says so."""
    on = {"on": "changed", "field": "tags", "now": []}
    await there_is(scene, "A", [CREATED, on], tag("ping"), when=where("tags", "is_empty"))
    await there_is(scene, "B", on, untag("ping"), when=where("tags", "is_not_empty"))
    ticket = await scene.receives()
    await settle(scene)
    assert await names(scene, ticket) == ["A", "B"]
    assert [run.chain for run in await runs(scene, ticket)] == [[], [(await runs(scene, ticket))[0].rule_id]]
    (stopped,) = await told(scene, ticket, Kind.rule_stopped)
    assert (stopped.data["name"], stopped.data["because"]) == ("A", "again")


async def test_a_chain_is_cut_when_it_gets_deep(scene: Scene):
    """Each of eight rules follows from the one before."""
    await there_is(scene, "0", CREATED, tag("t0"))
    for n in range(1, 8):
        async with scene.desk.sessions() as session:
            before = await session.scalar(select(rules.Rule.actions).where(rules.Rule.name == str(n - 1)))
            assert before
            number = (await session.execute(select(func.max(_tag_id())))).scalar()
        await there_is(scene, str(n), {"on": "changed", "field": "tags", "now": [number]}, tag(f"t{n}"))
    ticket = await scene.receives()
    await settle(scene)
    assert await names(scene, ticket) == [str(n) for n in range(rules.DEEPEST)]
    (stopped,) = await told(scene, ticket, Kind.rule_stopped)
    assert stopped.data["because"] == "deep"


def _tag_id() -> Any:
    from helpdesk.labels import Tag

    return Tag.id


async def test_one_ticket_meets_so_many_rules_an_hour_and_no_more(scene: Scene):
    """What goes round by way of another program is no chain; this ends it all the same."""
    await there_is(
        scene, "Note it", {"on": "changed", "field": "priority"}, {"verb": "note", "text": "Again"}
    )
    ticket = await scene.receives()
    for n in range(MOST_AN_HOUR + 3):
        priority = Priority.low if n % 2 else Priority.high
        await scene.does(ticket, "prioritise", priority, by=scene.agents["Ada"])
    await settle(scene)
    assert len(await runs(scene, ticket)) == MOST_AN_HOUR
    (stopped,) = await told(scene, ticket, Kind.rule_stopped)
    assert stopped.data["because"] == "often"


async def test_what_it_was_and_what_it_is(scene: Scene):
    """Previous values of everything that `changed` can be about."""
    ada, liam = scene.agents["Ada"], scene.agents["Liam"]
    cases: dict[str, dict[str, Any]] = {
        "raised": {"field": "priority", "was": ["low", "normal"], "now": ["urgent"]},
        "lowered": {"field": "priority", "was": ["urgent"], "now": ["low"]},
        "taken": {"field": "assignee", "was": [""], "now": [ada.id]},
        "passed on": {"field": "assignee", "was": [ada.id], "now": [liam.id]},
        "opened": {"field": "category", "was": ["new"], "now": ["open"]},
        "resolved": {"field": "category", "was": ["waiting"], "now": ["resolved"]},
        "resolved by number": {"field": "status", "now": [BUILT_IN[Category.resolved]]},
        "answered": {"field": "category", "now": ["waiting"]},
        "reopened": {"field": "category", "was": ["resolved"], "now": ["open"]},
        "moved": {"field": "team", "now": [scene.teams["Technical"].id]},
    }
    for name, case in cases.items():
        await there_is(scene, name, {"on": "changed", **case}, {"verb": "note", "text": name})
    ticket = await scene.receives()
    await scene.does(ticket, "assign", ada, by=ada)
    await scene.does(ticket, "assign", liam, by=ada)
    await scene.does(ticket, "prioritise", Priority.high, by=ada)
    await scene.does(ticket, "prioritise", Priority.normal, by=ada)
    await scene.does(ticket, "prioritise", Priority.urgent, by=ada)
    await scene.replies(ticket)
    await scene.does(ticket, "resolve", by=ada)
    await scene.does(ticket, "reopen", by=ada)
    await scene.does(ticket, "move", scene.teams["Technical"], by=ada)
    await settle(scene)
    assert await names(scene, ticket) == [
        "taken",
        "opened",
        "passed on",
        "raised",
        "answered",
        "resolved",
        "resolved by number",
        "reopened",
        "moved",
    ]


async def test_who_said_something(scene: Scene):
    for on in ("received", "replied", "noted", "triaged"):
        await there_is(scene, on, {"on": on}, tag(on))
    ticket = await scene.receives()
    await settle(scene)
    assert await names(scene, ticket) == ["received"]
    await scene.replies(ticket)
    await scene.does(ticket, "note", "He called.", by=scene.agents["Ada"])
    await settle(scene)
    assert await names(scene, ticket) == ["received", "replied", "noted"]


async def test_while_no_rule_waits_for_it_nothing_is_kept(scene: Scene):
    """What happened while a rule was off is not made up for."""
    rule = await there_is(scene, "Later", CREATED, URGENT, active=False)
    first = await scene.receives()
    await settle(scene)
    async with committed(scene.desk.sessions) as session:
        assert await session.scalar(select(func.count()).select_from(RuleWaiting)) == 0
        kept = await rules.one(session, rule.id)
        await rules.switch(session, kept, True, by=scene.agents["Ada"])
    second = await scene.receives(mail(sender="jan@acme.example"))
    await settle(scene)
    assert await runs(scene, first) == []
    assert len(await runs(scene, second)) == 1


async def test_spam_and_what_was_merged_is_left_alone(scene: Scene):
    await there_is(scene, "All", {"on": "received"}, tag("seen"))
    await there_is(scene, "Spam", {"on": "received"}, tag("spam"), when=where("removed", "is", "spam"))
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(type(ticket)).values(removed="spam"))
    await settle(scene)
    assert await names(scene, ticket) == ["Spam"]


async def test_what_it_names_is_gone(scene: Scene):
    """A rule with a deleted tag is not asked, says why, and is asked again when it was put right."""
    rule = await there_is(scene, "Refunds", CREATED, URGENT, tag("refund"))
    async with committed(scene.desk.sessions) as session:
        from helpdesk.labels import Tag, delete_tag

        found = await session.scalar(select(Tag).where(Tag.name == "refund"))
        assert found
        await delete_tag(session, found, by=scene.agents["Ada"])
    ticket = await scene.receives()
    await settle(scene)
    assert await runs(scene, ticket) == []
    assert (await stands(scene, ticket)).priority is Priority.normal, "nothing is done by half"
    async with committed(scene.desk.sessions) as session:
        kept = await session.get_one(Rule, rule.id)
        assert "a tag that is not there any more" in kept.trouble
        await rules.switch(session, kept, False, by=scene.agents["Ada"])
        with pytest.raises(BadRule):
            await rules.switch(session, kept, True, by=scene.agents["Ada"])
        await rules.keep(session, kept, Given("Refunds", [CREATED], [URGENT]), by=scene.agents["Ada"])
        assert kept.trouble == ""


BAD: list[tuple[str, dict[str, Any]]] = [
    ("name", {"name": " "}),
    ("triggers", {"triggers": []}),
    ("triggers.0", {"triggers": [{"on": "never"}]}),
    ("triggers.0.field", {"triggers": [{"on": "changed", "field": "mood"}]}),
    ("triggers.0.minutes", {"triggers": [{"on": "idle"}]}),
    ("triggers.0.schedule", {"triggers": [{"on": "schedule"}]}),
    ("triggers.0.schedule", {"triggers": [{"on": "schedule", "schedule": {"every": "week", "at": "08:00"}}]}),
    ("triggers.0.metric", {"triggers": [{"on": "warned", "metric": "love"}]}),
    ("condition", {"condition": where("assignee", "is", "me")}),
    ("condition", {"condition": where("unread", "is", True)}),
    ("condition", {"condition": where("moon", "is", "full")}),
    ("", {"condition": where("tags", "any_of", [4711])}),
    ("actions", {"actions": []}),
    ("actions.0.verb", {"actions": [{"verb": "dance"}]}),
    ("actions.0.into", {"actions": [{"verb": "merge", "into": 3}]}),
    ("actions.0.priority", {"actions": [{"verb": "priority"}]}),
    ("actions.0", {"actions": [{"verb": "status", "status": 4711}]}),
    ("actions.0", {"actions": [{"verb": "field", "key": "nothing", "value": "x"}]}),
    ("actions.1.text", {"actions": [URGENT, {"verb": "reply", "text": " "}]}),
    ("actions.0.text", {"actions": [{"verb": "reply", "text": "Hi {{contact.name}}"}]}),
    ("actions.0.text", {"actions": [{"verb": "note", "text": "{{agent.name}}"}]}),
    ("actions.0.agents", {"actions": [{"verb": "notify", "text": "x"}]}),
    ("", {"actions": [{"verb": "webhook", "webhook": 4711}]}),
    ("actions.0.minutes", {"actions": [{"verb": "snooze", "minutes": 0}]}),
]


async def test_what_is_wrong_is_said_and_where(scene: Scene):
    async with scene.desk.sessions() as session:
        for field, part in BAD:
            given = Given(**({"name": "R", "triggers": [CREATED], "actions": [URGENT]} | part))
            with pytest.raises(BadRule) as raised:
                await rules.keep(session, None, given, by=scene.agents["Ada"])
            expected = "actions.0.verb" if field == "actions.0.into" else field
            assert raised.value.field == expected, (part, str(raised.value))
            assert str(raised.value)
